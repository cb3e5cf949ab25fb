import { DriverError } from "./errors.ts";
import type { GuestPorts } from "./guest-ports.ts";
import { PciFunction } from "./pci-function.ts";

/** All functions on bus 0, in ascending order, found as an operating system does. */
export function enumeratePci(ports: GuestPorts): PciFunction[] {
  const found: PciFunction[] = [];
  for (let device = 0; device < 32; device++) {
    const first = new PciFunction(ports, 0, device, 0);
    if (!first.present) continue;
    found.push(first);
    const count = first.multiFunction ? 8 : 1;
    for (let func = 1; func < count; func++) {
      const other = new PciFunction(ports, 0, device, func);
      if (other.present) found.push(other);
    }
  }
  return found;
}

/**
 * The function with these ids.
 * @param nth which of them, where there are several: 0 is the first
 * @throws DriverError where there is none
 */
export function findPciFunction(ports: GuestPorts, vendorId: number, deviceId: number, nth = 0): PciFunction {
  const matching = enumeratePci(ports).filter((f) => f.vendorId === vendorId && f.deviceId === deviceId);
  const found = matching[nth];
  if (found !== undefined) return found;
  const ids = `${vendorId.toString(16)}:${deviceId.toString(16)}`;
  throw new DriverError(`no PCI function ${ids} number ${nth}, bus 0 has ${matching.length}`);
}
