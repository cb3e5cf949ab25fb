import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import { ADDRESS_HIGH_LIMIT, TWO_32 } from "./chain-codes.ts";
import type { RangeList } from "./range-list.ts";

const WINDOW_BYTES = 0x4000_0000;
const NO_BYTES = new Uint8Array(0);

/** Turns the buffers of descriptors into ranges of guest memory. */
export class BufferRanges {
  readonly #memory: GuestMemory;
  /*
   * The part of a region that the last buffer lay in: the next one is nearly always there too. It lies within one
   * gigabyte, so that 32 bits are enough to tell whether a buffer is in it, and where: whole numbers of that size are
   * what a JIT has fast code for. Without one its length is 0.
   */
  #windowLow = 0;
  #windowHigh = 0;
  #windowBytes = 0;
  /** Its address, and its offset in the region's bytes. */
  #windowGpa = 0;
  #windowOffset = 0;
  #hostAddress = 0;
  #writable = false;
  #bytes: Uint8Array = NO_BYTES;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** Guest memory changed: regions are looked up anew. */
  forget(): void {
    this.#windowBytes = 0;
    this.#bytes = NO_BYTES;
  }

  /**
   * Adds a buffer to `head` as far as that wants bytes, and to `body` beyond.
   * @param addressLow bits 0 to 31 of its address
   * @param addressHigh bits 32 to 63
   * @param length in bytes, at least 1
   * @param headLeft bytes that `head` still wants
   * @returns bytes that `head` wants behind it, or -1 where a byte is outside memory, or `writable` is asked of
   * read-only memory; ranges that were added before that stay
   */
  add(
    addressLow: number,
    addressHigh: number,
    length: number,
    writable: boolean,
    headLeft: number,
    head: RangeList,
    body: RangeList,
  ): number {
    const at = (addressLow - this.#windowLow) | 0;
    const bytes = length | 0;
    const room = (this.#windowBytes - at) | 0;
    // Lengths of 2^31 and more are negative here, as are distances to what lies before the window or far behind it.
    if (addressHigh !== this.#windowHigh || at < 0 || bytes <= 0 || bytes > room || (writable && !this.#writable)) {
      return this.#addElsewhere(addressLow, addressHigh, length, writable, headLeft, head, body);
    }
    const offset = this.#windowOffset + at;
    const gpa = this.#windowGpa + at;
    const host = this.#hostAddress === 0 ? 0 : this.#hostAddress + offset;
    if (headLeft === 0) {
      body.push(this.#bytes, offset, bytes, gpa, host);
      return 0;
    }
    if (bytes <= headLeft) {
      head.push(this.#bytes, offset, bytes, gpa, host);
      return headLeft - bytes;
    }
    return pushSplit(this.#bytes, offset, bytes, gpa, host, headLeft, head, body);
  }

  /** Where a buffer lies in the window: in bytes from its start, or -1 where it does not, or may not be written. */
  find(addressLow: number, addressHigh: number, length: number, writable: boolean): number {
    const at = (addressLow - this.#windowLow) | 0;
    const bytes = length | 0;
    const room = (this.#windowBytes - at) | 0;
    if (addressHigh !== this.#windowHigh || at < 0 || bytes <= 0 || bytes > room || (writable && !this.#writable)) {
      return -1;
    }
    return at;
  }

  /** Adds what lies at a place that `find` answered. */
  push(at: number, length: number, list: RangeList): void {
    const offset = this.#windowOffset + at;
    const host = this.#hostAddress === 0 ? 0 : this.#hostAddress + offset;
    list.push(this.#bytes, offset, length, this.#windowGpa + at, host);
  }

  /** Replaces what `list` has by what lies at a place that `find` answered. */
  pushAlone(at: number, length: number, list: RangeList): void {
    list.rangeCount = 0;
    list.totalBytes = 0;
    this.push(at, length, list);
  }

  /** The two bytes at a place that `find` answered, as a little-endian number. */
  read16(at: number): number {
    const bytes = this.#bytes;
    const offset = this.#windowOffset + at;
    return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
  }

  /** A buffer that does not lie in the window. */
  #addElsewhere(
    addressLow: number,
    addressHigh: number,
    length: number,
    writable: boolean,
    headLeft: number,
    head: RangeList,
    body: RangeList,
  ): number {
    if (addressHigh >= ADDRESS_HIGH_LIMIT) return -1;
    const gpa = addressHigh * TWO_32 + addressLow;
    const region = this.#memory.find(gpa, length);
    if (region === null) return this.#addAcross(gpa, length, writable, headLeft, head, body);
    if (writable && !region.writable) return -1;
    this.#moveWindow(region, gpa);
    return pushRange(region, gpa, length, headLeft, head, body);
  }

  #moveWindow(region: MemoryRegion, gpa: number): void {
    const start = Math.max(region.gpa, gpa - (gpa % WINDOW_BYTES));
    const end = Math.min(region.end, start - (start % WINDOW_BYTES) + WINDOW_BYTES);
    this.#windowGpa = start;
    this.#windowLow = start | 0;
    this.#windowHigh = Math.floor(start / TWO_32);
    this.#windowBytes = end - start;
    this.#windowOffset = start - region.gpa;
    this.#hostAddress = region.hostAddress;
    this.#writable = region.writable;
    this.#bytes = region.bytes;
  }

  /** A buffer that lies over the border of regions that adjoin: a range for each. */
  #addAcross(
    gpa: number,
    length: number,
    writable: boolean,
    headBytes: number,
    head: RangeList,
    body: RangeList,
  ): number {
    let headLeft = headBytes;
    for (let done = 0; done < length; ) {
      const region = this.#memory.findAt(gpa + done);
      if (region === null || (writable && !region.writable)) return -1;
      const count = Math.min(length - done, region.end - (gpa + done));
      headLeft = pushRange(region, gpa + done, count, headLeft, head, body);
      done += count;
    }
    return headLeft;
  }
}

function pushRange(
  region: MemoryRegion,
  gpa: number,
  length: number,
  headLeft: number,
  head: RangeList,
  body: RangeList,
): number {
  const offset = gpa - region.gpa;
  const host = region.hostAddress === 0 ? 0 : region.hostAddress + offset;
  return pushSplit(region.bytes, offset, length, gpa, host, headLeft, head, body);
}

/** Adds a range to `head` as far as that wants bytes, and to `body` beyond. Answers what `head` still wants. */
function pushSplit(
  bytes: Uint8Array,
  offset: number,
  length: number,
  gpa: number,
  host: number,
  headLeft: number,
  head: RangeList,
  body: RangeList,
): number {
  const count = Math.min(length, headLeft);
  if (count > 0) head.push(bytes, offset, count, gpa, host);
  if (count < length) body.push(bytes, offset + count, length - count, gpa + count, host === 0 ? 0 : host + count);
  return headLeft - count;
}
