import { copyFrame, type Frame } from "@vmmkit/ethif";
import { Batch } from "./batch.ts";
import { Direction, type DirectionPlace } from "./direction.ts";
import { flipBits } from "./flip-bits.ts";
import type { HeldFrame } from "./held-frame.ts";
import type { UpperCard } from "./upper-card.ts";

/** A room that a frame waits in may be that much longer than the frame before a shorter one is looked for. */
const SPARE_ROOM_BYTES = 2048;

/**
 * From the backend to the guest. The backend fills the guest's own buffers, and there frames wait, are corrupted, and
 * given to the guest or back to the card.
 */
export class ReceiveSide extends Direction {
  readonly #upper: UpperCard;
  readonly #lookAgain: () => void;
  readonly #batches: Batch[] = [];
  #batch = new Batch();
  /** The backend asked for room in vain. */
  #starved = false;

  /**
   * @param upper the card
   * @param lookAgain the backend is to look for room: there is some again that the card will not tell of
   */
  constructor(place: DirectionPlace, upper: UpperCard, lookAgain: () => void) {
    super(place, 1);
    this.#upper = upper;
    this.#lookAgain = lookAgain;
  }

  /** See `RawIfaceCallbacks.allocateRxBuf`. */
  allocate(sizeBytes: number, queue?: number): Frame | null {
    const room = this.#upper.allocateRxBuf(sizeBytes, queue);
    if (room === null) this.#starved = true;
    return room;
  }

  /** The backend is about to be told to look for room. */
  told(): void {
    this.#starved = false;
  }

  /** See `RawIfaceCallbacks.rxComplete`. */
  complete(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    if (!this.active) this.#passThrough(count, frames, lengths);
    else this.#takeIn(count, frames, lengths);
  }

  protected override pass(held: HeldFrame): void {
    const { frame, bytes } = held;
    if (frame.totalBytes < bytes) {
      this.counters.dropped.reset++;
      this.#batch.add(frame, 0);
      return;
    }
    if (held.corrupt) {
      flipBits(frame, bytes, this.settings.corruptBits, this.fate.bitDice);
      this.counters.corrupted++;
    }
    this.#deliver(frame, bytes);
    if (!held.duplicate) return;
    const second = this.#upper.allocateRxBuf(bytes);
    if (second === null) return;
    copyFrame(frame, second);
    this.counters.duplicated++;
    this.#deliver(second, bytes);
  }

  protected override giveUp(frame: Frame): void {
    this.#batch.add(frame, 0);
  }

  /** A frame that waits in a room far too long for it moves to a shorter one, where the guest has such. */
  protected override keep(held: HeldFrame): void {
    const { frame, bytes } = held;
    if (frame.totalBytes <= bytes + SPARE_ROOM_BYTES) return;
    const shorter = this.#upper.allocateRxBuf(bytes);
    if (shorter === null) return;
    const fits = shorter.totalBytes < frame.totalBytes;
    if (fits) {
      copyFrame(frame, shorter);
      held.frame = shorter;
    }
    this.#giveBack(fits ? frame : shorter);
  }

  protected override settle(): boolean {
    const batch = this.#batch;
    if (batch.count === 0) return false;
    const lost = batch.empties;
    this.#batch = this.#batches.pop() ?? new Batch();
    batch.giveTo(this.#upper);
    this.#batches.push(batch);
    // The card takes whoever gives room back unused for the one who knows of it.
    if (lost > 0 && this.#starved) this.#lookAgain();
    return true;
  }

  protected override endTurn(): void {
    // `settle` gave everything to the card.
  }

  #passThrough(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    const { counters } = this;
    for (let i = 0; i < count; i++) {
      const bytes = lengths[i] ?? 0;
      if (bytes === 0) continue;
      counters.frames++;
      counters.bytes += bytes;
      counters.passed++;
    }
    this.#upper.rxComplete(count, frames, lengths);
  }

  #takeIn(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    const back = this.#batches.pop() ?? new Batch();
    let lost = 0;
    for (let i = 0; i < count; i++) {
      const frame = frames[i];
      const bytes = lengths[i] ?? 0;
      if (frame === undefined) continue;
      if (bytes === 0) back.add(frame, 0);
      else if (this.admit(frame, bytes) !== null) {
        lost++;
        back.add(frame, 0);
      }
    }
    // At once, also within `drain`: a backend that gives room back may ask for it again in the next line.
    back.giveTo(this.#upper);
    this.#batches.push(back);
    if (lost > 0 && this.#starved) this.#lookAgain();
    this.drain();
  }

  #deliver(frame: Frame, bytes: number): void {
    this.counters.passed++;
    this.#batch.add(frame, bytes);
  }

  #giveBack(room: Frame): void {
    const back = this.#batches.pop() ?? new Batch();
    back.add(room, 0);
    back.giveTo(this.#upper);
    this.#batches.push(back);
  }
}
