import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import { GuestRamError } from "./errors.ts";

/** Bytes of a page of guest memory. */
export const GUEST_PAGE_BYTES = 4096;

interface FreeRange {
  gpa: number;
  end: number;
}

/**
 * The guest's own view of its memory: hands out pages, reads and writes little-endian values at any address.
 * What it hands out is contiguous and inside one region. Page 0 is never handed out: a page number of 0 means
 * "no queue" in the legacy interface.
 */
export class GuestRam {
  /** The memory that the pages come from. */
  readonly memory: GuestMemory;
  readonly #free: FreeRange[] = [];

  /** @param from lowest address to hand out; everything below stays the caller's. Default: page 1. */
  constructor(memory: GuestMemory, from: number = GUEST_PAGE_BYTES) {
    this.memory = memory;
    for (const region of memory.regions) {
      if (!region.writable) continue;
      const gpa = roundUp(Math.max(region.gpa, from, GUEST_PAGE_BYTES));
      const end = Math.floor(region.end / GUEST_PAGE_BYTES) * GUEST_PAGE_BYTES;
      if (gpa < end) this.#free.push({ gpa, end });
    }
  }

  /** Bytes that are not handed out. */
  get freeBytes(): number {
    return this.#free.reduce((sum, range) => sum + range.end - range.gpa, 0);
  }

  /**
   * Hands out whole pages, filled with zeros.
   * @param lengthBytes how much is needed at least
   * @returns the guest physical address of the first page
   * @throws GuestRamError where no contiguous range is that long
   */
  alloc(lengthBytes: number): number {
    const size = roundUp(Math.max(1, lengthBytes));
    for (let i = 0; i < this.#free.length; i++) {
      const range = this.#free[i];
      if (range === undefined || range.end - range.gpa < size) continue;
      const gpa = range.gpa;
      range.gpa += size;
      if (range.gpa === range.end) this.#free.splice(i, 1);
      this.bytes(gpa, size).fill(0);
      return gpa;
    }
    throw new GuestRamError(`no ${size} contiguous bytes of guest memory left, ${this.freeBytes} in pieces`);
  }

  /** Takes pages back. Both arguments as for the `alloc` that handed them out. */
  free(gpa: number, lengthBytes: number): void {
    const returned = { gpa, end: gpa + roundUp(Math.max(1, lengthBytes)) };
    for (const range of this.#free) {
      if (returned.gpa < range.end && range.gpa < returned.end) {
        throw new GuestRamError(`0x${gpa.toString(16)} is free already`);
      }
    }
    this.#free.push(returned);
    this.#free.sort((a, b) => a.gpa - b.gpa);
    this.#join();
  }

  /**
   * The region that holds a range.
   * @throws GuestRamError where a byte of the range is not memory of one region
   */
  region(gpa: number, lengthBytes: number): MemoryRegion {
    this.memory.validate();
    const region = this.memory.find(gpa, lengthBytes);
    if (region === null) throw new GuestRamError(`no ${lengthBytes} bytes of guest memory at 0x${gpa.toString(16)}`);
    return region;
  }

  /** A view of guest memory, good until `memory.generation` changes. @throws GuestRamError for what is not memory */
  bytes(gpa: number, lengthBytes: number): Uint8Array {
    const region = this.region(gpa, lengthBytes);
    const offset = gpa - region.gpa;
    return region.bytes.subarray(offset, offset + lengthBytes);
  }

  /** A copy of guest memory. */
  read(gpa: number, lengthBytes: number): Uint8Array {
    return Uint8Array.from(this.bytes(gpa, lengthBytes));
  }

  /** Copies `source` into guest memory. */
  write(gpa: number, source: Uint8Array): void {
    this.bytes(gpa, source.length).set(source);
  }

  /** Reads an unsigned little-endian number of 1, 2 or 4 bytes. */
  readUint(gpa: number, size: 1 | 2 | 4): number {
    let value = 0;
    const bytes = this.bytes(gpa, size);
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (bytes[i] ?? 0);
    return value;
  }

  /** Writes the low 1, 2 or 4 bytes of `value`, least significant byte first. */
  writeUint(gpa: number, size: 1 | 2 | 4, value: number): void {
    const bytes = this.bytes(gpa, size);
    for (let i = 0; i < size; i++) bytes[i] = (value >>> (8 * i)) & 0xff;
  }

  /** Joins free ranges that adjoin, but never across regions: what is handed out lies in one. */
  #join(): void {
    for (let i = this.#free.length - 1; i > 0; i--) {
      const low = this.#free[i - 1];
      const high = this.#free[i];
      if (low === undefined || high === undefined || low.end !== high.gpa) continue;
      if (this.memory.findAt(low.gpa) !== this.memory.findAt(high.gpa)) continue;
      low.end = high.end;
      this.#free.splice(i, 1);
    }
  }
}

function roundUp(value: number): number {
  return Math.ceil(value / GUEST_PAGE_BYTES) * GUEST_PAGE_BYTES;
}
