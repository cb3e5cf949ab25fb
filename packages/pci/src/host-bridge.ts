import { deviceEntry, type PciDeviceDef } from "./device-def.ts";
import { ignoreWrite } from "./mem-device.ts";
import type { PciEntry } from "./pci-entry.ts";

/** Identity of the bridge, as in the C original: a vendor and device number that no chipset's driver claims. */
const DEFAULTS: PciDeviceDef = { vendorId: 0x5e14, deviceId: 0x0042, revisionId: 1, classCode: 0x06, subclass: 0x00 };

/**
 * The host bridge that guests expect as function 00:00.0 (C original: `define_pci_host_bridge`). The guest can read
 * it and not write it.
 * @param def what is to differ. A machine whose firmware looks for a certain chipset gives that one's numbers, and
 * must then behave as that chipset does
 * @throws PciDefinitionError for a value that its field cannot hold
 */
export function hostBridge(def: Partial<PciDeviceDef> = {}): PciEntry {
  return ignoreWrite(deviceEntry({ ...DEFAULTS, ...def }));
}
