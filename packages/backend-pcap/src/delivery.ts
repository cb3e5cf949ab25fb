import type { EthDriver, Frame } from "@vmmkit/ethif";

/** Frames on their way up, as one call gives them to the card. */
class Batch {
  readonly frames: Frame[] = [];
  readonly lengths: number[] = [];
}

/**
 * The way up to a card: rooms of the guest's, filled and gathered, so that many frames cost one interrupt. There are
 * two batches: while the card reads one, a guest that answers from within its interrupt may cause the other to fill.
 */
export class Delivery {
  driver: EthDriver | null = null;
  readonly #most: number;
  #filling: Batch = new Batch();
  #spare: Batch = new Batch();
  #count = 0;
  #sending = false;

  /** @param most frames in a batch, at least 1 */
  constructor(most: number) {
    this.#most = most;
  }

  /** Takes the card. @throws Error where there is one already */
  attach(driver: EthDriver): void {
    if (this.driver !== null) {
      throw new Error(`"driver" expected no other card, but "${this.driver.name}" has this backend already`);
    }
    this.driver = driver;
  }

  /** Whether nothing more goes in before `send`. */
  get full(): boolean {
    return this.#count === this.#most;
  }

  /** Room for a frame; null where the guest has posted too little, or the batch is full. */
  room(lengthBytes: number): Frame | null {
    return this.full ? null : (this.driver?.callbacks.allocateRxBuf(lengthBytes) ?? null);
  }

  /** Puts a room into the batch. @param lengthBytes how many of its bytes are filled; 0 gives it back unused */
  add(room: Frame, lengthBytes: number): void {
    this.#filling.frames[this.#count] = room;
    this.#filling.lengths[this.#count] = lengthBytes;
    this.#count++;
  }

  /**
   * Whether a frame for which there was no room never gets any: two buffers are there, and even so the card makes no
   * room of more than one. It would hold up all frames behind it.
   */
  neverFits(): boolean {
    const callbacks = this.driver?.callbacks;
    if (callbacks === undefined || this.full) return false;
    const first = callbacks.allocateRxBuf(1);
    if (first === null) return false;
    const second = callbacks.allocateRxBuf(1);
    const { totalBytes } = first;
    callbacks.rxComplete(second === null ? 1 : 2, second === null ? [first] : [first, second], [0, 0]);
    if (second === null) return false;
    const joined = callbacks.allocateRxBuf(totalBytes + 1);
    if (joined !== null) callbacks.rxComplete(1, [joined], [0]);
    return joined === null;
  }

  /** Gives the batch to the guest. False where there was nothing to give, or this is called from within itself. */
  send(): boolean {
    const count = this.#count;
    if (this.#sending || this.driver === null || count === 0) return false;
    const batch = this.#filling;
    this.#filling = this.#spare;
    this.#count = 0;
    for (let i = 0; i < count; i++) {
      // A card that was reset has emptied its rooms.
      if ((batch.frames[i]?.totalBytes ?? 0) < (batch.lengths[i] ?? 0)) batch.lengths[i] = 0;
    }
    this.#sending = true;
    try {
      this.driver.callbacks.rxComplete(count, batch.frames, batch.lengths);
    } finally {
      this.#sending = false;
      this.#spare = batch;
    }
    return true;
  }
}
