import { checkInteger } from "./link.ts";

/** When a connection that failed or was lost is tried again. */
export interface ReconnectOptions {
  /** The first wait in milliseconds, 1 to 3600000. Default 100. */
  readonly minMs?: number;
  /** The longest wait; each is twice the one before. Default 5000. */
  readonly maxMs?: number;
}

const LONGEST_MS = 3_600_000;

/** Waits that grow: min, twice that, and so on up to max. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  /** @throws RangeError for an impossible option */
  constructor(options: ReconnectOptions = {}) {
    this.#minMs = checkInteger("reconnect.minMs", options.minMs ?? 100, 1, LONGEST_MS);
    this.#maxMs = checkInteger(
      "reconnect.maxMs",
      options.maxMs ?? Math.max(5000, this.#minMs),
      this.#minMs,
      LONGEST_MS,
    );
    this.#nextMs = this.#minMs;
  }

  /** The next wait in milliseconds. */
  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(2 * ms, this.#maxMs);
    return ms;
  }

  /** It worked: the next wait is the first again. */
  reset(): void {
    this.#nextMs = this.#minMs;
  }
}
