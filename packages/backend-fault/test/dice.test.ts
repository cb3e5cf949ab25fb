import { describe, expect, test } from "vitest";
import { Dice } from "../src/dice.ts";

function throwMany(dice: Dice, count: number, limit: number): number[] {
  return Array.from({ length: count }, () => dice.below(limit));
}

describe("dice", () => {
  test("give the same numbers for the same seed and stream, and others for others", () => {
    const first = throwMany(new Dice(1, 0), 50, 1000);
    expect(throwMany(new Dice(1, 0), 50, 1000)).toEqual(first);
    expect(throwMany(new Dice(2, 0), 50, 1000)).not.toEqual(first);
    expect(throwMany(new Dice(1, 1), 50, 1000)).not.toEqual(first);
  });

  test("hit never with probability 0 and always with 1", () => {
    const dice = new Dice(3, 0);
    for (let i = 0; i < 10_000; i++) {
      expect(dice.hit(0)).toBe(false);
      expect(dice.hit(1)).toBe(true);
    }
  });

  test.each([0.001, 0.01, 0.1, 0.5, 0.9])("hit about as often as they should: %d", (probability) => {
    const dice = new Dice(4, 0);
    const throws = 200_000;
    let hits = 0;
    for (let i = 0; i < throws; i++) if (dice.hit(probability)) hits++;
    const deviation = Math.sqrt(throws * probability * (1 - probability));
    expect(Math.abs(hits - throws * probability)).toBeLessThan(5 * deviation);
  });

  test("reach every number below the limit, evenly", () => {
    const dice = new Dice(0, 0);
    const counts = new Array<number>(10).fill(0);
    for (const value of throwMany(dice, 100_000, 10)) counts[value] = (counts[value] ?? 0) + 1;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  test("stay below a limit that is no integer", () => {
    const dice = new Dice(0xffff_ffff, 2);
    const values = Array.from({ length: 10_000 }, () => dice.upTo(2.5));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(2.5);
    expect(Math.max(...values)).toBeGreaterThan(2.49);
  });

  test("of neighbouring seeds and streams have nothing to do with each other", () => {
    for (const [left, right] of [
      [new Dice(1, 0), new Dice(2, 0)],
      [new Dice(1, 0), new Dice(1, 1)],
    ] as const) {
      let equal = 0;
      for (let i = 0; i < 10_000; i++) if (left.below(2) === right.below(2)) equal++;
      expect(Math.abs(equal - 5000)).toBeLessThan(250);
    }
  });
});
