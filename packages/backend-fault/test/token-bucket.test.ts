import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TokenBucket } from "../src/token-bucket.ts";

describe("a token bucket", () => {
  test("is full at first, and refills at its rate up to its size", () => {
    const bucket = new TokenBucket({ perSecond: 100, burst: 10 }, 0);
    expect(bucket.waitMs(10, 0)).toBe(0);
    bucket.take(10);
    expect(bucket.waitMs(1, 0)).toBe(10);
    expect(bucket.waitMs(3, 15)).toBeCloseTo(15);
    expect(bucket.waitMs(10, 1_000_000)).toBe(0);
    bucket.take(10);
    expect(bucket.waitMs(1, 1_000_000)).toBeCloseTo(10);
  });

  test("lets through what is larger than it when it is full, and then has to make up for it", () => {
    const bucket = new TokenBucket({ perSecond: 1000, burst: 100 }, 0);
    bucket.take(40);
    expect(bucket.waitMs(300, 0)).toBeCloseTo(40);
    expect(bucket.waitMs(300, 40)).toBe(0);
    bucket.take(300);
    expect(bucket.waitMs(1, 40)).toBeCloseTo(201);
  });

  test("gives a burst that comes once on top, a single time, and first", () => {
    const bucket = new TokenBucket({ perSecond: 1000, burst: 10, oneTimeBurst: 50 }, 0);
    expect(bucket.waitMs(60, 0)).toBe(0);
    bucket.take(45);
    bucket.take(15);
    expect(bucket.waitMs(1, 0)).toBe(1);
    expect(bucket.waitMs(10, 10)).toBe(0);
    bucket.take(10);
    expect(bucket.waitMs(1, 10)).toBe(1);
  });

  test("holds 50 ms' worth where no burst is named, but at least one", () => {
    const bytes = new TokenBucket({ perSecond: 100_000 }, 0);
    bytes.take(5000);
    expect(bytes.waitMs(1, 0)).toBeCloseTo(0.01);
    const frames = new TokenBucket({ perSecond: 2 }, 0);
    expect(frames.waitMs(1, 0)).toBe(0);
    frames.take(1);
    expect(frames.waitMs(1, 0)).toBeCloseTo(500);
  });

  test("keeps its level when it is changed, as far as that fits", () => {
    const bucket = new TokenBucket({ perSecond: 100, burst: 100 }, 0);
    bucket.take(50);
    bucket.change({ perSecond: 1000, burst: 200 }, 0);
    expect(bucket.waitMs(51, 0)).toBeCloseTo(1);
    bucket.change({ perSecond: 1000, burst: 10 }, 0);
    expect(bucket.waitMs(10, 0)).toBe(0);
    bucket.take(10);
    expect(bucket.waitMs(10, 0)).toBeCloseTo(10);
  });

  test("does not mind a clock that goes back", () => {
    const bucket = new TokenBucket({ perSecond: 1000, burst: 1 }, 100);
    bucket.take(1);
    expect(bucket.waitMs(1, 50)).toBe(1);
  });

  test("never lets more through than rate and burst allow, and is never stuck", () => {
    const steps = fc.array(fc.record({ count: fc.integer({ min: 1, max: 500 }), restMs: fc.nat(100) }), {
      minLength: 1,
      maxLength: 200,
    });
    const limit = fc.record({
      perSecond: fc.integer({ min: 1, max: 100_000 }),
      burst: fc.integer({ min: 1, max: 600 }),
    });
    fc.assert(
      fc.property(limit, steps, ({ perSecond, burst }, moves) => {
        const bucket = new TokenBucket({ perSecond, burst }, 0);
        let now = 0;
        let passed = 0;
        for (const { count, restMs } of moves) {
          now += restMs;
          now += bucket.waitMs(count, now);
          expect(bucket.waitMs(count, now)).toBe(0);
          // What is larger than the bucket goes on credit, so its own length is the slack.
          expect(passed).toBeLessThanOrEqual(burst + (now * perSecond) / 1000 + 1e-3);
          bucket.take(count);
          passed += count;
        }
      }),
    );
  });
});
