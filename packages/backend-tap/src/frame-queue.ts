import type { Frame } from "@vmmkit/ethif";

/**
 * Frames that a card lent (`Enqueued`), oldest first, in a circle of fixed size. The entries are the card's own
 * objects: nothing is copied or allocated.
 */
export class FrameQueue {
  readonly #frames: (Frame | null)[];
  #first = 0;
  #count = 0;

  /** @param capacity how many frames fit, 0 or more */
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

  /** Adds a frame at the end. False where the queue is full. */
  push(frame: Frame): boolean {
    const capacity = this.#frames.length;
    if (this.#count === capacity) return false;
    this.#frames[(this.#first + this.#count++) % capacity] = frame;
    return true;
  }

  /** The oldest frame, or null. */
  peek(): Frame | null {
    return this.at(0);
  }

  /** The frame with `index` frames before it, or null. */
  at(index: number): Frame | null {
    return index < this.#count ? (this.#frames[(this.#first + index) % this.#frames.length] ?? null) : null;
  }

  /** Takes the oldest frame out, or answers null. */
  shift(): Frame | null {
    const frame = this.peek();
    if (frame === null) return null;
    this.#frames[this.#first] = null;
    this.#first = (this.#first + 1) % this.#frames.length;
    this.#count--;
    return frame;
  }
}
