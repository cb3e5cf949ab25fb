import type { IoPortInterface, IoPortRange } from "@vmmkit/ioport";
import { makeAddrRegFromConfig, type PciAddressAndRegister } from "./pci-address.ts";
import { allOnes, cut } from "./pci-entry.ts";
import type { VmmPciSpace } from "./pci-space.ts";
import { PCI_CONFIG_ADDRESS_PORT, PCI_CONFIG_DATA_PORT, PCI_CONFIG_ENABLE, PCI_CONFIG_LAST_PORT } from "./spec.ts";

/** Options of `configPorts`. */
export interface ConfigPortsOptions {
  /**
   * Who else answers at these ports: the emulator whose PCI space this one stands in front of. It sees each write
   * of the address register, each access to a function that the space does not have, and each access that is not
   * one of PCI's, such as the reset register at 0xcf9. Without it such reads give all ones and writes do nothing.
   */
  readonly fallback?: IoPortInterface;
}

/** Where the handler of `configPorts` belongs. */
export const CONFIG_PORT_RANGE: IoPortRange = {
  start: PCI_CONFIG_ADDRESS_PORT,
  end: PCI_CONFIG_LAST_PORT,
  size: PCI_CONFIG_LAST_PORT - PCI_CONFIG_ADDRESS_PORT + 1,
};

/**
 * PCI's configuration mechanism #1 (C original: `vmm_pci_io_port_in` and `vmm_pci_io_port_out`): the address
 * register at 0xcf8, which takes 32-bit accesses alone, and four bytes of data at 0xcfc, which take any.
 */
export function configPorts(space: VmmPciSpace, options: ConfigPortsOptions = {}): IoPortInterface {
  return new ConfigPorts(space, options.fallback);
}

class ConfigPorts implements IoPortInterface {
  readonly desc = "PCI configuration";
  readonly #space: VmmPciSpace;
  readonly #fallback: IoPortInterface | undefined;

  constructor(space: VmmPciSpace, fallback: IoPortInterface | undefined) {
    this.#space = space;
    this.#fallback = fallback;
  }

  portIn(port: number, size: number): number {
    if (port === PCI_CONFIG_ADDRESS_PORT && size === 4) return this.#space.configAddress;
    if (crossesRegisters(port, size)) return this.#inBytes(port, size);
    const target = this.#target(port);
    if (target === null) return cut(this.#fallback?.portIn(port, size) ?? allOnes(size), size);
    const offset = target.reg + (port % 4);
    return offset % size === 0 ? this.#space.configRead(target, offset, size) : this.#inBytes(port, size);
  }

  portOut(port: number, size: number, value: number): void {
    if (port === PCI_CONFIG_ADDRESS_PORT && size === 4) {
      this.#space.configAddress = value;
      this.#fallback?.portOut(port, size, value);
    } else if (crossesRegisters(port, size)) {
      this.#outBytes(port, size, value);
    } else {
      this.#outRegister(port, size, value);
    }
  }

  #outRegister(port: number, size: number, value: number): void {
    const target = this.#target(port);
    if (target === null) {
      this.#fallback?.portOut(port, size, value);
      return;
    }
    const offset = target.reg + (port % 4);
    if (offset % size === 0) this.#space.configWrite(target, offset, size, value);
    else this.#outBytes(port, size, value);
  }

  /** Which function of the space a data port reaches now, or null. */
  #target(port: number): PciAddressAndRegister | null {
    if (port < PCI_CONFIG_DATA_PORT || port > PCI_CONFIG_LAST_PORT) return null;
    const { configAddress } = this.#space;
    if ((configAddress & PCI_CONFIG_ENABLE) === 0) return null;
    const target = makeAddrRegFromConfig(configAddress);
    return this.#space.findDevice(target) === null ? null : target;
  }

  #inBytes(port: number, size: number): number {
    let value = allOnes(size);
    for (let i = 0; i < size && i < 4; i++) {
      value = (value & ~(0xff << (8 * i))) | (this.portIn(port + i, 1) << (8 * i));
    }
    return cut(value, size);
  }

  #outBytes(port: number, size: number, value: number): void {
    for (let i = 0; i < size && i < 4; i++) this.portOut(port + i, 1, (value >>> (8 * i)) & 0xff);
  }
}

/** Whether an access touches more than one of the two registers, or is of a width that there is not. */
function crossesRegisters(port: number, size: number): boolean {
  return (port % 4) + size > 4 && size !== 1;
}
