import type { FaultClock } from "../../src/index.ts";

/** How many milliseconds pass in one. */
const HASTE = 100;

/** Real time, a hundred times as fast: for suites that wait for many short delays. */
export const hastyClock: FaultClock = {
  now: () => performance.now() * HASTE,
  setTimer: (task, delayMs) => {
    const realMs = delayMs / HASTE;
    const cancelled = { value: false };
    const ring = (): void => {
      if (!cancelled.value) task();
    };
    if (realMs < 1) setImmediate(ring);
    else setTimeout(ring, realMs);
    return cancelled;
  },
  clearTimer: (timer) => {
    (timer as { value: boolean }).value = true;
  },
};
