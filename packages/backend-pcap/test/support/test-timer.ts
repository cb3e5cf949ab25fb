import type { Timer } from "../../src/index.ts";

/** A time that goes on when the test says so. */
export class TestTimer implements Timer {
  nowMs = 1000;
  readonly #tasks = new Map<number, { readonly at: number; readonly task: () => void }>();
  #next = 0;

  now(): number {
    return this.nowMs;
  }

  set(task: () => void, delayMs: number): number {
    this.#tasks.set(++this.#next, { at: this.nowMs + delayMs, task });
    return this.#next;
  }

  clear(handle: unknown): void {
    this.#tasks.delete(handle as number);
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.#tasks.size;
  }

  /** Lets time pass; tasks run at their time, one by one. */
  advance(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const due = [...this.#tasks].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [handle, { at, task }] = due;
      this.#tasks.delete(handle);
      this.nowMs = Math.max(this.nowMs, at);
      task();
    }
    this.nowMs = end;
  }
}
