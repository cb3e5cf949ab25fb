import type { DirectionStats, FaultStats } from "../../src/index.ts";

/** All frames lost in a direction. */
export function lost({ dropped }: DirectionStats): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

/** What came in and was made, less what went on, waits or was lost. Always 0. */
export function balance(stats: DirectionStats): number {
  return stats.frames + stats.duplicated - stats.passed - stats.waiting - lost(stats);
}

/** All frames lost in both directions. */
export function lostInAll({ tx, rx }: FaultStats): number {
  return lost(tx) + lost(rx);
}
