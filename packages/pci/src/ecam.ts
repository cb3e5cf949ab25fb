import type { MmioInterface } from "@vmmkit/ioport";
import { allOnes, cut } from "./pci-entry.ts";
import type { VmmPciSpace } from "./pci-space.ts";
import { PCI_CONFIG_SPACE_BYTES, PCI_DEVICES, PCI_FUNCTIONS } from "./spec.ts";

/** Configuration space of one function as PCI Express has it. */
const FUNCTION_BYTES = 4096;
/** Bytes that the functions of one bus take. */
export const ECAM_BUS_BYTES: number = PCI_DEVICES * PCI_FUNCTIONS * FUNCTION_BYTES;

/**
 * Configuration space as memory (PCI Express Base Specification 3.0, 7.2.2): 4 KiB for each function, 1 MiB for each
 * bus, in the order of their addresses. The functions here are of conventional PCI, so that behind its 256 bytes a
 * function has nothing: reads give 0 there, which ends the list of extended capabilities before it begins. Where there
 * is no function all is ones.
 *
 * `VmmMmioList.addHandler` puts it into a machine; the guest is told where by ACPI's MCFG or a device tree.
 */
export function ecam(space: VmmPciSpace): MmioInterface {
  return {
    desc: "PCI configuration (ECAM)",
    read: (offset, size) => access(offset, size, (address, at, bytes) => space.configRead(address, at, bytes)),
    write: (offset, size, value) => {
      let done = 0;
      access(offset, size, (address, at, bytes) => {
        space.configWrite(address, at, bytes, cut(value >>> (8 * done), bytes));
        done += bytes;
        return 0;
      });
    },
  };

  /** Does an access as it is, or byte by byte where it is not aligned to itself. */
  function access(
    offset: number,
    size: number,
    act: (address: { bus: number; dev: number; fun: number }, at: number, bytes: number) => number,
  ): number {
    const step = offset % size === 0 ? size : 1;
    let value = 0;
    for (let done = 0; done < size; done += step) {
      const at = offset + done;
      const address = { bus: at >>> 20, dev: (at >>> 15) & 0x1f, fun: (at >>> 12) & 7 };
      const register = at & (FUNCTION_BYTES - 1);
      let part = act(address, register, step);
      if (register >= PCI_CONFIG_SPACE_BYTES) part = space.findDevice(address) === null ? allOnes(step) : 0;
      value |= part << (8 * done);
    }
    return value >>> 0;
  }
}
