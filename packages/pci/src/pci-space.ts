import {
  joinRestorations,
  type Restoration,
  restore,
  type Saveable,
  stateInteger,
  stateList,
  stateRecord,
} from "@vmmkit/vm";
import { PciAddressError, PciSlotOccupiedError, PciSpaceFullError } from "./errors.ts";
import { hostBridge } from "./host-bridge.ts";
import { checkAddress, checkDevice, formatPciAddress, isOnBus0, type PciAddress } from "./pci-address.ts";
import { allOnes, cut, type EntryState, isConfigAccess, type PciEntry } from "./pci-entry.ts";
import { PCI_DEVICES, PCI_FUNCTIONS, PCI_HEADER_TYPE, PCI_HEADER_TYPE_MULTI_FUNCTION } from "./spec.ts";

/** Options of `VmmPciSpace`. */
export interface PciSpaceOptions {
  /** What is at 00:00.0. Default `hostBridge()`; null for nothing, where the machine has a bridge of its own. */
  readonly hostBridge?: PciEntry | null;
  /** Devices that are never given out as a free slot, because something outside this space answers there. */
  readonly reservedDevices?: readonly number[];
}

/** The version of `PciSpaceState` that this package writes, and the only one that it reads. */
const STATE_VERSION = 1;

/** The state of all functions of a space. */
export interface PciSpaceState {
  readonly version: number;
  /** See `VmmPciSpace.configAddress`. */
  readonly configAddress: number;
  /** Of each function that has a state. */
  readonly functions: readonly { readonly dev: number; readonly fun: number; readonly state: EntryState }[];
}

/** Bits 30 to 24 of the address register are reserved, and so are bits 1 and 0: they read 0. */
const CONFIG_ADDRESS_BITS = 0x80ff_fffc;

/**
 * The functions that the guest finds on PCI bus 0 (C original: `vmm_pci_space_t`, and `vmm_pci_init` as its
 * constructor). There is no other bus.
 */
export class VmmPciSpace implements Saveable {
  readonly #functions: (PciEntry | null)[] = new Array<PciEntry | null>(PCI_DEVICES * PCI_FUNCTIONS).fill(null);
  readonly #reserved: ReadonlySet<number>;
  #configAddress = 0;

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

  /** The address register of configuration mechanism #1 (3.2.2.3.2), which `configPorts` shows. */
  get configAddress(): number {
    return this.#configAddress;
  }

  set configAddress(value: number) {
    this.#configAddress = (value & CONFIG_ADDRESS_BITS) >>> 0;
  }

  /** The machine is reset: so is every function that can be. */
  reset(): void {
    for (const entry of this.#functions) entry?.reset?.();
  }

  /**
   * What the guest made of all functions, and of what is behind them: a network card's state is in its function's.
   * Guest memory is not in it.
   */
  save(): PciSpaceState {
    const functions = this.#saveable().map(({ dev, fun, entry }) => ({ dev, fun, state: entry.save() }));
    return { version: STATE_VERSION, configAddress: this.#configAddress, functions };
  }

  /**
   * See `Saveable.prepare`. Guest memory has to be as it was saved already: it is looked whether rings lie in it.
   * @throws TypeError, RangeError naming what is wrong. The functions have to be those that the space has
   */
  prepare(state: unknown): Restoration {
    const { version, configAddress, functions } = stateRecord("state", state);
    stateInteger("version", version, STATE_VERSION, STATE_VERSION);
    const address = stateInteger("configAddress", configAddress, 0, 0xffff_ffff);
    const entries = this.#saveable();
    const saved = stateList("functions", functions, entries.length);
    const all = entries.map(({ dev, fun, entry }, i) => {
      const { dev: savedDev, fun: savedFun, state: own } = stateRecord(`functions[${i}]`, saved[i]);
      stateInteger(`functions[${i}].dev`, savedDev, dev, dev);
      stateInteger(`functions[${i}].fun`, savedFun, fun, fun);
      return entry.prepare(own);
    });
    const own: Restoration = {
      apply: () => {
        this.configAddress = address;
      },
      resume: () => {},
    };
    return joinRestorations([own, ...all]);
  }

  /**
   * Brings all functions to where `save` found them, or, where the state is refused, none.
   * @throws what `prepare` throws
   */
  restore(state: unknown): void {
    restore(this, state);
  }

  /** The functions that have a state, in the order of their addresses. */
  #saveable(): { dev: number; fun: number; entry: SaveableEntry }[] {
    return this.#functions.flatMap((entry, index) => {
      if (!isSaveable(entry)) return [];
      return [{ dev: Math.floor(index / PCI_FUNCTIONS), fun: index % PCI_FUNCTIONS, entry }];
    });
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

type SaveableEntry = PciEntry & Required<Pick<PciEntry, "save" | "prepare">>;

function isSaveable(entry: PciEntry | null): entry is SaveableEntry {
  return entry?.save !== undefined && entry.prepare !== undefined;
}

function indexOf(address: PciAddress): number {
  return address.dev * PCI_FUNCTIONS + address.fun;
}
