import { TransmitSlot } from "./transmit-slot.ts";

/** The slots of a transmit queue: those that are out, and those that are free. */
export class TransmitSlots {
  /** At `index`: the frame with cookie `index` * pairs + pair. No more than the queue has entries, and the segments of one frame. */
  readonly all: TransmitSlot[] = [];
  /** How many the backend has, or the chain that is being sent. */
  outCount = 0;
  /** The life of the card that slots which are taken now belong to: a reset ends one. */
  epoch = 0;
  readonly #free: TransmitSlot[] = [];
  readonly #pair: number;
  readonly #pairs: number;

  /**
   * @param pair number of the queue pair
   * @param pairs how many there are
   */
  constructor(pair: number, pairs: number) {
    this.#pair = pair;
    this.#pairs = pairs;
  }

  /** The slot that a backend knows by this cookie, undefined where there is none. */
  of(cookie: number): TransmitSlot | undefined {
    return this.all[(cookie - this.#pair) / this.#pairs];
  }

  /**
   * Takes a free slot.
   * @param whole the frame of which the slot is to hold a segment
   */
  take(whole: TransmitSlot | null): TransmitSlot {
    let slot = this.#free.pop();
    if (slot === undefined) {
      slot = this.#make(this.all.length);
      this.all.push(slot);
    }
    slot.take(this.epoch, whole);
    this.outCount++;
    return slot;
  }

  /** A slot is free again. */
  release(slot: TransmitSlot): void {
    slot.out = false;
    slot.whole = null;
    this.outCount--;
    this.#free.push(slot);
  }

  /** Other slots take the places of those that are out, and are free. */
  abandon(): void {
    for (const [index, slot] of this.all.entries()) {
      if (!slot.out) continue;
      slot.abandon();
      const fresh = this.#make(index);
      this.all[index] = fresh;
      this.#free.push(fresh);
    }
    this.outCount = 0;
  }

  #make(index: number): TransmitSlot {
    return new TransmitSlot(index * this.#pairs + this.#pair, this.#pair);
  }
}
