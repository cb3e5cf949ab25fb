import type { EthDriver, Frame, RawIfaceCallbacks } from "@vmmkit/ethif";

/** Frames given to the guest with one interrupt at most. */
const BATCH_FRAMES = 64;

const NOTHING: readonly number[] = [0, 0];

/**
 * The way up to the card: rooms of the guest's are filled one by one and given to it a batch at a time. A guest may
 * run inside `send` and lead back here; the batch that the card is reading is not touched by that.
 */
export class Delivery {
  #driver: EthDriver | null = null;
  #frames: Frame[] = [];
  #lengths: number[] = [];
  #count = 0;
  #spareFrames: Frame[] = [];
  #spareLengths: number[] = [];
  #sending = false;
  readonly #probes: Frame[] = [];

  /** The card's callbacks, or null where there is no card yet. */
  get callbacks(): RawIfaceCallbacks | null {
    return this.#driver?.callbacks ?? null;
  }

  /** Whether the batch has to be sent before more goes in. */
  get full(): boolean {
    return this.#count >= BATCH_FRAMES;
  }

  /** Takes the card. @throws Error where there is one already */
  attach(driver: EthDriver): void {
    if (this.#driver !== null) {
      throw new Error(`"driver" expected no other card, but "${this.#driver.name}" has this backend already`);
    }
    this.#driver = driver;
  }

  /** Room for a frame of `sizeBytes`, or null where the guest has posted none. */
  room(sizeBytes: number): Frame | null {
    return this.#driver === null ? null : this.#driver.callbacks.allocateRxBuf(sizeBytes);
  }

  /** Puts a room into the batch, with `lengthBytes` bytes filled; 0 gives it back unused. */
  add(room: Frame, lengthBytes: number): void {
    this.#frames[this.#count] = room;
    this.#lengths[this.#count] = lengthBytes;
    this.#count++;
  }

  /**
   * After `room` answered null: whether a frame that long will never fit, because the guest's next buffer is too
   * short for it and the card joins none. Where it would join them but there are too few, or where there is but one,
   * more are posted sooner or later, and the frame can wait.
   */
  neverFits(): boolean {
    const first = this.room(1);
    if (first === null) return false;
    const second = this.room(1);
    const shortBytes = first.totalBytes;
    this.#giveBack(first, second);
    if (second === null) return false;
    const joined = this.room(shortBytes + 1);
    if (joined === null) return true;
    this.#giveBack(joined, null);
    return false;
  }

  /**
   * Gives the batch to the guest. Within itself it does nothing: the outer call's caller looks again.
   * @returns whether there was anything to give
   */
  send(): boolean {
    const driver = this.#driver;
    const count = this.#count;
    if (this.#sending || driver === null || count === 0) return false;
    const frames = this.#frames;
    const lengths = this.#lengths;
    this.#frames = this.#spareFrames;
    this.#lengths = this.#spareLengths;
    this.#count = 0;
    for (let i = 0; i < count; i++) {
      // A card that was reset meanwhile has emptied its rooms: there is nothing in them to give.
      if ((frames[i]?.totalBytes ?? 0) < (lengths[i] ?? 0)) lengths[i] = 0;
    }
    this.#sending = true;
    try {
      driver.callbacks.rxComplete(count, frames, lengths);
    } finally {
      this.#sending = false;
      this.#spareFrames = frames;
      this.#spareLengths = lengths;
    }
    return true;
  }

  #giveBack(first: Frame, second: Frame | null): void {
    this.#probes[0] = first;
    if (second !== null) this.#probes[1] = second;
    this.#driver?.callbacks.rxComplete(second === null ? 1 : 2, this.#probes, NOTHING);
  }
}
