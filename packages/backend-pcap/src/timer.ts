/** How a replay waits. Tests give it a time of their own. */
export interface Timer {
  /** Milliseconds since some moment, fractions included; never goes back. */
  now(): number;
  /** Calls `task` once in `delayMs` milliseconds. Answers what `clear` needs to prevent that. */
  set(task: () => void, delayMs: number): unknown;
  /** Prevents a call; does nothing where it has been made. */
  clear(handle: unknown): void;
}

/** The host's timers, which every JavaScript host with an event loop has. */
declare function setTimeout(task: () => void, delayMs: number): unknown;
declare function clearTimeout(handle: unknown): void;
declare const performance: { now(): number };

/** The longest time that hosts can wait at once; longer ones are waited for in parts. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** The host's time. */
export const hostTimer: Timer = {
  now: () => performance.now(),
  set: (task, delayMs) => setTimeout(task, Math.min(delayMs, LONGEST_WAIT_MS)),
  clear: (handle) => clearTimeout(handle),
};
