import type { Frame } from "@vmmkit/ethif";
import type { ReceiveFilter } from "./filter/receive-filter.ts";
import { FrameHead } from "./frame-head.ts";
import type { Steering } from "./steering/steering.ts";

/** `judge`: the guest does not want the frame. */
export const FRAME_FILTERED = -1;

/** A receive queue as a place for frames that lie in another's room. */
export interface FrameTaker {
  /** Copies a frame into room of its own. False where the guest has posted too little here. */
  accept(frame: Frame, lengthBytes: number): boolean;
  /** Shows the guest what was accepted. */
  flush(): void;
}

/**
 * What a received frame goes through before the guest sees it: the filter, and the choice of a queue pair. A backend
 * that does not know which pair a frame is for fills room of one pair, and the card copies the frame if it belongs to
 * another.
 */
export class Ingress {
  readonly filter: ReceiveFilter;
  readonly steering: Steering;
  readonly #head = new FrameHead();
  readonly #several: boolean;
  /** By pair; filled by the card once it has them. */
  readonly #takers: FrameTaker[] = [];
  /** Pairs with frames that the guest was not shown yet. */
  readonly #waiting = new Set<FrameTaker>();

  /** @param several the card has more than one queue pair */
  constructor(filter: ReceiveFilter, steering: Steering, several: boolean) {
    this.filter = filter;
    this.steering = steering;
    this.#several = several;
  }

  /** The next pair's receive queue. */
  add(taker: FrameTaker): void {
    this.#takers.push(taker);
  }

  /** Whether received frames have to be looked at. */
  get active(): boolean {
    return this.#several || this.filter.active || this.steering.active;
  }

  /** The pair that a frame goes to, or FRAME_FILTERED. @param pair whose room it lies in */
  judge(frame: Frame, lengthBytes: number, pair: number): number {
    this.#head.load(frame, lengthBytes);
    if (this.filter.active && !this.filter.accepts(this.#head)) return FRAME_FILTERED;
    return this.steering.active ? this.steering.choose(this.#head, pair) : 0;
  }

  /** Copies a frame into room of the pair that `judge` chose. False where there is none. */
  redirect(frame: Frame, lengthBytes: number, pair: number): boolean {
    const taker = this.#takers[pair];
    if (taker === undefined || !taker.accept(frame, lengthBytes)) return false;
    this.#waiting.add(taker);
    return true;
  }

  /** Shows the guest the frames that were redirected. */
  flush(): void {
    if (this.#waiting.size === 0) return;
    for (const taker of this.#waiting) taker.flush();
    this.#waiting.clear();
  }

  /** Calculates the hash of a frame whose queue is settled. */
  hash(frame: Frame, lengthBytes: number): void {
    this.#head.load(frame, lengthBytes);
    this.steering.calculate(this.#head);
  }

  /** The guest sends a frame of at least 14 bytes on pair `pair`. */
  learn(frame: Frame, lengthBytes: number, pair: number): void {
    this.#head.load(frame, lengthBytes);
    this.steering.learn(this.#head, pair);
  }
}
