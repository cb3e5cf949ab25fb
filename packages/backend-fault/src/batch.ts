import type { Frame, RawIfaceCallbacks } from "@vmmkit/ethif";

/** Frames on their way up to the card, for one call of `rxComplete`. */
export class Batch {
  readonly #frames: Frame[] = [];
  readonly #lengths: number[] = [];
  #count = 0;
  #empties = 0;

  /** How many frames there are. */
  get count(): number {
    return this.#count;
  }

  /** How many of them are room that goes back unused. */
  get empties(): number {
    return this.#empties;
  }

  /** Adds a frame with `bytes` bytes filled; 0 gives its room back unused. */
  add(frame: Frame, bytes: number): void {
    this.#frames[this.#count] = frame;
    this.#lengths[this.#count] = bytes;
    this.#count++;
    if (bytes === 0) this.#empties++;
  }

  /** Gives all to a card. The batch must not be touched by others before this returns; it is empty then. */
  giveTo(card: Pick<RawIfaceCallbacks, "rxComplete">): void {
    if (this.#count === 0) return;
    try {
      card.rxComplete(this.#count, this.#frames, this.#lengths);
    } finally {
      this.#count = 0;
      this.#empties = 0;
    }
  }
}
