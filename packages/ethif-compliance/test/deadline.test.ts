import { expect, test } from "vitest";
import { until, within } from "../src/index.ts";

test("until looks again each turn", async () => {
  let looks = 0;
  await until(
    () => ++looks === 3,
    5000,
    () => "three looks",
  );
  expect(looks).toBe(3);
});

test("until says what it waited for", async () => {
  const waiting = until(
    () => false,
    1,
    () => "pigs to fly",
  );
  await expect(waiting).rejects.toThrow("waited 1 ms in vain: pigs to fly");
});

test("within gives what the promise gives, or its error", async () => {
  expect(await within(Promise.resolve(7), 5000, "seven")).toBe(7);
  await expect(within(Promise.reject(new Error("eight")), 5000, "seven")).rejects.toThrow("eight");
});

test("within says what it waited for", async () => {
  await expect(within(new Promise(() => {}), 1, "a frame")).rejects.toThrow("waited 1 ms in vain: a frame");
});
