import type { Vm } from "@vmmkit/vm";
import type { Coalescing } from "./coalescing.ts";

/** What an interrupt takes: whether the guest wants it, and the interrupt itself. */
export type InterruptNow = (queue: number) => void;

/** Nothing is under way for a queue. */
const IDLE = 0;
/** A deferred task will set the queue to IDLE; there is nothing to tell the guest. */
const TOLD = 1;
/** The deferred task will interrupt. */
const WAITS = 2;

/**
 * When queues interrupt. Where the VMM can say when the guest's present access or time slice is over, one interrupt then
 * stands for all of a queue until there. Only the first one of a receive queue comes at once: a lone frame, the answer
 * that somebody waits for, is never late, and a backend that answers each frame of a stream from within the guest's
 * notification costs two interrupts a slice instead of one a frame. For frames that left, the guest is in no hurry.
 * Before either, coalescing may hold the interrupt back.
 */
export class Interrupter {
  readonly #now: InterruptNow;
  readonly #coalescing: Coalescing;
  readonly #defer: Vm["defer"];
  /** By queue: what is deferred. */
  readonly #deferred: (() => void)[] = [];
  readonly #state: Uint8Array;

  /** @param queues how many receive and transmit queues there are */
  constructor(queues: number, now: InterruptNow, coalescing: Coalescing, defer: Vm["defer"]) {
    this.#now = now;
    this.#coalescing = coalescing;
    this.#defer = defer;
    this.#state = new Uint8Array(queues);
    for (let queue = 0; queue < queues; queue++) {
      this.#deferred.push(() => {
        const waits = this.#state[queue] === WAITS;
        this.#state[queue] = IDLE;
        if (waits) now(queue);
      });
    }
  }

  /** A receive queue (even) or a transmit queue (odd) has something for the guest. */
  interrupt(queue: number): void {
    if (this.#coalescing.holds(queue)) return;
    const state = this.#state[queue];
    if (this.#defer === undefined || state === undefined) {
      this.#now(queue);
      return;
    }
    const atOnce = state === IDLE && (queue & 1) === 0;
    this.#state[queue] = atOnce ? TOLD : WAITS;
    if (atOnce) this.#now(queue);
    if (state === IDLE) this.#defer(this.#deferred[queue] as () => void);
  }
}
