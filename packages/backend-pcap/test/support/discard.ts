import type { ByteSink, CaptureClock } from "../../src/index.ts";

/** Takes everything and keeps nothing. */
export const discard: ByteSink = { write: () => {}, close: () => {} };

/** A clock that the test sets. */
export class TestClock implements CaptureClock {
  seconds = 1;
  nanoseconds = 0;
  reads = 0;

  read(): void {
    this.reads++;
    this.nanoseconds++;
  }
}
