import { RequestError } from "./errors.ts";

/** A packed ring's first slot in its first round: where its driver starts. */
const FRESH = 0x8000;

/**
 * Where a ring goes on, as `DeviceState.enableQueue` takes it, out of SET_VRING_BASE. For a split ring that is an index of
 * 16 bits. For a packed one it is two positions with their wrap counters: of the next chain in the lower half, and of
 * the next used one in the upper. DPDK leaves the upper half out, and means the same position.
 * @param num as the front-end said it
 * @throws RequestError for a position that the ring does not have
 */
export function ringBase(num: number, size: number, isPacked: boolean): number {
  const low = num & 0xffff;
  if (!isPacked) return low;
  const high = num === FRESH ? FRESH : num >>> 16;
  if ((low & 0x7fff) >= size || (high & 0x7fff) >= size) {
    throw new RequestError(`base 0x${num.toString(16)} in a ring of ${size}`);
  }
  return high * 0x1_0000 + low;
}
