import type { Frame } from "@vmmkit/ethif";
import { fold, sumBytes, swap16 } from "./checksum.ts";
import type { WordViews } from "./word-views.ts";

/** A place in a frame that moves forwards: however many pieces are taken, each range is met once. */
export class RangeCursor {
  readonly #views: WordViews;
  #frame: Frame | null = null;
  #range = 0;
  /** Bytes of that range that have been taken. */
  #used = 0;

  constructor(views: WordViews) {
    this.#views = views;
  }

  /** Starts `position` bytes into a frame. */
  start(frame: Frame, position: number): void {
    this.#frame = frame;
    this.#range = 0;
    this.#used = position;
    this.#normalise();
  }

  /**
   * Adds the next `count` bytes to the end of `target`, as ranges of the same memory.
   * @returns their sum, as `sumBytes` has it, where it is wanted; otherwise 0
   */
  take(count: number, target: Frame, wantsSum: boolean): number {
    const frame = this.#frame;
    let left = count;
    let sum = 0;
    while (frame !== null && left > 0 && this.#range < frame.rangeCount) {
      const i = this.#range;
      const bytes = frame.bytes[i] as Uint8Array;
      const used = this.#used;
      const offset = (frame.offset[i] as number) + used;
      const size = Math.min(left, (frame.length[i] as number) - used);
      const gpa = frame.gpa[i] as number;
      const host = frame.hostAddress[i] as number;
      target.push(bytes, offset, size, gpa + used, host === 0 ? 0 : host + used);
      if (wantsSum) {
        const piece = sumBytes(bytes, this.#views.of(bytes), offset, size);
        sum += ((count - left) & 1) === 0 ? piece : swap16(piece);
      }
      left -= size;
      this.#used = used + size;
      this.#normalise();
    }
    return fold(sum);
  }

  /** Passes over the ends of ranges. */
  #normalise(): void {
    const frame = this.#frame;
    while (frame !== null && this.#range < frame.rangeCount && this.#used >= (frame.length[this.#range] as number)) {
      this.#used -= frame.length[this.#range] as number;
      this.#range++;
    }
  }
}
