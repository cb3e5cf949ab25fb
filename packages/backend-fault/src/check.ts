import type { RateLimit } from "./settings.ts";

/** @throws TypeError where `change` is no object, or has a name that `known` has not */
export function checkKeys(name: string, change: object, known: object): void {
  if (typeof change !== "object" || change === null) {
    throw new TypeError(`"${name}" expected an object, got ${String(change)}`);
  }
  for (const key of Object.keys(change)) {
    if (!(key in known)) throw new TypeError(`"${name}" expected one of ${Object.keys(known).join(", ")}, got ${key}`);
  }
}

/** @throws RangeError where `value` is not a number from `min` to `max` */
export function checkNumber(name: string, value: number, min: number, max: number, whole = false): void {
  if (typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value))) return;
  throw new RangeError(`"${name}" expected ${whole ? "an integer" : "a number"} from ${min} to ${max}, got ${value}`);
}

/** @throws RangeError where `value` is not a number from 0 to 1 */
export function checkProbability(name: string, value: number): void {
  checkNumber(name, value, 0, 1);
}

/** The names that a limit may have. */
const RATE_KEYS = { perSecond: 0, burst: 0, oneTimeBurst: 0 };

/** So slow that a timer just still reaches the next frame; so fast that fractions are still exact enough. */
const MIN_RATE = 0.001;
const MAX_RATE = 1e12;

/** @throws TypeError where it is no limit, RangeError for a value out of range */
export function checkRate(name: string, limit: RateLimit | null): void {
  if (limit === null) return;
  checkKeys(name, limit, RATE_KEYS);
  checkNumber(`${name}.perSecond`, limit.perSecond, MIN_RATE, MAX_RATE);
  if (limit.burst !== undefined) checkNumber(`${name}.burst`, limit.burst, 1, MAX_RATE);
  if (limit.oneTimeBurst !== undefined) checkNumber(`${name}.oneTimeBurst`, limit.oneTimeBurst, 0, MAX_RATE);
}
