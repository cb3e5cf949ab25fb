import type { V86Cpu } from "./internals.ts";
import type { JitPages } from "./jit-pages.ts";
import { replaceMethod } from "./replace-method.ts";

/**
 * v86's time slices: it runs the guest for about a millisecond, or until HLT, and then goes back to the event
 * loop. This hooks the function that runs one.
 */
export class Slices {
  /** Whether the guest is running now, that is, whether our caller is an instruction of it. */
  running = false;
  readonly #cpu: V86Cpu;
  readonly #listeners = new Set<() => void>();
  readonly #restore: () => void;
  #tasks: (() => void)[] = [];
  #microtask = false;
  /** A slice is over and its listeners are being called. */
  #ending = false;

  /**
   * @param jit told when the guest starts and stops running
   * @param after called after each slice, ahead of tasks and listeners
   */
  constructor(cpu: V86Cpu, jit: JitPages, after: () => void) {
    this.#cpu = cpu;
    const mainLoop = cpu.main_loop;
    this.#restore = replaceMethod(cpu, "main_loop", () => {
      jit.guestContinues();
      this.running = true;
      let sleepMs: number;
      try {
        sleepMs = mainLoop.call(cpu);
      } finally {
        this.running = false;
        jit.guestPaused();
      }
      after();
      return this.#afterSlice(sleepMs);
    });
  }

  /**
   * Runs a task once the guest's current slice is over. Where the guest is not running, the task runs when the
   * event that is being handled is over, before the next one.
   */
  defer(task: () => void): void {
    this.#tasks.push(task);
    if (this.running || this.#ending || this.#microtask) return;
    this.#microtask = true;
    Promise.resolve().then(() => {
      this.#microtask = false;
      this.#runTasks();
    });
  }

  /** Calls `listener` after each slice. Answers the function that ends it. */
  onSlice(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Takes the hook out. Tasks that wait still run. */
  detach(): void {
    this.#restore();
    this.#listeners.clear();
    if (this.#tasks.length > 0) this.defer(() => {});
  }

  /** @returns in how many milliseconds v86 is to run the next slice */
  #afterSlice(sleepMs: number): number {
    this.#runTasks();
    this.#ending = true;
    try {
      for (const listener of this.#listeners) listener();
    } finally {
      this.#ending = false;
    }
    // What the listeners deferred: an interrupt has to be raised before it is asked whether the guest waits for one.
    this.#runTasks();
    // Whoever raised an interrupt just now has ended HLT. v86 only notices that by itself once this has returned.
    return sleepMs > 0 && this.#cpu.in_hlt[0] === 0 ? 0 : sleepMs;
  }

  #runTasks(): void {
    const tasks = this.#tasks;
    if (tasks.length === 0) return;
    this.#tasks = [];
    for (const task of tasks) task();
  }
}
