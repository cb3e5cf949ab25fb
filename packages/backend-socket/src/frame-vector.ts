import type { Frame } from "@vmmkit/ethif";
import type { IoVector } from "@vmmkit/posix";

/**
 * Adds bytes of a frame to a vector, where they lie.
 * @param from how many bytes of the frame to leave out at its start
 * @param count how many bytes at most
 * @returns how many were added: fewer where the vector is full, the frame ends, or its memory is gone
 */
export function pushFrame(vector: IoVector, frame: Frame, from: number, count: number): number {
  let skip = from;
  let added = 0;
  for (let i = 0; i < frame.rangeCount && added < count; i++) {
    const length = frame.length[i] ?? 0;
    if (skip >= length) {
      skip -= length;
      continue;
    }
    const part = Math.min(length - skip, count - added);
    if (!pushRange(vector, frame, i, skip, part)) break;
    added += part;
    skip = 0;
  }
  return added;
}

function pushRange(vector: IoVector, frame: Frame, index: number, from: number, count: number): boolean {
  const bytes = frame.bytes[index];
  if (bytes === undefined) return false;
  const start = (frame.offset[index] ?? 0) + from;
  const address = frame.hostAddress[index] ?? 0;
  if (address === 0) return vector.push(bytes, start, count);
  return start + count <= bytes.length && vector.pushAddress(address + from, count);
}
