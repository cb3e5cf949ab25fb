import type { PciAddress } from "./pci-address.ts";
import { allOnes, cut, isConfigAccess, type PciEntry } from "./pci-entry.ts";

/** Access to configuration space elsewhere: the host's, or another emulator's (C original: `vmm_pci_config_t`). */
export interface PciConfig {
  ioRead8(address: PciAddress, offset: number): number;
  ioRead16(address: PciAddress, offset: number): number;
  ioRead32(address: PciAddress, offset: number): number;
  ioWrite8(address: PciAddress, offset: number, value: number): void;
  ioWrite16(address: PciAddress, offset: number, value: number): void;
  ioWrite32(address: PciAddress, offset: number, value: number): void;
}

/**
 * A function that is another one, register for register (C original: `vmm_pci_create_passthrough`). Its BARs hold
 * addresses of the other machine: wrap it in `barEmulation`.
 * @param address where it is in `config`; any bus
 */
export function passthrough(address: PciAddress, config: PciConfig): PciEntry {
  const there: PciAddress = { bus: address.bus, dev: address.dev, fun: address.fun };
  return {
    ioRead(offset, size) {
      if (!isConfigAccess(offset, size)) return allOnes(size);
      if (size === 1) return cut(config.ioRead8(there, offset), 1);
      return size === 2 ? cut(config.ioRead16(there, offset), 2) : cut(config.ioRead32(there, offset), 4);
    },
    ioWrite(offset, size, value) {
      if (!isConfigAccess(offset, size)) return;
      if (size === 1) config.ioWrite8(there, offset, cut(value, 1));
      else if (size === 2) config.ioWrite16(there, offset, cut(value, 2));
      else config.ioWrite32(there, offset, cut(value, 4));
    },
  };
}
