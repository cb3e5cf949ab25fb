import type { MemoryRegion } from "@vmmkit/vm";
import type { MemoryWindow } from "./memory-window.ts";

/** How far a queue looks ahead, in chains. */
export const MOST_AHEAD = 64;

const NO_BYTES = new Uint8Array(0);

/**
 * Chains of the usual kind that a queue has looked at and not taken yet, in order: a head and then a body, in one
 * descriptor or in one each, in the memory where the last chain was.
 *
 * A place is in bytes from the start of one window of guest memory that all chains lie in: from `offset` on in `region`.
 */
export class PlainChains {
  /** How many there are, those that were taken since included. */
  count = 0;
  /** The region that they lie in; null where the queue has never looked. */
  region: MemoryRegion | null = null;
  /** Its bytes. */
  bytes: Uint8Array = NO_BYTES;
  /** Offset of the window in the region, a multiple of 4. */
  offset = 0;
  /**
   * Four words for each chain: its name, see `Virtqueue.pop`, and above 16 bits how many slots of a packed queue it
   * takes; the place of its head; the place of its body; bytes of the body, at least 1.
   */
  readonly words: Int32Array = new Int32Array(4 * MOST_AHEAD);

  /** What was looked at is as if it had not been; its words stay. */
  drop(): void {
    this.count = 0;
  }

  /** The queue has looked at `count` chains in this window. */
  fill(count: number, window: MemoryWindow): void {
    this.count = count;
    this.region = window.region;
    this.bytes = window.bytes;
    this.offset = window.offset;
  }
}
