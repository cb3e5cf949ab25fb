import type { Bench, Direction } from "./bench.ts";

/** Frames that arrive in one direction, to be looked for without waiting. */
export class Arrivals {
  readonly #bench: Bench;
  readonly #queue: Uint8Array[];

  /** Starts taking frames; those that arrive at the peer are lost to others from now on. */
  constructor(bench: Bench, direction: Direction) {
    this.#bench = bench;
    const atCard = direction === "to the card" || bench.topology === "echo";
    this.#queue = atCard ? bench.card.received : [];
    if (!atCard) void this.#listen();
  }

  /** The next frame that has arrived, or null. */
  next(): Uint8Array | null {
    return this.#queue.shift() ?? null;
  }

  async #listen(): Promise<void> {
    try {
      for (;;) this.#queue.push(await this.#bench.peer.receive());
    } catch {
      // The peer is gone: the test is over, or waits in vain and says so.
    }
  }
}
