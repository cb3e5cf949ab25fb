import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import { ADDRESS_HIGH_LIMIT, TWO_32 } from "./chain-codes.ts";
import type { RangeList } from "./range-list.ts";

/** Turns the buffers of descriptors into ranges of guest memory. */
export class BufferRanges {
  readonly #memory: GuestMemory;
  /** The region that the last buffer lay in: the next one is nearly always there too. */
  #region: MemoryRegion | null = null;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** Guest memory changed: regions are looked up anew. */
  forget(): void {
    this.#region = null;
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
    if (addressHigh >= ADDRESS_HIGH_LIMIT) return -1;
    const gpa = addressHigh * TWO_32 + addressLow;
    let region = this.#region;
    if (region === null || gpa < region.gpa || gpa + length > region.end) {
      region = this.#memory.find(gpa, length);
      if (region === null) return this.#addAcross(gpa, length, writable, headLeft, head, body);
      this.#region = region;
    }
    if (writable && !region.writable) return -1;
    return pushRange(region, gpa, length, headLeft, head, body);
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
  if (headLeft === 0) {
    body.push(region.bytes, offset, length, gpa, host);
    return 0;
  }
  const count = Math.min(length, headLeft);
  head.push(region.bytes, offset, count, gpa, host);
  if (count < length) {
    body.push(region.bytes, offset + count, length - count, gpa + count, host === 0 ? 0 : host + count);
  }
  return headLeft - count;
}
