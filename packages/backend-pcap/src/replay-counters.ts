import type { ReplayState, ReplayStats } from "./replay.ts";

/** The counters behind `ReplayStats`. */
export class ReplayCounters {
  frames = 0;
  bytes = 0;
  passes = 0;
  filtered = 0;
  truncated = 0;
  notEthernet = 0;
  tooShort = 0;
  tooLong = 0;
  noBuffers = 0;
  sentFrames = 0;
  sentBytes = 0;

  /** The counters as they are now. */
  snapshot(state: ReplayState, error: unknown): ReplayStats {
    const { frames, bytes, passes, filtered, truncated, notEthernet, tooShort, tooLong, noBuffers } = this;
    const skipped = { filtered, truncated, notEthernet, tooShort, tooLong, noBuffers };
    return { state, error, frames, bytes, passes, skipped, sent: { frames: this.sentFrames, bytes: this.sentBytes } };
  }

  /** All frames that were not given. */
  get skipped(): number {
    return this.filtered + this.truncated + this.notEthernet + this.tooShort + this.tooLong + this.noBuffers;
  }
}
