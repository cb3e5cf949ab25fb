import { PciAddressError } from "./errors.ts";
import { PCI_DEVICES, PCI_FUNCTIONS } from "./spec.ts";

/** Where a function is (C original: `vmm_pci_address_t`). */
export interface PciAddress {
  /** Bus, 0 to 255. A `VmmPciSpace` has bus 0 alone. */
  readonly bus: number;
  /** Device, 0 to 31. */
  readonly dev: number;
  /** Function, 0 to 7. */
  readonly fun: number;
}

/** An address and a register of the function there. */
export interface PciAddressAndRegister extends PciAddress {
  /** Offset in configuration space, 0 to 255. */
  readonly reg: number;
}

/** Takes apart a value of the configuration address register (C original: `make_addr_reg_from_config`). */
export function makeAddrRegFromConfig(conf: number): PciAddressAndRegister {
  return { bus: (conf >>> 16) & 0xff, dev: (conf >>> 11) & 0x1f, fun: (conf >>> 8) & 7, reg: conf & 0xff };
}

/** Writes an address as "00:03.0". */
export function formatPciAddress(address: PciAddress): string {
  const hex = (value: number): string => value.toString(16).padStart(2, "0");
  return `${hex(address.bus)}:${hex(address.dev)}.${address.fun}`;
}

/** Whether a function can be there in a `VmmPciSpace`: bus 0, device 0 to 31, function 0 to 7. */
export function isOnBus0(address: PciAddress): boolean {
  return address.bus === 0 && isBelow(address.dev, PCI_DEVICES) && isBelow(address.fun, PCI_FUNCTIONS);
}

/** @throws PciAddressError where `isOnBus0` is false */
export function checkAddress(address: PciAddress): void {
  if (isOnBus0(address)) return;
  const { bus, dev, fun } = address;
  throw new PciAddressError(
    `"address" expected bus 0 (there is no other yet), dev 0 to 31, fun 0 to 7, got bus ${bus}, dev ${dev}, fun ${fun}`,
  );
}

/** @throws PciAddressError for anything but a device number */
export function checkDevice(name: string, dev: number): void {
  if (!isBelow(dev, PCI_DEVICES)) throw new PciAddressError(`"${name}" expected a device from 0 to 31, got ${dev}`);
}

function isBelow(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < limit;
}
