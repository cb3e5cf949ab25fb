import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nanosecondsHigh, nanosecondsLow, TimeScale } from "../src/timestamp.ts";

const BILLION = 1_000_000_000n;

describe("nanoseconds as two words", () => {
  test.each([
    [0, 0],
    [4, 294_967_295],
    [4, 294_967_296],
    [1_767_323_045, 6_789_012],
    [2 ** 32, 999_999_999],
    [2 ** 34, 999_999_999],
  ])("%d s and %d ns", (seconds, nanoseconds) => {
    const whole = BigInt(seconds) * BILLION + BigInt(nanoseconds);
    expect(nanosecondsHigh(seconds, nanoseconds)).toBe(Number(whole >> 32n));
    expect(nanosecondsLow(seconds, nanoseconds)).toBe(Number(whole & 0xffff_ffffn));
  });

  test("any time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 34 }), fc.integer({ min: 0, max: 999_999_999 }), (seconds, rest) => {
        const whole = BigInt(seconds) * BILLION + BigInt(rest);
        expect(nanosecondsHigh(seconds, rest)).toBe(Number(whole >> 32n));
        expect(nanosecondsLow(seconds, rest)).toBe(Number(whole & 0xffff_ffffn));
      }),
    );
  });
});

describe("counts of a unit as seconds and nanoseconds", () => {
  test("any count, in any unit that a file may have", () => {
    const word = fc.integer({ min: 0, max: 0xffff_ffff });
    const base = fc.constantFrom<(2 | 10)[]>(2, 10);
    fc.assert(
      fc.property(base, fc.integer({ min: 0, max: 127 }), word, word, (two, exponent, high, low) => {
        const scale = new TimeScale(two, exponent, 0);
        scale.set(high, low);
        const count = (BigInt(high) << 32n) | BigInt(low);
        const units = BigInt(two) ** BigInt(exponent);
        expect(scale.seconds).toBe(Math.min(Number(count / units), Number.MAX_SAFE_INTEGER));
        expect(scale.nanoseconds).toBe(Number(((count % units) * BILLION) / units));
      }),
      { numRuns: 2000 },
    );
  });

  test("what is no time stays a whole number, whatever is added", () => {
    for (const offset of [0, 2 ** 63, -(2 ** 63)]) {
      const scale = new TimeScale(10, 0, offset);
      scale.set(0x8000_0000, 7);
      expect(Number.isSafeInteger(scale.seconds)).toBe(true);
    }
  });

  test("an offset is added to the seconds", () => {
    const scale = new TimeScale(10, 6, -5);
    scale.set(0, 7_000_001);
    expect([scale.seconds, scale.nanoseconds]).toEqual([2, 1000]);
  });
});
