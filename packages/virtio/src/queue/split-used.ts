import type { MemoryRegion } from "@vmmkit/vm";
import { VIRTQ_USED_F_NO_NOTIFY } from "../spec.ts";
import { NO_WORDS } from "./chain-codes.ts";

const NO_HALF_WORDS = new Uint16Array(0);

/**
 * The used ring of a split virtqueue, and the device's position in it (VIRTIO 1.2, 2.7.8). Elements of a batch are written
 * as they come, and the driver sees none of them before `publish`. Our index is never read back from the guest.
 */
export class SplitUsed {
  /** The ring's region as words, and where its first element is in there; empty while the ring is nowhere. */
  words: Uint32Array = NO_WORDS;
  elementsAt = 0;
  /** Index of the next element, those not yet published included. */
  idx = 0;
  /** The index that the guest sees. */
  published = 0;
  /** Chains published since the driver's wish for interrupts was last looked at; may be more than the index can count. */
  unsignalled = 0;
  readonly #size: number;
  #halfWords: Uint16Array = NO_HALF_WORDS;
  #at = 0;

  /** @param size entries of the queue */
  constructor(size: number) {
    this.#size = size;
  }

  /** Starts anew at an index, all before it published. */
  goTo(idx: number): void {
    this.idx = idx;
    this.published = idx;
    this.unsignalled = 0;
  }

  /** Says where the ring is. @param at bytes from the region's start */
  bind(region: MemoryRegion, at: number): void {
    this.#halfWords = region.u16;
    this.#at = at >>> 1;
    this.words = region.u32;
    this.elementsAt = (at >>> 2) + 1;
  }

  /** The ring is nowhere. */
  unbind(): void {
    this.#halfWords = NO_HALF_WORDS;
    this.words = NO_WORDS;
  }

  /** Writes the next element. */
  write(headIndex: number, lengthBytes: number): void {
    const at = this.elementsAt + ((this.idx & (this.#size - 1)) << 1);
    this.words[at] = headIndex;
    this.words[at + 1] = lengthBytes;
    this.idx = (this.idx + 1) & 0xffff;
  }

  /**
   * Writes the next `count` elements.
   * @param chains two words for each: the index of its head, and how many bytes were written into it
   * @param taken by head: becomes 0
   */
  writeRun(chains: Int32Array, count: number, taken: Float64Array): void {
    const { words } = this;
    const elementsAt = this.elementsAt | 0;
    const mask = (this.#size - 1) | 0;
    const idx = this.idx | 0;
    for (let i = 0; i < count; i++) {
      const headIndex = chains[i << 1] as number;
      const at = (elementsAt + (((idx + i) & mask) << 1)) | 0;
      words[at] = headIndex;
      words[(at + 1) | 0] = chains[((i << 1) + 1) | 0] as number;
      taken[headIndex] = 0;
    }
    this.idx = (idx + count) & 0xffff;
  }

  /** Shows the driver what was written. There is something. */
  publish(): void {
    this.unsignalled += (this.idx - this.published) & 0xffff;
    this.published = this.idx;
    // The elements first, then the index: the store is a full fence, so a guest that sees the index sees them.
    Atomics.store(this.#halfWords, this.#at + 1, this.idx);
  }

  /** Writes the ring's flags: a hint that notifications are not wanted. */
  writeNoNotify(): void {
    this.#halfWords[this.#at] = VIRTQ_USED_F_NO_NOTIFY;
  }

  /** Writes the ring's flags: notifications are wanted. A full fence. */
  writeNotify(): void {
    Atomics.store(this.#halfWords, this.#at, 0);
  }

  /** Writes `avail_event`, behind the elements (2.7.10). A full fence. @param index modulo 2^16 */
  writeAvailEvent(index: number): void {
    Atomics.store(this.#halfWords, this.#at + 2 + (this.#size << 2), index & 0xffff);
  }
}
