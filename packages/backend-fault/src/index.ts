/**
 * Wraps a backend and makes its network a bad one: loss, duplication, reordering, corruption, delay, rate limits, a
 * link that goes and comes. The same seed makes the same faults.
 *
 * ```ts
 * import { faultBackend } from "@vmmkit/backend-fault";
 * import { Hub } from "@vmmkit/backend-loopback";
 *
 * const hub = new Hub();
 * const backend = faultBackend(hub.port(), { seed: 1, tx: { drop: 0.01 }, rx: { delayMs: 20 } });
 * // The eighth argument of a commonMakeVirtioNet. Later, while frames flow:
 * backend.set({ tx: { drop: 0, bytes: { perSecond: 1_000_000 } } });
 * ```
 *
 * @module
 */
export type { FaultClock } from "./clock.ts";
export type { DirectionStats } from "./counters.ts";
export { type FaultBackend, type FaultState, type FaultStats, faultBackend } from "./fault-backend.ts";
export type { FaultOptions } from "./options.ts";
export type { DirectionSettings, FaultChange, FaultSettings, RateLimit } from "./settings.ts";
