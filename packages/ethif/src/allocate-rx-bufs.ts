import type { Frame } from "./frame.ts";
import type { RawIfaceCallbacks } from "./raw-iface.ts";

/**
 * Asks a card for room for several frames: at once where it can, otherwise for one after the other.
 * See `RawIfaceCallbacks.allocateRxBufs`.
 * @returns how many there is room for
 */
export function allocateRxBufs(
  callbacks: RawIfaceCallbacks,
  count: number,
  frames: Frame[],
  lengths: readonly number[],
  queue?: number,
): number {
  if (callbacks.allocateRxBufs !== undefined) return callbacks.allocateRxBufs(count, frames, lengths, queue);
  let found = 0;
  for (; found < count; found++) {
    const frame = callbacks.allocateRxBuf(lengths[found] ?? 0, queue);
    if (frame === null) break;
    frames[found] = frame;
  }
  return found;
}
