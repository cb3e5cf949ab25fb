import type { Frame } from "@vmmkit/ethif";
import { ReceiveSlot } from "./receive-slot.ts";

/** Free slots that there is room to note at first. */
const FIRST_FREE = 64;

/** The slots of a receive queue, by their cookie: those that are out, and those that are free. */
export class ReceiveSlots {
  readonly all: ReceiveSlot[] = [];
  /** Each slot's frame, for who needs no more of it. */
  readonly frames: Frame[] = [];
  /** Cookies of the free slots, of which the first `freeCount` count. The last is the next to be taken. */
  free: Uint16Array = new Uint16Array(FIRST_FREE);
  freeCount = 0;
  /** The life of the card that slots which are taken now belong to: a reset ends one. */
  epoch = 0;
  readonly #pair: number;

  /** @param pair number of the queue pair */
  constructor(pair: number) {
    this.#pair = pair;
  }

  /** How many are out. */
  get outCount(): number {
    return this.all.length - this.freeCount;
  }

  /**
   * Takes a free slot.
   * @param most how many there may be
   * @returns null where all of them are out
   */
  take(most: number): ReceiveSlot | null {
    if (this.freeCount === 0 && !this.#make(most)) return null;
    this.freeCount--;
    return this.all[this.free[this.freeCount] as number] as ReceiveSlot;
  }

  /** A slot is free again. */
  release(slot: ReceiveSlot): void {
    this.free[this.freeCount++] = slot.frame.cookie;
  }

  /** Another slot takes the place of one that is out, and is free. */
  replace(cookie: number): void {
    this.#put(new ReceiveSlot(cookie, this.#pair));
  }

  #make(most: number): boolean {
    const cookie = this.all.length;
    if (cookie >= most) return false;
    if (cookie === this.free.length) {
      const free = new Uint16Array(2 * cookie);
      free.set(this.free);
      this.free = free;
    }
    this.#put(new ReceiveSlot(cookie, this.#pair));
    return true;
  }

  #put(slot: ReceiveSlot): void {
    const { cookie } = slot.frame;
    this.all[cookie] = slot;
    this.frames[cookie] = slot.frame;
    this.free[this.freeCount++] = cookie;
  }
}
