import { PciDefinitionError } from "./errors.ts";
import * as spec from "./spec.ts";

/** A base address register, two of them for `mem64` (C original: `vmm_pci_bar_t`). */
export interface PciBar {
  /** I/O ports, memory below 4 GiB, or memory anywhere. */
  readonly kind: "io" | "mem32" | "mem64";
  /** Whether reads of the memory have no side effects. Default false. */
  readonly prefetchable?: boolean;
  /** Where it is after a reset, a multiple of its size. 0 for nowhere yet. */
  readonly address: number;
  /** Its size as a power of two: 2 to 14 for I/O ports, 4 to 30 for `mem32`, 4 to 52 for `mem64`. */
  readonly sizeBits: number;
}

/** Where a BAR is now. */
export interface PciBarWindow {
  /** Number of its register, 0 to 5. A `mem64` has the next one, too. */
  readonly index: number;
  readonly kind: PciBar["kind"];
  /** First port or guest physical address; only means something while `enabled`. */
  readonly address: number;
  /** Ports or bytes. */
  readonly size: number;
  /** Whether accesses reach it now. */
  readonly enabled: boolean;
}

const LAST_PORT = 0xffff;
const ONES = 0xffff_ffff;

/** One BAR: its 32-bit registers, and what they say. */
export class BarRegisters {
  readonly index: number;
  readonly kind: PciBar["kind"];
  readonly size: number;
  /** What the guest wrote last, all bits of it, or the initial address. */
  readonly #written: number[];
  /** Which bits of each register are address. */
  readonly #mask: number[];
  /** The fixed low bits of the first register. */
  readonly #typeBits: number;
  readonly #initial: number;

  /** @throws PciDefinitionError for a BAR that cannot be */
  constructor(bar: PciBar, index: number) {
    checkBar(bar, index);
    this.index = index;
    this.kind = bar.kind;
    this.size = 2 ** bar.sizeBits;
    this.#initial = bar.address;
    this.#typeBits = typeBits(bar);
    const inverted = this.size - 1;
    const low = ~(bar.sizeBits >= 32 ? -1 : inverted) >>> 0;
    this.#mask = bar.kind === "mem64" ? [low, ~Math.floor(inverted / 2 ** 32) >>> 0] : [low];
    this.#written = this.#mask.map(() => 0);
    this.reset();
  }

  /** How many registers it has. */
  get registers(): number {
    return this.#mask.length;
  }

  /** Register 0 or 1 as the guest reads it: its address bits as written, its low bits fixed. */
  read(register: number): number {
    return (this.#addressBits(register) | (register === 0 ? this.#typeBits : 0)) >>> 0;
  }

  /** The guest writes those bits of register 0 or 1 that are set in `mask`. */
  write(register: number, value: number, mask: number): void {
    this.#written[register] = (((this.#written[register] ?? 0) & ~mask) | (value & mask)) >>> 0;
  }

  /** What the guest wrote into each register. */
  get written(): readonly number[] {
    return this.#written;
  }

  /** Back to the initial address. */
  reset(): void {
    this.#written[0] = this.#initial % 2 ** 32;
    if (this.registers === 2) this.#written[1] = Math.floor(this.#initial / 2 ** 32);
  }

  /** What it decodes, given the command register. */
  window(command: number): PciBarWindow {
    const decoding = this.kind === "io" ? spec.PCI_COMMAND_IO : spec.PCI_COMMAND_MEMORY;
    const address = this.#addressBits(1) * 2 ** 32 + this.#addressBits(0);
    const enabled = (command & decoding) !== 0 && address !== 0 && !this.#isSizing() && this.#isReachable(address);
    return { index: this.index, kind: this.kind, address, size: this.size, enabled };
  }

  #addressBits(register: number): number {
    return ((this.#written[register] ?? 0) & (this.#mask[register] ?? 0)) >>> 0;
  }

  /**
   * Whether the guest is asking for the size. Below 4 GiB every address bit is one: the topmost place, where no
   * guest puts a BAR (nor a port BAR at the topmost of the 16 bits that ports have). Of a `mem64` the lower half
   * may rightly be all ones, so what counts is that the guest wrote ones where there are no address bits, too.
   */
  #isSizing(): boolean {
    if (this.kind === "mem64") return this.#written.some((value, i) => (value | (i === 0 ? 0xf : 0)) >>> 0 === ONES);
    const address = this.#addressBits(0);
    const mask = this.#mask[0] ?? 0;
    return address === mask || (this.kind === "io" && address === (mask & LAST_PORT));
  }

  #isReachable(address: number): boolean {
    return address + this.size - 1 <= (this.kind === "io" ? LAST_PORT : Number.MAX_SAFE_INTEGER);
  }
}

function typeBits(bar: PciBar): number {
  if (bar.kind === "io") return spec.PCI_BASE_ADDRESS_SPACE_IO;
  const prefetch = bar.prefetchable === true ? spec.PCI_BASE_ADDRESS_MEM_PREFETCH : 0;
  return bar.kind === "mem64" ? spec.PCI_BASE_ADDRESS_MEM_TYPE_64 | prefetch : prefetch;
}

/** Smallest and largest `sizeBits` (a larger one would have no place but the one that asks for the size), last address. */
const LIMITS = {
  io: { min: 2, max: 14, last: LAST_PORT },
  mem32: { min: 4, max: 30, last: ONES },
  mem64: { min: 4, max: 52, last: Number.MAX_SAFE_INTEGER },
} as const;

function checkBar(bar: PciBar, index: number): void {
  const { min, max, last } = LIMITS[bar.kind];
  if (!Number.isInteger(bar.sizeBits) || bar.sizeBits < min || bar.sizeBits > max) {
    throw new PciDefinitionError(`"bars[${index}].sizeBits" expected ${min} to ${max}, got ${bar.sizeBits}`);
  }
  const size = 2 ** bar.sizeBits;
  const { address } = bar;
  // The topmost place of all is refused as well: there a BAR would never be enabled.
  if (!Number.isSafeInteger(address) || address < 0 || address % size !== 0 || address + size > last) {
    throw new PciDefinitionError(`"bars[${index}].address" expected a multiple of ${size} in reach, got ${address}`);
  }
  if (bar.kind === "io" && bar.prefetchable === true) {
    throw new PciDefinitionError(`"bars[${index}].prefetchable" expected false for I/O ports, got true`);
  }
}
