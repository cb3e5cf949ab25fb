import { checkKeys, checkNumber } from "./check.ts";
import type { FaultClock } from "./clock.ts";
import type { FaultChange } from "./settings.ts";

/** Options of `faultBackend`. */
export interface FaultOptions extends FaultChange {
  /** Where the random numbers start: 0 to 2^32 - 1. The same frames meet the same faults again. Default: any. */
  readonly seed?: number;
  /** Whether the cable is plugged in at the start. Default true. */
  readonly linkUp?: boolean;
  /** Memory for copies of transmitted frames: those corrupted, and those that go twice to a backend that keeps them. Default 1 MiB. */
  readonly copyBytes?: number;
  /** Time. Default: the host's. */
  readonly clock?: FaultClock;
}

/** The names that a change may have. */
const CHANGE_KEYS: Required<Record<keyof FaultChange, true>> = {
  tx: true,
  rx: true,
  disconnect: true,
  reconnectMs: true,
};

/** The names that options may have. */
const OPTION_KEYS: Required<Record<keyof FaultOptions, true>> = {
  ...CHANGE_KEYS,
  seed: true,
  linkUp: true,
  copyBytes: true,
  clock: true,
};

/** @throws TypeError, RangeError for impossible options, those of `FaultChange` left aside */
export function checkOptions(options: FaultOptions): void {
  checkKeys("options", options, OPTION_KEYS);
  const { seed, copyBytes } = options;
  if (seed !== undefined) checkNumber("seed", seed, 0, 0xffff_ffff, true);
  if (copyBytes !== undefined) checkNumber("copyBytes", copyBytes, 0, Number.MAX_SAFE_INTEGER, true);
}

/** @throws TypeError for a name that there is not */
export function checkChange(change: FaultChange): void {
  checkKeys("change", change, CHANGE_KEYS);
}
