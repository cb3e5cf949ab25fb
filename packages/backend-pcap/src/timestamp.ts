/*
 * Times are two numbers, whole seconds since 1970 and nanoseconds: one number would not tell nanoseconds apart. Files
 * have them as 64-bit counts of some unit. The arithmetic here is exact, and without BigInt for the usual units.
 */

const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;
export const NANOSECONDS_PER_SECOND = 1_000_000_000;

/** Up to here `unitsPerSecond` leaves 16 bits free in a safe integer. */
const MOST_UNITS_BY_LIMBS = 2 ** 37;
/** Up to here a rest of less than a second times 10^9 is a safe integer. */
const MOST_UNITS_TIMES_NANOSECONDS = 2 ** 23;

/** The upper 32 bits of a time in nanoseconds. */
export function nanosecondsHigh(seconds: number, nanoseconds: number): number {
  // Seconds in two halves, so that no product is beyond 2^53.
  const upper = Math.floor(seconds / TWO_16) * NANOSECONDS_PER_SECOND;
  const lower = (seconds % TWO_16) * NANOSECONDS_PER_SECOND + nanoseconds;
  const low = (upper % TWO_16) * TWO_16 + (lower % TWO_32);
  return Math.floor(upper / TWO_16) + Math.floor(lower / TWO_32) + (low >= TWO_32 ? 1 : 0);
}

/** The lower 32 bits of a time in nanoseconds. */
export function nanosecondsLow(seconds: number, nanoseconds: number): number {
  // Modulo 2^32, which is what Math.imul computes.
  return (Math.imul(seconds, NANOSECONDS_PER_SECOND) + nanoseconds) >>> 0;
}

/** Turns 64-bit counts of a unit into seconds and nanoseconds. */
export class TimeScale {
  /** Of the last count. */
  seconds = 0;
  nanoseconds = 0;
  readonly #unitsPerSecond: number;
  readonly #offsetSeconds: number;
  /** Nanoseconds in a unit where that is a whole number, otherwise 0. */
  readonly #nanosecondsPerUnit: number;
  /** For units that plain numbers cannot do. */
  readonly #exact: bigint | null;

  /**
   * @param base 2 or 10
   * @param exponent 0 to 127: a second has `base` to the power of this units
   * @param offsetSeconds is added to each time
   */
  constructor(base: 2 | 10, exponent: number, offsetSeconds: number) {
    const units = base ** exponent;
    this.#unitsPerSecond = units;
    this.#offsetSeconds = offsetSeconds;
    this.#nanosecondsPerUnit = NANOSECONDS_PER_SECOND % units === 0 ? NANOSECONDS_PER_SECOND / units : 0;
    const plain = this.#nanosecondsPerUnit > 0 || units <= MOST_UNITS_TIMES_NANOSECONDS;
    this.#exact = plain && units <= MOST_UNITS_BY_LIMBS ? null : BigInt(base) ** BigInt(exponent);
  }

  /** Reads a count; `seconds` and `nanoseconds` are its time, no further from 1970 than a safe integer tells. */
  set(high: number, low: number): void {
    if (this.#exact === null) this.#divide(high, low);
    else this.#divideExactly(this.#exact, high, low);
    // A file may say what is no time: it stays a whole number.
    const seconds = this.seconds + this.#offsetSeconds;
    this.seconds = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, seconds));
  }

  /** Long division by digits of 16 bits: the rest is below 2^37, so the rest and a digit are below 2^53. */
  #divide(high: number, low: number): void {
    const units = this.#unitsPerSecond;
    let rest = high;
    let seconds = Math.floor(rest / units);
    rest = (rest % units) * TWO_16 + (low >>> 16);
    seconds = seconds * TWO_16 + Math.floor(rest / units);
    rest = (rest % units) * TWO_16 + (low & 0xffff);
    seconds = seconds * TWO_16 + Math.floor(rest / units);
    rest %= units;
    this.seconds = seconds;
    const whole = this.#nanosecondsPerUnit;
    this.nanoseconds = whole > 0 ? rest * whole : Math.floor((rest * NANOSECONDS_PER_SECOND) / units);
  }

  #divideExactly(units: bigint, high: number, low: number): void {
    const count = (BigInt(high) << 32n) | BigInt(low);
    this.seconds = Number(count / units);
    this.nanoseconds = Number(((count % units) * BigInt(NANOSECONDS_PER_SECOND)) / units);
  }
}
