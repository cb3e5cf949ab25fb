/** Time, as this package needs it. Tests bring their own and move it by hand. */
export interface FaultClock {
  /** Milliseconds since some moment, fractions included. It never goes back. */
  now(): number;
  /** Calls `task` once, `delayMs` milliseconds from now or later, and never from within this call. */
  setTimer(task: () => void, delayMs: number): unknown;
  /** The task of this timer is not to be called any more. */
  clearTimer(timer: unknown): void;
}

/** What every JavaScript host with an event loop has. */
declare const performance: { now(): number };
declare function setTimeout(task: () => void, delayMs: number): unknown;
declare function clearTimeout(timer: unknown): void;

/** The host's own time. */
export const hostClock: FaultClock = {
  now: () => performance.now(),
  // Timers of hosts count whole milliseconds; one that comes too early would only be set again.
  setTimer: (task, delayMs) => setTimeout(task, Math.ceil(delayMs)),
  clearTimer: (timer) => clearTimeout(timer),
};
