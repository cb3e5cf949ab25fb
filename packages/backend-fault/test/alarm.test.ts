import { expect, test } from "vitest";
import { Alarm } from "../src/alarm.ts";
import { HandClock } from "./support/hand-clock.ts";

test("an alarm rings once, at the earliest time asked for", () => {
  const clock = new HandClock();
  const rung: number[] = [];
  const alarm = new Alarm(clock, () => rung.push(clock.now()));
  const start = clock.now();
  alarm.set(start + 50);
  alarm.set(start + 20);
  alarm.set(start + 30);
  expect(clock.pending).toBe(1);
  clock.advance(100);
  expect(rung).toEqual([start + 20]);
  expect(clock.pending).toBe(0);
});

test("an alarm may be set from within its task, and is silent when cleared", () => {
  const clock = new HandClock();
  let rung = 0;
  const alarm = new Alarm(clock, () => {
    if (++rung < 3) alarm.set(clock.now() + 10);
  });
  alarm.set(clock.now());
  clock.advance(100);
  expect(rung).toBe(3);
  alarm.set(clock.now() + 10);
  alarm.clear();
  alarm.clear();
  clock.advance(100);
  expect(rung).toBe(3);
});

test("a time further away than hosts' timers reach is reached in steps", () => {
  const clock = new HandClock();
  const delays: number[] = [];
  const at = clock.now() + 2 ** 33;
  const alarm = new Alarm(
    {
      now: () => clock.now(),
      clearTimer: (timer) => clock.clearTimer(timer),
      setTimer: (task, delayMs) => {
        delays.push(delayMs);
        return clock.setTimer(task, delayMs);
      },
    },
    () => clock.now() < at && alarm.set(at),
  );
  alarm.set(at);
  clock.advance(2 ** 33);
  expect(delays).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1, 4]);
});
