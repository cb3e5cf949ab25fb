import { expect, it } from "vitest";
import { TapCounters } from "../src/counters.ts";

it("a snapshot stands still, and has every reason for which a frame was thrown away", () => {
  const counters = new TapCounters();
  const reasons = Object.keys(counters.snapshot().dropped) as (keyof ReturnType<TapCounters["snapshot"]>["dropped"])[];
  for (const [i, reason] of reasons.entries()) counters[reason] = 10 ** i;
  counters.framesIn = 5;
  const before = counters.snapshot();
  counters.framesIn++;
  counters.down += 7;
  expect(before.framesIn).toBe(5);
  expect(reasons.map((reason) => before.dropped[reason])).toEqual(reasons.map((_, i) => 10 ** i));
  expect(counters.dropped).toBe(reasons.reduce((sum, _, i) => sum + 10 ** i, 7));
});
