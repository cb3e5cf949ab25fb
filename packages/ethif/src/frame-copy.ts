import { copyWords } from "./copy-words.ts";
import type { Frame } from "./frame.ts";
import type { WideBytes } from "./wide-bytes.ts";

/** `set` itself: looking it up in the prototype of all typed arrays costs 3 ns a call (measured). */
const setBytes = Uint8Array.prototype.set;

/** Below this length a plain loop beats making a view for `set`. */
const LOOP_BELOW = 24;

/**
 * Copies the start of a frame into the host's memory.
 * @param target where it goes; filled from index 0
 * @param from how many bytes of the frame to leave out at its start
 * @returns the number of bytes copied: less than `target.length` where the frame ends first
 */
export function readFrame(frame: Frame, target: Uint8Array, from = 0): number {
  const first = frame.firstLength;
  if (from + target.length <= first) {
    copyRange(frame.firstBytes, frame.firstWide(), frame.firstOffset + from, target, null, 0, target.length);
    return target.length;
  }
  return readRanges(frame, target, from);
}

function readRanges(frame: Frame, target: Uint8Array, from: number): number {
  let skip = from;
  let done = 0;
  for (let i = 0; i < frame.rangeCount && done < target.length; i++) {
    const bytes = frame.bytes[i];
    const offset = frame.offset[i];
    const length = frame.length[i];
    if (bytes === undefined || offset === undefined || length === undefined) break;
    if (skip >= length) {
      skip -= length;
      continue;
    }
    const count = Math.min(length - skip, target.length - done);
    copyRange(bytes, frame.wide(i), offset + skip, target, null, done, count);
    done += count;
    skip = 0;
  }
  return done;
}

/**
 * Copies host bytes into the room that a frame offers, from its start.
 * @returns the number of bytes copied: less than `source.length` where the room ends first
 */
export function writeFrame(frame: Frame, source: Uint8Array): number {
  const count = source.length;
  if (count > frame.firstLength) return writeRanges(frame, source);
  const target = frame.firstBytes;
  // Nothing beats a whole array given to `set`.
  if (count >= LOOP_BELOW && source !== target) setBytes.call(target, source, frame.firstOffset);
  else copyRange(source, null, 0, target, null, frame.firstOffset, count);
  return count;
}

function writeRanges(frame: Frame, source: Uint8Array): number {
  let done = 0;
  for (let i = 0; i < frame.rangeCount && done < source.length; i++) {
    const bytes = frame.bytes[i];
    const offset = frame.offset[i];
    const length = frame.length[i];
    if (bytes === undefined || offset === undefined || length === undefined) break;
    const count = Math.min(length, source.length - done);
    copyRange(source, null, done, bytes, null, offset, count);
    done += count;
  }
  return done;
}

/**
 * Copies one frame's bytes into the room that another offers, range by range, and the offload fields with them.
 * @param limitBytes copies no more than that
 * @returns the number of bytes copied: less than `source.totalBytes` where the room is smaller
 */
export function copyFrame(source: Frame, target: Frame, limitBytes: number = source.totalBytes): number {
  target.copyOffloadsFrom(source);
  if (limitBytes > source.firstLength || limitBytes > target.firstLength) return copyRanges(source, target, limitBytes);
  const from = source.firstOffset;
  const to = target.firstOffset;
  copyRange(source.firstBytes, source.firstWide(), from, target.firstBytes, target.firstWide(), to, limitBytes);
  return limitBytes;
}

function copyRanges(source: Frame, target: Frame, limitBytes: number): number {
  let done = 0;
  let from = 0;
  let to = 0;
  let fromUsed = 0;
  let toUsed = 0;
  while (done < limitBytes && from < source.rangeCount && to < target.rangeCount) {
    const sourceBytes = source.bytes[from];
    const sourceOffset = source.offset[from];
    const sourceLength = source.length[from];
    const targetBytes = target.bytes[to];
    const targetOffset = target.offset[to];
    const targetLength = target.length[to];
    if (sourceBytes === undefined || sourceOffset === undefined || sourceLength === undefined) break;
    if (targetBytes === undefined || targetOffset === undefined || targetLength === undefined) break;
    const count = Math.min(sourceLength - fromUsed, targetLength - toUsed, limitBytes - done);
    const wideSource = source.wide(from);
    const wideTarget = target.wide(to);
    copyRange(sourceBytes, wideSource, sourceOffset + fromUsed, targetBytes, wideTarget, targetOffset + toUsed, count);
    done += count;
    fromUsed += count;
    toUsed += count;
    if (fromUsed === sourceLength) {
      from++;
      fromUsed = 0;
    }
    if (toUsed === targetLength) {
      to++;
      toUsed = 0;
    }
  }
  return done;
}

/**
 * Copies `count` bytes. Within one view the two ranges may overlap: the target gets what the source had before.
 * Different views of the same memory should not overlap; then the target's bytes are any mixture, and no others change.
 */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  copyRange(source, null, from, target, null, to, count);
}

/**
 * `copyBytes`, with the wide views of both where there are some. Measured, in order: nothing beats a whole array given
 * to `set`; then words, up to a length that depends on the alignment; then `copyWithin` in one array, and `set` with a
 * view that is kept; last a new view.
 */
function copyRange(
  source: Uint8Array,
  wideSource: WideBytes | null,
  from: number,
  target: Uint8Array,
  wideTarget: WideBytes | null,
  to: number,
  count: number,
): void {
  if (source === target) copyWithin(source, from, to, count);
  else if (count === source.length && from === 0 && count >= LOOP_BELOW) setBytes.call(target, source, to);
  else if (wideSource !== null) {
    if (wideTarget !== null && copyWords(wideSource, from, wideTarget, to, count)) return;
    if (count < LOOP_BELOW) copyForward(source, from, target, to, count);
    else setBytes.call(target, wideSource.viewOf(from, count), to);
  } else if (count < LOOP_BELOW) copyForward(source, from, target, to, count);
  else target.set(new Uint8Array(source.buffer, source.byteOffset + from, count), to);
}

function copyForward(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  for (let i = 0; i < count; i++) target[to + i] = source[from + i] as number;
}

function copyWithin(bytes: Uint8Array, from: number, to: number, count: number): void {
  if (count >= LOOP_BELOW) bytes.copyWithin(to, from, from + count);
  else if (from < to) for (let i = count - 1; i >= 0; i--) bytes[to + i] = bytes[from + i] as number;
  else copyForward(bytes, from, bytes, to, count);
}
