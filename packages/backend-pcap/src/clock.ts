import { NANOSECONDS_PER_SECOND } from "./timestamp.ts";

/** Says what time it is, without allocating: `read` sets the two fields. */
export interface CaptureClock {
  /** Whole seconds since 1970 at the last `read`. */
  readonly seconds: number;
  /** Nanoseconds behind them, 0 to 999 999 999. */
  readonly nanoseconds: number;
  /** Looks at the clock. */
  read(): void;
}

/** The host's clocks: every JavaScript host has both. */
declare const performance: { readonly timeOrigin: number; now(): number };

/** How far the fine clock may be off the one that is set by time servers, in milliseconds. */
const MOST_DRIFT_MS = 20;
/** How often they are compared, in milliseconds. */
const COMPARE_MS = 1000;

/**
 * The host's time as finely as the host tells it: steps of nanoseconds in Node, of microseconds or more in browsers.
 * It runs on between two looks at the host's calendar, and follows when that was set.
 */
export class SystemClock implements CaptureClock {
  seconds = 0;
  nanoseconds = 0;
  #baseSeconds = 0;
  #baseNanoseconds = 0;
  /** The fine clock's own time that belongs to the base. */
  #baseMs = 0;
  #compareAtMs = 0;

  constructor() {
    this.#setBase(performance.timeOrigin, 0);
    this.#compareAtMs = performance.now();
    this.read();
  }

  read(): void {
    const nowMs = performance.now();
    if (nowMs >= this.#compareAtMs) this.#compare(nowMs);
    // Milliseconds since the base are few enough for a double to tell nanoseconds apart for months.
    const sinceMs = nowMs - this.#baseMs;
    const wholeSeconds = Math.floor(sinceMs / 1000);
    const nanoseconds = this.#baseNanoseconds + Math.floor((sinceMs - wholeSeconds * 1000) * 1_000_000);
    const carry = nanoseconds >= NANOSECONDS_PER_SECOND ? 1 : 0;
    this.seconds = this.#baseSeconds + wholeSeconds + carry;
    this.nanoseconds = nanoseconds - carry * NANOSECONDS_PER_SECOND;
  }

  #compare(nowMs: number): void {
    this.#compareAtMs = nowMs + COMPARE_MS;
    const calendarMs = Date.now();
    const fineMs = this.#baseSeconds * 1000 + this.#baseNanoseconds / 1_000_000 + (nowMs - this.#baseMs);
    if (Math.abs(calendarMs - fineMs) > MOST_DRIFT_MS) this.#setBase(calendarMs, nowMs);
  }

  #setBase(calendarMs: number, fineMs: number): void {
    this.#baseSeconds = Math.floor(calendarMs / 1000);
    this.#baseNanoseconds = Math.floor((calendarMs - this.#baseSeconds * 1000) * 1_000_000);
    this.#baseMs = fineMs;
  }
}
