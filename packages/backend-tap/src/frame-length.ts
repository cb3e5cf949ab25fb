import { MAX_FRAME_BYTES, OVERHEAD_BYTES } from "./limits.ts";

/** Short frames in a row after which no long ones are expected any more. */
const SHORT_RUN = 32;

/** How long the next frame may be: nobody knows before it is read, and room for the longest takes many of a guest's buffers. */
export class FrameLength {
  /** By experience: as long as frames were lately. */
  expected = 0;
  /** The longest at all. */
  longest = 0;
  /** The longest without segmentation. */
  #ordinary = 0;
  #shortRun = 0;

  /** The link's MTU, or whether segments may come, has changed. */
  setLimits(mtu: number, segments: boolean): void {
    this.#ordinary = Math.min(mtu + OVERHEAD_BYTES, MAX_FRAME_BYTES);
    this.longest = segments ? MAX_FRAME_BYTES : this.#ordinary;
    this.expected = this.#ordinary;
  }

  /** A frame came. */
  saw(bytes: number): void {
    if (bytes > this.#ordinary) {
      this.expected = this.longest;
      this.#shortRun = 0;
    } else if (this.expected > this.#ordinary && ++this.#shortRun >= SHORT_RUN) this.expected = this.#ordinary;
  }
}
