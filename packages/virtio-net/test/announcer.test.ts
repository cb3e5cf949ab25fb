import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Announcer } from "../src/announcer.ts";

describe("an announcer", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  function make(): { announcer: Announcer; asked: () => number; listen: (present: boolean) => void } {
    let count = 0;
    let there = true;
    const announcer = new Announcer(() => {
      if (there) count++;
      return there;
    });
    return {
      announcer,
      asked: () => count,
      listen: (present) => {
        there = present;
      },
    };
  }

  it("asks again after each acknowledgement, three times in all", () => {
    const { announcer, asked } = make();
    expect(announcer.start()).toBe(true);
    for (const times of [1, 2, 3, 3]) {
      expect(asked()).toBe(times);
      vi.advanceTimersByTime(1000);
      expect(asked()).toBe(times);
      announcer.acknowledged();
      announcer.acknowledged();
      vi.advanceTimersByTime(1000);
    }
  });

  it("begins anew, and ends when it is stopped", () => {
    const { announcer, asked } = make();
    announcer.start();
    announcer.acknowledged();
    announcer.start();
    vi.advanceTimersByTime(1000);
    expect(asked()).toBe(2);
    announcer.acknowledged();
    announcer.stop();
    vi.advanceTimersByTime(1000);
    announcer.acknowledged();
    vi.advanceTimersByTime(1000);
    expect(asked()).toBe(2);
  });

  it("repeats nothing where it was not started, or nobody is there", () => {
    const { announcer, asked, listen } = make();
    announcer.acknowledged();
    vi.advanceTimersByTime(1000);
    listen(false);
    expect(announcer.start()).toBe(false);
    announcer.acknowledged();
    vi.advanceTimersByTime(1000);
    expect(asked()).toBe(0);
  });
});
