import { describe, expect, test } from "vitest";
import { CapturedFrame } from "../src/index.ts";
import { Pace } from "../src/pace.ts";

/** Lets frames pass that were captured at these times in seconds. Answers when each is due, if it passes in time. */
function dues(pace: Pace, times: readonly (number | null)[]): number[] {
  let now = 100;
  return times.map((time) => {
    const frame = new CapturedFrame();
    frame.timed = time !== null;
    frame.seconds = Math.floor(time ?? 0);
    frame.nanoseconds = Math.round(((time ?? 0) % 1) * 1e9);
    now = pace.due(frame, now);
    pace.passed(frame, now);
    return now;
  });
}

describe("a pace", () => {
  test("keeps the gaps of the capture, whatever its first time", () => {
    expect(dues(new Pace(1, Number.POSITIVE_INFINITY), [1_767_323_045.5, 1_767_323_045.75, 1_767_323_050.75])).toEqual([
      100, 350, 5350,
    ]);
  });

  test("is faster or slower by a factor", () => {
    expect(dues(new Pace(10, Number.POSITIVE_INFINITY), [1, 2, 4])).toEqual([100, 200, 400]);
    expect(dues(new Pace(0.5, Number.POSITIVE_INFINITY), [1, 2, 4])).toEqual([100, 2100, 6100]);
  });

  test("has no gaps at an infinite factor", () => {
    expect(dues(new Pace(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), [1, 2, 400])).toEqual([100, 100, 100]);
  });

  test("shortens long gaps before the factor", () => {
    expect(dues(new Pace(2, 1000), [0, 0.5, 3600, 3600.25])).toEqual([100, 350, 850, 975]);
  });

  test("takes a time that goes back for none", () => {
    expect(dues(new Pace(1, Number.POSITIVE_INFINITY), [5, 4, 4.5])).toEqual([100, 100, 600]);
  });

  test("a frame without a time is due at once, and the one behind it measured from the one before", () => {
    expect(dues(new Pace(1, Number.POSITIVE_INFINITY), [1, null, 2])).toEqual([100, 100, 1100]);
  });

  test("again from the start there is no gap", () => {
    const pace = new Pace(1, Number.POSITIVE_INFINITY);
    expect(dues(pace, [7, 8])).toEqual([100, 1100]);
    pace.again();
    const frame = new CapturedFrame();
    frame.seconds = 7;
    expect(pace.due(frame, 1100)).toBe(1100);
  });
});
