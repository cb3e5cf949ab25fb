import type { MemoryRegion } from "@vmmkit/vm";
import { NO_WORDS, TWO_32 } from "./chain-codes.ts";

const WINDOW_BYTES = 0x4000_0000;
const NO_BYTES = new Uint8Array(0);

/**
 * The part of a region that the last buffer lay in: the next one is nearly always there too. It lies within one
 * gigabyte, so that 32 bits are enough to tell whether a buffer is in it, and where: whole numbers of that size are
 * what a JIT has fast code for.
 */
export class MemoryWindow {
  /** Bits 0 to 31 of its address, with a sign, and bits 32 to 63. */
  low = 0;
  high = 0;
  /** 0 where there is none. */
  lengthBytes = 0;
  /** Its address. */
  gpa = 0;
  /** Where it starts in `bytes`, a multiple of 4. */
  offset = 0;
  /** The region's address in this process, 0 where it has none. */
  hostAddress = 0;
  writable = false;
  region: MemoryRegion | null = null;
  /** The region, and the same as words. */
  bytes: Uint8Array = NO_BYTES;
  words: Uint32Array = NO_WORDS;

  /** Guest memory changed: there is none. */
  close(): void {
    this.lengthBytes = 0;
    this.region = null;
    this.bytes = NO_BYTES;
    this.words = NO_WORDS;
  }

  /** The window is where a buffer of this region lies. */
  move(region: MemoryRegion, gpa: number): void {
    const start = Math.max(region.gpa, gpa - (gpa % WINDOW_BYTES));
    const end = Math.min(region.end, start - (start % WINDOW_BYTES) + WINDOW_BYTES);
    this.region = region;
    this.gpa = start;
    this.low = start | 0;
    this.high = Math.floor(start / TWO_32);
    // `>>> 0`: these come as floats, and what reads them is made for small integers.
    this.lengthBytes = (end - start) >>> 0;
    this.offset = (start - region.gpa) >>> 0;
    this.hostAddress = region.hostAddress;
    this.writable = region.writable;
    this.bytes = region.bytes;
    this.words = region.u32;
  }

  /**
   * Where a buffer lies: in bytes from the window's start, or -1 where it does not lie in it, or is empty.
   * @param addressLow bits 0 to 31 of its address
   * @param addressHigh bits 32 to 63
   */
  find(addressLow: number, addressHigh: number, length: number): number {
    return placeIn(this.low, this.high, this.lengthBytes, addressLow, addressHigh, length);
  }
}

/**
 * `MemoryWindow.find`, for loops that have the window's fields in locals.
 * @param low bits 0 to 31 of the window's address, with a sign
 * @param high bits 32 to 63
 * @param lengthBytes the window's length, 0 where there is none
 */
export function placeIn(
  low: number,
  high: number,
  lengthBytes: number,
  addressLow: number,
  addressHigh: number,
  length: number,
): number {
  const at = (addressLow - low) | 0;
  const bytes = length | 0;
  // Lengths of 2^31 and more are negative here, as are distances to what lies before the window or far behind it.
  return (addressHigh | 0) !== high || at < 0 || bytes <= 0 || bytes > ((lengthBytes - at) | 0) ? -1 : at;
}
