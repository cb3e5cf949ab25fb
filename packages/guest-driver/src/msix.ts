import { DriverError } from "./errors.ts";
import type { GuestBus } from "./guest-ports.ts";
import type { BarInfo, PciFunction } from "./pci-function.ts";
import { addressOf } from "./virtio-cap.ts";

const MSIX_CAPABILITY = 0x11;
const CONTROL = 2;
const TABLE = 4;
const PENDING = 8;
const ENABLE = 0x8000;
const MASK_ALL = 0x4000;
const ENTRY_BYTES = 16;

/** The MSI-X of a function as an operating system works with it (PCI Local Bus Specification 3.0, 6.8.2). */
export class GuestMsix {
  /** How many vectors there are. */
  readonly vectors: number;
  /** Guest physical addresses of the table and of the pending bits. */
  readonly table: number;
  readonly pending: number;
  readonly #bus: GuestBus;
  readonly #func: PciFunction;
  readonly #at: number;

  /** @throws DriverError where the function has none, or its BAR is not memory */
  constructor(bus: GuestBus, func: PciFunction, bars: readonly BarInfo[]) {
    const found = func.capabilities().find(({ id }) => id === MSIX_CAPABILITY);
    if (found === undefined) throw new DriverError(`${func} has no MSI-X`);
    this.#bus = bus;
    this.#func = func;
    this.#at = found.offset;
    this.vectors = (func.read(this.#at + CONTROL, 2) & 0x7ff) + 1;
    const table = func.read(this.#at + TABLE, 4);
    const pending = func.read(this.#at + PENDING, 4);
    this.table = addressOf(bars, table & 7, (table & ~7) >>> 0);
    this.pending = addressOf(bars, pending & 7, (pending & ~7) >>> 0);
  }

  /** Turns it on or off. */
  setEnabled(enabled: boolean): void {
    this.#setControl(ENABLE, enabled);
  }

  /** Masks or unmasks the function as a whole. */
  setMaskAll(masked: boolean): void {
    this.#setControl(MASK_ALL, masked);
  }

  /** Says what a vector sends, and lets it through. */
  setMessage(vector: number, address: number, data: number): void {
    const at = this.table + ENTRY_BYTES * vector;
    this.#bus.store(at, 4, address % 2 ** 32);
    this.#bus.store(at + 4, 4, Math.floor(address / 2 ** 32));
    this.#bus.store(at + 8, 4, data);
    this.setMasked(vector, false);
  }

  /** Masks or unmasks a vector. */
  setMasked(vector: number, masked: boolean): void {
    this.#bus.store(this.table + ENTRY_BYTES * vector + 12, 4, masked ? 1 : 0);
  }

  /** Whether a vector's message waits to be let through. */
  isPending(vector: number): boolean {
    return ((this.#bus.load(this.pending + 4 * (vector >> 5), 4) >>> (vector & 31)) & 1) === 1;
  }

  #setControl(bit: number, on: boolean): void {
    const control = this.#func.read(this.#at + CONTROL, 2);
    this.#func.write(this.#at + CONTROL, 2, on ? control | bit : control & ~bit);
  }
}
