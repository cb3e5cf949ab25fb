import type { Frame } from "./frame.ts";

/**
 * Copies the start of a frame into the host's memory.
 * @param target where it goes; filled from index 0
 * @param from how many bytes of the frame to leave out at its start
 * @returns the number of bytes copied: less than `target.length` where the frame ends first
 */
export function readFrame(frame: Frame, target: Uint8Array, from = 0): number {
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
    copyBytes(bytes, offset + skip, target, done, count);
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
  let done = 0;
  for (let i = 0; i < frame.rangeCount && done < source.length; i++) {
    const bytes = frame.bytes[i];
    const offset = frame.offset[i];
    const length = frame.length[i];
    if (bytes === undefined || offset === undefined || length === undefined) break;
    const count = Math.min(length, source.length - done);
    copyBytes(source, done, bytes, offset, count);
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
    copyBytes(sourceBytes, sourceOffset + fromUsed, targetBytes, targetOffset + toUsed, count);
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

/** Below this length a plain loop beats making a view for `set`. */
const LOOP_BELOW = 24;

/**
 * Copies `count` bytes. Within one view the two ranges may overlap: the target gets what the source had before.
 * Different views of the same memory should not overlap; then the target's bytes are any mixture, and no others change.
 *
 * Measured: a new view handed to `set` beats `subarray`; within one buffer `copyWithin` needs no view at all.
 */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  if (count < LOOP_BELOW) {
    if (source === target && from < to) {
      for (let i = count - 1; i >= 0; i--) target[to + i] = source[from + i] as number;
    } else {
      for (let i = 0; i < count; i++) target[to + i] = source[from + i] as number;
    }
  } else if (source === target) {
    target.copyWithin(to, from, from + count);
  } else {
    target.set(new Uint8Array(source.buffer, source.byteOffset + from, count), to);
  }
}
