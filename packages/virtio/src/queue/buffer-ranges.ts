import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import { ADDRESS_HIGH_LIMIT, TWO_32 } from "./chain-codes.ts";
import { MemoryWindow } from "./memory-window.ts";
import type { RangeList } from "./range-list.ts";

/** Turns the buffers of descriptors into ranges of guest memory. */
export class BufferRanges {
  readonly #memory: GuestMemory;
  /** Where the last buffer lay. */
  readonly window: MemoryWindow = new MemoryWindow();

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** Guest memory changed: regions are looked up anew. */
  forget(): void {
    this.window.close();
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
    const { window } = this;
    const at = window.find(addressLow, addressHigh, length);
    if (at < 0 || (writable && !window.writable)) {
      return this.#addElsewhere(addressLow, addressHigh, length, writable, headLeft, head, body);
    }
    const offset = window.offset + at;
    const gpa = window.gpa + at;
    const host = window.hostAddress === 0 ? 0 : window.hostAddress + offset;
    if (headLeft === 0) {
      body.push(window.bytes, offset, length, gpa, host);
      return 0;
    }
    if (length <= headLeft) {
      head.push(window.bytes, offset, length, gpa, host);
      return headLeft - length;
    }
    return pushSplit(window.bytes, offset, length, gpa, host, headLeft, head, body);
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
    this.window.move(region, gpa);
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
