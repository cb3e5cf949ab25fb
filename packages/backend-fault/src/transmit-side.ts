import { type EthDriver, type Frame, type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";
import { Copies } from "./copies.ts";
import { Direction, type DirectionPlace } from "./direction.ts";
import { flipBits } from "./flip-bits.ts";
import type { HeldFrame } from "./held-frame.ts";
import type { UpperCard } from "./upper-card.ts";

/** Stands for no cookie: neither a card's nor a copy's. */
const NO_COOKIE = -1;

/**
 * From the guest to the backend. Frames that wait do so in the guest's own buffers (`Enqueued`). Only what the guest
 * must not see, or what the backend keeps while it goes a second time, is copied.
 */
export class TransmitSide extends Direction {
  readonly #upper: UpperCard;
  readonly #inner: RawIfaceFuncs;
  readonly #driver: EthDriver;
  readonly #copies: Copies;
  /** The frame that `transmit` was called with and has not answered for, and the answer so far. */
  #current = NO_COOKIE;
  #answer: TxResult = TxResult.Enqueued;

  /**
   * @param upper the card
   * @param inner the backend
   * @param driver the card as the backend is to see it
   * @param copyBytes limit of memory for copies
   */
  constructor(place: DirectionPlace, upper: UpperCard, inner: RawIfaceFuncs, driver: EthDriver, copyBytes: number) {
    super(place, 0);
    this.#upper = upper;
    this.#inner = inner;
    this.#driver = driver;
    this.#copies = new Copies(copyBytes);
  }

  /** See `RawIfaceFuncs.rawTx`. */
  transmit(frame: Frame, cookie: number): TxResult {
    if (!this.active) {
      this.counters.frames++;
      this.counters.bytes += frame.totalBytes;
      return this.#hand(frame, cookie);
    }
    const cause = this.admit(frame, frame.totalBytes);
    // A frame that is lost on a wire was sent, for all that its sender knows.
    if (cause === "fault") return TxResult.Complete;
    if (cause !== null) return TxResult.Failed;
    if (this.draining) return TxResult.Enqueued;
    this.#current = cookie;
    this.#answer = TxResult.Enqueued;
    try {
      this.drain();
    } finally {
      this.#current = NO_COOKIE;
    }
    return this.#answer;
  }

  /** The backend is done with a frame that it kept. */
  completed(cookie: number): void {
    if (!this.#copies.release(cookie)) this.#finish(cookie, TxResult.Complete);
  }

  protected override pass(held: HeldFrame): void {
    const { frame } = held;
    const { cookie } = frame;
    if (frame.rangeCount === 0) {
      this.counters.dropped.reset++;
      this.#finish(cookie, TxResult.Failed);
    } else if (held.corrupt) {
      this.#finish(cookie, this.#passCorrupt(frame, held.duplicate));
    } else {
      const result = this.#send(frame, cookie, held.duplicate);
      if (result !== TxResult.Enqueued) this.#finish(cookie, result);
    }
  }

  protected override giveUp(frame: Frame): void {
    this.#finish(frame.cookie, TxResult.Failed);
  }

  protected override keep(): void {
    // The guest's buffers are as long as the frame.
  }

  protected override settle(): boolean {
    return false;
  }

  protected override endTurn(): void {
    this.#inner.rawTxFlush?.(this.#driver);
  }

  /** Sends a copy with bits turned over: the guest's own buffers are not ours to write. */
  #passCorrupt(frame: Frame, duplicate: boolean): TxResult {
    const copy = this.#copies.take(frame);
    if (copy === null) {
      this.counters.dropped.noMemory++;
      return TxResult.Failed;
    }
    flipBits(copy, copy.totalBytes, this.settings.corruptBits, this.fate.bitDice);
    this.counters.corrupted++;
    const result = this.#send(copy, copy.cookie, duplicate);
    if (result !== TxResult.Enqueued) this.#copies.release(copy.cookie);
    return result === TxResult.Failed ? TxResult.Failed : TxResult.Complete;
  }

  /** Hands a frame on, once or twice. */
  #send(frame: Frame, cookie: number, duplicate: boolean): TxResult {
    const first = this.#hand(frame, cookie);
    // A guest that ran meanwhile may have reset its card.
    if (!duplicate || frame.rangeCount === 0) return first;
    if (first === TxResult.Enqueued) {
      this.#sendCopy(frame);
      return first;
    }
    this.counters.duplicated++;
    const second = this.#hand(frame, cookie);
    return second === TxResult.Failed ? first : second;
  }

  /** Hands on a second of a frame that the backend keeps. */
  #sendCopy(frame: Frame): void {
    const copy = this.#copies.take(frame);
    if (copy === null) return;
    this.counters.duplicated++;
    if (this.#hand(copy, copy.cookie) !== TxResult.Enqueued) this.#copies.release(copy.cookie);
  }

  #hand(frame: Frame, cookie: number): TxResult {
    const result = this.#inner.rawTx(this.#driver, frame, cookie);
    if (result === TxResult.Failed) this.counters.dropped.refused++;
    else this.counters.passed++;
    return result;
  }

  /** The card gets a frame back: as the answer for it, or later. */
  #finish(cookie: number, result: TxResult): void {
    if (cookie === this.#current) this.#answer = result;
    else this.#upper.txComplete(cookie);
  }
}
