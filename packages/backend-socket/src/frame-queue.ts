import type { Frame } from "@vmmkit/ethif";

/**
 * Frames that a card lent (`Enqueued`), oldest first, in a circle of fixed size. The entries are the card's own
 * objects: nothing is copied or allocated.
 */
export class FrameQueue {
  readonly #frames: (Frame | null)[];
  #first = 0;
  #count = 0;

  /** @param capacity how many frames fit, at least 1 */
  constructor(capacity: number) {
    this.#frames = new Array<Frame | null>(capacity).fill(null);
  }

  /** How many frames wait. */
  get count(): number {
    return this.#count;
  }

  /** Whether no more fit. */
  get full(): boolean {
    return this.#count === this.#frames.length;
  }

  /** The frame at a place, 0 for the oldest, or null. */
  at(place: number): Frame | null {
    return place < this.#count ? (this.#frames[(this.#first + place) % this.#frames.length] ?? null) : null;
  }

  /** Adds a frame at the end, where there is place. */
  push(frame: Frame): void {
    this.#frames[(this.#first + this.#count) % this.#frames.length] = frame;
    this.#count++;
  }

  /** Takes the oldest frame out, or answers null. */
  shift(): Frame | null {
    const frame = this.at(0);
    if (frame === null) return null;
    this.#frames[this.#first] = null;
    this.#first = (this.#first + 1) % this.#frames.length;
    this.#count--;
    return frame;
  }
}
