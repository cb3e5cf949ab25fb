import type { FaultClock } from "../../src/index.ts";

interface Timer {
  readonly task: () => void;
  readonly atMs: number;
}

/** Time that passes when the test says so. Timers ring in order, each at its own time. */
export class HandClock implements FaultClock {
  #nowMs = 1000;
  readonly #timers = new Set<Timer>();

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimer(task: () => void, delayMs: number): unknown {
    if (!(delayMs >= 0)) throw new RangeError(`a timer of ${delayMs} ms`);
    const timer = { task, atMs: this.#nowMs + delayMs };
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Lets time pass, and all timers ring that are due until then. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let timer = this.#next(endMs); timer !== null; timer = this.#next(endMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.task();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers)
      if (timer.atMs <= endMs && (next === null || timer.atMs < next.atMs)) next = timer;
    return next;
  }
}
