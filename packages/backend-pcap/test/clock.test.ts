import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SystemClock } from "../src/index.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function milliseconds(clock: SystemClock): number {
  clock.read();
  return clock.seconds * 1000 + clock.nanoseconds / 1_000_000;
}

test("tells the host's time, in seconds and nanoseconds", () => {
  vi.setSystemTime(1_767_323_045_006);
  const clock = new SystemClock();
  expect(milliseconds(clock)).toBeCloseTo(1_767_323_045_006, 2);
  expect(clock.seconds).toBe(1_767_323_045);
  expect(clock.nanoseconds).toBeGreaterThanOrEqual(5_999_000);
  expect(clock.nanoseconds).toBeLessThan(7_000_000);
});

test("goes on in steps finer than the calendar's", () => {
  vi.setSystemTime(1_000_000);
  const clock = new SystemClock();
  const before = milliseconds(clock);
  vi.spyOn(performance, "now").mockReturnValue(performance.now() + 0.25);
  expect(milliseconds(clock) - before).toBeCloseTo(0.25, 6);
});

test("carries into the seconds", () => {
  vi.setSystemTime(10_999);
  const clock = new SystemClock();
  vi.advanceTimersByTime(2);
  clock.read();
  expect(clock.seconds).toBe(11);
  expect(clock.nanoseconds).toBeLessThan(2_000_000);
});

test("follows when the calendar is set, within a second", () => {
  vi.setSystemTime(1_000_000);
  const clock = new SystemClock();
  milliseconds(clock);
  vi.setSystemTime(5_000_000);
  vi.advanceTimersByTime(1001);
  expect(milliseconds(clock)).toBeCloseTo(5_001_001, 2);
});
