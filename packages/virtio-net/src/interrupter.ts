import type { Vm } from "@vmmkit/vm";
import type { Coalescing } from "./coalescing.ts";

/** What an interrupt takes: whether the guest wants it, and the interrupt itself. */
export type InterruptNow = (queue: number) => void;

/**
 * When queues interrupt. Received frames do so at once. For frames that left, the guest is in no hurry: where the VMM
 * can say when the guest's present access is over, they wait for that, and one interrupt stands for all. Before either,
 * coalescing may hold the interrupt back.
 */
export class Interrupter {
  readonly #now: InterruptNow;
  readonly #coalescing: Coalescing;
  readonly #defer: Vm["defer"];
  /** By queue: what a deferred interrupt does. */
  readonly #deferred: (() => void)[] = [];
  readonly #waiting: boolean[] = [];

  /** @param queues how many receive and transmit queues there are */
  constructor(queues: number, now: InterruptNow, coalescing: Coalescing, defer: Vm["defer"]) {
    this.#now = now;
    this.#coalescing = coalescing;
    this.#defer = defer;
    for (let queue = 0; queue < queues; queue++) {
      this.#waiting.push(false);
      this.#deferred.push(() => {
        this.#waiting[queue] = false;
        now(queue);
      });
    }
  }

  /** A receive queue (even) or a transmit queue (odd) has something for the guest. */
  interrupt(queue: number): void {
    if (this.#coalescing.holds(queue)) return;
    if (this.#defer === undefined || (queue & 1) === 0) {
      this.#now(queue);
      return;
    }
    if (this.#waiting[queue] === true) return;
    this.#waiting[queue] = true;
    this.#defer(this.#deferred[queue] as () => void);
  }
}
