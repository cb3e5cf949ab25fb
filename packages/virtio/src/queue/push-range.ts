import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import type { RangeList } from "./range-list.ts";

/** Adds a buffer to `head` as far as that wants bytes, and to `body` beyond. Answers what `head` still wants. */
export function pushRange(
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

/**
 * Like `pushRange` for a buffer that lies over the border of regions that adjoin: a range for each.
 * @returns false where a byte lies outside memory, or `writable` is asked of read-only memory; ranges that were added
 * before that stay
 */
export function pushAcrossRegions(
  memory: GuestMemory,
  gpa: number,
  length: number,
  writable: boolean,
  headBytes: number,
  head: RangeList,
  body: RangeList,
): boolean {
  let headLeft = headBytes;
  for (let done = 0; done < length; ) {
    const region = memory.findAt(gpa + done);
    if (region === null || (writable && !region.writable)) return false;
    const count = Math.min(length - done, region.end - (gpa + done));
    headLeft = pushRange(region, gpa + done, count, headLeft, head, body);
    done += count;
  }
  return true;
}
