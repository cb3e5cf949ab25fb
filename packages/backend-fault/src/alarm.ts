import type { FaultClock } from "./clock.ts";

/** The longest time that timers of hosts know. One that comes too early finds nothing to do and is set again. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** One timer that rings at the earliest of the times asked for. */
export class Alarm {
  readonly #clock: FaultClock;
  readonly #task: () => void;
  readonly #ring = (): void => this.#rings();
  #timer: unknown = null;
  #set = false;
  #atMs = 0;

  /** @param task called when it rings; it may come too early, and sets it again where it has to wait on */
  constructor(clock: FaultClock, task: () => void) {
    this.#clock = clock;
    this.#task = task;
  }

  /** Rings at `atMs`, or earlier where that was asked for before. */
  set(atMs: number): void {
    if (this.#set && this.#atMs <= atMs) return;
    this.clear();
    this.#set = true;
    this.#atMs = atMs;
    const delayMs = Math.min(Math.max(0, atMs - this.#clock.now()), MAX_TIMER_MS);
    this.#timer = this.#clock.setTimer(this.#ring, delayMs);
  }

  /** Does not ring any more. */
  clear(): void {
    if (!this.#set) return;
    this.#set = false;
    this.#clock.clearTimer(this.#timer);
  }

  #rings(): void {
    this.#set = false;
    this.#task();
  }
}
