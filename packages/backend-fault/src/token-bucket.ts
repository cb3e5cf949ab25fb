import type { RateLimit } from "./settings.ts";

/** Tokens that are there by arithmetic, but for the last bits of a fraction. */
const EPSILON = 1e-6;

/** A bucket's default size: what comes in over so many milliseconds. Longer than a timer is ever late. */
const BURST_MS = 50;

/**
 * A token bucket: tokens come in at a steady rate up to a limit, and what goes out costs tokens. What costs more than
 * the bucket holds goes when it is full, and leaves a debt, so the rate holds for it too.
 */
export class TokenBucket {
  #perMs: number;
  #size: number;
  #tokens: number;
  /** Tokens that come once and are used up first. */
  #once: number;
  #updatedMs: number;

  constructor(limit: RateLimit, nowMs: number) {
    this.#perMs = limit.perSecond / 1000;
    this.#size = sizeOf(limit);
    this.#tokens = this.#size;
    this.#once = limit.oneTimeBurst ?? 0;
    this.#updatedMs = nowMs;
  }

  /** Another rate and size from now on. Tokens that are there stay, as far as they fit; what comes once comes anew. */
  change(limit: RateLimit, nowMs: number): void {
    this.#refill(nowMs);
    this.#perMs = limit.perSecond / 1000;
    this.#size = sizeOf(limit);
    this.#tokens = Math.min(this.#tokens, this.#size);
    this.#once = limit.oneTimeBurst ?? 0;
  }

  /** Milliseconds until `count` tokens may be taken; 0 where they may be now. */
  waitMs(count: number, nowMs: number): number {
    this.#refill(nowMs);
    const missing = Math.min(count - this.#once, this.#size) - this.#tokens;
    return missing <= EPSILON ? 0 : missing / this.#perMs;
  }

  /** Takes tokens, after `waitMs` answered 0 for that many. */
  take(count: number): void {
    const once = Math.min(count, this.#once);
    this.#once -= once;
    this.#tokens -= count - once;
  }

  #refill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#updatedMs);
    this.#tokens = Math.min(this.#size, this.#tokens + passedMs * this.#perMs);
    this.#updatedMs = nowMs;
  }
}

function sizeOf(limit: RateLimit): number {
  return limit.burst ?? Math.max(1, (limit.perSecond / 1000) * BURST_MS);
}
