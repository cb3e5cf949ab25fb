import type { Counters } from "./counters.ts";
import type { Delivery } from "./delivery.ts";
import { ReadEnd } from "./read-end.ts";

/** How many batches one call gives to the guest before others have their turn. */
const BATCHES_PER_TURN = 16;

/**
 * Reads batch by batch and gives each to the guest. A call from within itself (the guest runs and posts room) returns
 * at once, and the outer one looks again: it leaves only after a look that brought nothing.
 */
export class ReceiveLoop {
  /** The guest had no room when reading ended: there is no sense in waiting for the socket. */
  starved = false;
  readonly #delivery: Delivery;
  readonly #counters: Counters;
  readonly #read: () => ReadEnd;
  #running = false;
  #again = false;

  /** @param read fills the batch from the socket */
  constructor(delivery: Delivery, counters: Counters, read: () => ReadEnd) {
    this.#delivery = delivery;
    this.#counters = counters;
    this.#read = read;
  }

  /** Gives the guest what has come. */
  run(): void {
    this.#again = true;
    if (this.#running || this.#delivery.callbacks === null) return;
    this.#running = true;
    try {
      for (let batches = BATCHES_PER_TURN; batches > 0 && this.#again; batches--) this.#batch();
    } finally {
      this.#running = false;
      // There is room, or may be: the socket says again what it has.
      if (this.#again) this.starved = false;
    }
  }

  #batch(): void {
    this.#again = false;
    const end = this.#read();
    const starved = end === ReadEnd.Starved;
    if (starved && !this.starved) this.#counters.starved++;
    this.starved = starved;
    const sent = this.#delivery.send();
    // The guest may have posted room from within its interrupt.
    if (end === ReadEnd.Full || (sent && starved)) this.#again = true;
  }
}
