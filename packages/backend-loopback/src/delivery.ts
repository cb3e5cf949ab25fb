import type { EthDriver, Frame } from "@vmmkit/ethif";

/**
 * The way up to one card: rooms of the guest's are filled one by one and given to it a batch at a time, so that a
 * batch costs one interrupt. The arrays of a batch exist twice: while the card reads one pair, a guest that answers
 * from within its interrupt fills the other.
 */
export class Delivery {
  readonly #size: number;
  #driver: EthDriver | null = null;
  #frames: Frame[] = [];
  #lengths: number[] = [];
  #spareFrames: Frame[] = [];
  #spareLengths: number[] = [];
  #count = 0;
  #sending = false;
  readonly #probes: Frame[] = [];
  readonly #probeLengths: readonly number[] = [0, 0];

  /** @param size frames in a batch, at least 1 */
  constructor(size: number) {
    this.#size = size;
  }

  /** The card, once `attach` was called. */
  get driver(): EthDriver | null {
    return this.#driver;
  }

  /** Whether a batch is complete: nothing more goes in before `send`. */
  get full(): boolean {
    return this.#count === this.#size;
  }

  /**
   * Takes the card.
   * @throws Error where there is one already
   */
  attach(driver: EthDriver): void {
    if (this.#driver !== null) {
      throw new Error(`"driver" expected no other card, but "${this.#driver.name}" has this backend already`);
    }
    this.#driver = driver;
  }

  /** Room for a frame of `sizeBytes`; null where the guest has posted none or the batch is full. */
  room(sizeBytes: number): Frame | null {
    if (this.#driver === null || this.full) return null;
    return this.#driver.callbacks.allocateRxBuf(sizeBytes);
  }

  /** Puts a room from `room` into the batch, with `lengthBytes` bytes filled. */
  add(room: Frame, lengthBytes: number): void {
    this.#frames[this.#count] = room;
    this.#lengths[this.#count] = lengthBytes;
    this.#count++;
  }

  /**
   * After `room` answered null to a frame that was to be kept: whether to give it up, because the guest's next
   * buffer is too short for it and the card joins none. One frame longer than all of a guest's buffers would hold
   * back all that follow otherwise. Where the card would join buffers but there are too few, or where there is but
   * one, the guest posts more sooner or later, and the frame waits.
   */
  neverFits(): boolean {
    const callbacks = this.#driver?.callbacks;
    if (callbacks === undefined || this.full) return false;
    const first = callbacks.allocateRxBuf(1);
    if (first === null) return false;
    const second = callbacks.allocateRxBuf(1);
    const shortBytes = first.totalBytes;
    this.#giveBack(first, second);
    if (second === null) return false;
    const joined = callbacks.allocateRxBuf(shortBytes + 1);
    if (joined === null) return true;
    this.#giveBack(joined, null);
    return false;
  }

  /**
   * Gives the batch to the guest. Within itself (the guest's interrupt led back here) it does nothing.
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
    forgetEmptied(count, frames, lengths);
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

  /** Rooms go back unused. */
  #giveBack(first: Frame, second: Frame | null): void {
    this.#probes[0] = first;
    if (second !== null) this.#probes[1] = second;
    this.#driver?.callbacks.rxComplete(second === null ? 1 : 2, this.#probes, this.#probeLengths);
  }
}

/** A card that was reset meanwhile emptied the rooms: there is nothing in them to give. */
function forgetEmptied(count: number, frames: readonly Frame[], lengths: number[]): void {
  for (let i = 0; i < count; i++) {
    if ((frames[i]?.totalBytes ?? 0) < (lengths[i] ?? 0)) lengths[i] = 0;
  }
}
