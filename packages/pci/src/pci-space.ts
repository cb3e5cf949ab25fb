import { PciAddressError, PciSlotOccupiedError, PciSpaceFullError } from "./errors.ts";
import { hostBridge } from "./host-bridge.ts";
import { checkAddress, checkDevice, formatPciAddress, isOnBus0, type PciAddress } from "./pci-address.ts";
import { allOnes, cut, isConfigAccess, type PciEntry } from "./pci-entry.ts";
import { PCI_DEVICES, PCI_FUNCTIONS, PCI_HEADER_TYPE, PCI_HEADER_TYPE_MULTI_FUNCTION } from "./spec.ts";

/** Options of `VmmPciSpace`. */
export interface PciSpaceOptions {
  /** What is at 00:00.0. Default `hostBridge()`; null for nothing, where the machine has a bridge of its own. */
  readonly hostBridge?: PciEntry | null;
  /** Devices that are never given out as a free slot, because something outside this space answers there. */
  readonly reservedDevices?: readonly number[];
}

/**
 * The functions that the guest finds on PCI bus 0 (C original: `vmm_pci_space_t`, and `vmm_pci_init` as its
 * constructor). There is no other bus.
 */
export class VmmPciSpace {
  readonly #functions: (PciEntry | null)[] = new Array<PciEntry | null>(PCI_DEVICES * PCI_FUNCTIONS).fill(null);
  readonly #reserved: ReadonlySet<number>;

  /** @throws PciAddressError for a reserved device that cannot be */
  constructor(options: PciSpaceOptions = {}) {
    for (const dev of options.reservedDevices ?? []) checkDevice("reservedDevices", dev);
    this.#reserved = new Set(options.reservedDevices);
    const bridge = options.hostBridge === undefined ? hostBridge() : options.hostBridge;
    if (bridge !== null) this.addEntry(bridge, { bus: 0, dev: 0, fun: 0 });
  }

  /**
   * Adds a function (C original: `vmm_pci_add_entry`).
   * @param address where; by default function 0 of the lowest device that has no functions and is not reserved
   * @returns where it is
   * @throws PciAddressError for an address that is not on bus 0
   * @throws PciSlotOccupiedError where a function is there already
   * @throws PciSpaceFullError where no device is free
   */
  addEntry(entry: PciEntry, address: PciAddress | "free slot" = "free slot"): PciAddress {
    const where = address === "free slot" ? this.#freeSlot() : address;
    checkAddress(where);
    if (this.findDevice(where) !== null) {
      throw new PciSlotOccupiedError(`"address" ${formatPciAddress(where)} has a function already`);
    }
    this.#functions[indexOf(where)] = entry;
    return { bus: where.bus, dev: where.dev, fun: where.fun };
  }

  /**
   * Takes a function away.
   * @throws PciAddressError where there is none
   */
  removeEntry(address: PciAddress): void {
    checkAddress(address);
    if (this.findDevice(address) === null) {
      throw new PciAddressError(`"address" ${formatPciAddress(address)} has no function`);
    }
    this.#functions[indexOf(address)] = null;
  }

  /** The function at an address, or null (C original: `find_device`). Takes whatever the guest asks for. */
  findDevice(address: PciAddress): PciEntry | null {
    return isOnBus0(address) ? (this.#functions[indexOf(address)] ?? null) : null;
  }

  /**
   * The guest reads configuration space: all ones where there is no function. The header type's bit for several
   * functions is this space's business: function 0 shows it where the device has others.
   */
  configRead(address: PciAddress, offset: number, size: number): number {
    const entry = this.findDevice(address);
    if (entry === null || !isConfigAccess(offset, size)) return allOnes(size);
    const value = entry.ioRead(offset, size);
    if (PCI_HEADER_TYPE < offset || PCI_HEADER_TYPE >= offset + size) return value;
    const bit = PCI_HEADER_TYPE_MULTI_FUNCTION << (8 * (PCI_HEADER_TYPE - offset));
    return cut(this.#hasSeveralFunctions(address.dev) ? value | bit : value & ~bit, size);
  }

  /** The guest writes configuration space: ignored where there is no function. */
  configWrite(address: PciAddress, offset: number, size: number, value: number): void {
    if (isConfigAccess(offset, size)) this.findDevice(address)?.ioWrite(offset, size, cut(value, size));
  }

  /** The machine is reset: so is every function that can be. */
  reset(): void {
    for (const entry of this.#functions) entry?.reset?.();
  }

  #freeSlot(): PciAddress {
    for (let dev = 0; dev < PCI_DEVICES; dev++) {
      if (!this.#reserved.has(dev) && this.#isFree(dev)) return { bus: 0, dev, fun: 0 };
    }
    throw new PciSpaceFullError('"address" expected a place, as no device of bus 0 is free');
  }

  #isFree(dev: number): boolean {
    const first = dev * PCI_FUNCTIONS;
    return this.#functions.slice(first, first + PCI_FUNCTIONS).every((entry) => entry === null);
  }

  #hasSeveralFunctions(dev: number): boolean {
    const first = dev * PCI_FUNCTIONS;
    return this.#functions.slice(first + 1, first + PCI_FUNCTIONS).some((entry) => entry !== null);
  }
}

function indexOf(address: PciAddress): number {
  return address.dev * PCI_FUNCTIONS + address.fun;
}
