import type { CapturedFrame } from "./captured-frame.ts";

/** When the frames of a capture are due, in milliseconds of a timer: with the gaps that they were captured with. */
export class Pace {
  readonly #speed: number;
  readonly #longestGapMs: number;
  /** When the frame before was due; NaN where there was none. */
  #lastDueMs = Number.NaN;
  #lastSeconds = 0;
  #lastNanoseconds = 0;
  #first = true;

  /**
   * @param speed how many times faster than captured; Infinity for no gaps at all
   * @param longestGapMs longer gaps are made this long, before `speed`
   */
  constructor(speed: number, longestGapMs: number) {
    this.#speed = speed;
    this.#longestGapMs = longestGapMs;
  }

  /** When a frame is due. May be asked for the same frame again. */
  due(frame: CapturedFrame, nowMs: number): number {
    if (this.#speed === Number.POSITIVE_INFINITY || Number.isNaN(this.#lastDueMs)) return nowMs;
    return this.#lastDueMs + this.#gapMs(frame) / this.#speed;
  }

  /** A frame that was due then is done with; the next is measured from it. */
  passed(frame: CapturedFrame, dueMs: number): void {
    this.#lastDueMs = dueMs;
    if (!frame.timed) return;
    this.#lastSeconds = frame.seconds;
    this.#lastNanoseconds = frame.nanoseconds;
    this.#first = false;
  }

  /** The capture starts again: its first frame follows its last without a gap. */
  again(): void {
    this.#first = true;
  }

  /** The next frame is due at once, whatever its gap: time stood still. */
  forget(): void {
    this.#lastDueMs = Number.NaN;
  }

  #gapMs(frame: CapturedFrame): number {
    if (this.#first || !frame.timed) return 0;
    const seconds = frame.seconds - this.#lastSeconds;
    const gapMs = seconds * 1000 + (frame.nanoseconds - this.#lastNanoseconds) / 1_000_000;
    // A capture merged from several may go back in time.
    return Math.min(Math.max(gapMs, 0), this.#longestGapMs);
  }
}
