import { TxResult } from "@vmmkit/ethif";
import { describe, expect, test } from "vitest";
import type { FaultSettings } from "../src/index.ts";
import { balance, lost } from "./support/balance.ts";
import { Bench, DIRECTIONS, numbers } from "./support/bench.ts";

function bench(direction: "tx" | "rx", settings: FaultSettings, seed = 1): Bench {
  return new Bench({ seed, [direction]: settings }, 512);
}

/** Bits in which two frames of one length differ. */
function differingBits(left: Uint8Array, right: Uint8Array): number {
  expect(left.length).toBe(right.length);
  let bits = 0;
  for (let i = 0; i < left.length; i++) {
    for (let byte = (left[i] ?? 0) ^ (right[i] ?? 0); byte !== 0; byte &= byte - 1) bits++;
  }
  return bits;
}

describe.each(DIRECTIONS)("in direction %s", (direction) => {
  test("nothing happens to frames where nothing is asked for", () => {
    const it = bench(direction, {});
    it.push(direction, 100);
    expect(it.out(direction)).toEqual(numbers(100));
    expect(it.backend.stats()[direction]).toMatchObject({ frames: 100, bytes: 6000, passed: 100, waiting: 0 });
    expect(lost(it.backend.stats()[direction])).toBe(0);
    expect(it.clock.pending).toBe(0);
  });

  test("drop loses frames, about as many as it should and no others", () => {
    const it = bench(direction, { drop: 0.3 });
    it.push(direction, 400);
    const out = it.out(direction);
    const { dropped, passed, frames } = it.backend.stats()[direction];
    expect([frames, passed, dropped.fault]).toEqual([400, out.length, 400 - out.length]);
    expect(Math.abs(dropped.fault - 120)).toBeLessThan(40);
    expect(out).toEqual([...out].sort((a, b) => a - b));
  });

  test("drop with probability 1 loses all", () => {
    const it = bench(direction, { drop: 1 });
    it.push(direction, 50);
    expect(it.out(direction)).toEqual([]);
    expect(it.backend.stats()[direction].dropped.fault).toBe(50);
  });

  test("the same seed loses the same frames, another seed others", () => {
    const outcomes = [5, 5, 6].map((seed) => {
      const it = bench(direction, { drop: 0.5, duplicate: 0.2, reorder: 0.2 }, seed);
      it.push(direction, 200);
      it.clock.advance(1000);
      return it.out(direction);
    });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).not.toEqual(outcomes[0]);
  });

  test("what one fault does is the same whatever others do", () => {
    const alone = bench(direction, { drop: 0.5 });
    alone.push(direction, 200);
    const together = bench(direction, { drop: 0.5, duplicate: 0.5, corrupt: 0.5, delayMs: 3, jitterMs: 3 });
    together.push(direction, 200);
    together.clock.advance(1000);
    const expected = new Set(alone.out(direction)).size;
    expect(together.backend.stats()[direction].dropped.fault).toBe(200 - expected);
  });

  test("duplicate brings a frame twice, the second right behind the first", () => {
    const it = bench(direction, { duplicate: 1 });
    it.push(direction, 5);
    expect(it.out(direction)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    expect(it.backend.stats()[direction]).toMatchObject({ frames: 5, duplicated: 5, passed: 10 });
  });

  test("duplicate with a probability brings some twice", () => {
    const it = bench(direction, { duplicate: 0.25 });
    it.push(direction, 200);
    const out = it.out(direction);
    const { duplicated } = it.backend.stats()[direction];
    expect(out.length).toBe(200 + duplicated);
    expect(new Set(out).size).toBe(200);
    expect(Math.abs(duplicated - 50)).toBeLessThan(30);
  });

  test("corrupt turns over one bit, anywhere in the frame", () => {
    const it = bench(direction, { corrupt: 1 });
    const places = new Set<number>();
    for (let i = 0; i < 300; i++) {
      const frame = it.frame(40);
      if (direction === "tx") it.card.transmit(frame);
      else it.recorder.deliver(frame);
      const [out = new Uint8Array(0)] = it.bytesOut(direction);
      expect(differingBits(out, frame)).toBe(1);
      places.add(out.findIndex((byte, at) => byte !== frame[at]));
    }
    expect(places.size).toBe(40);
    expect(it.backend.stats()[direction]).toMatchObject({ corrupted: 300, passed: 300 });
  });

  test("corruptBits turns over several, and the frame's other half is the same frame", () => {
    const it = bench(direction, { corrupt: 1, corruptBits: 12, duplicate: 1 });
    const frame = it.frame(1000);
    if (direction === "tx") it.card.transmit(frame, [100, 1, 300]);
    else it.recorder.deliver(frame);
    const [first, second] = it.bytesOut(direction);
    expect(first).toEqual(second);
    const bits = differingBits(first ?? frame, frame);
    expect(bits).toBeGreaterThan(4);
    expect(bits).toBeLessThanOrEqual(12);
    expect(bits % 2).toBe(0);
  });

  test("reorder has a frame overtaken by the next", () => {
    const it = bench(direction, { reorder: 1, reorderFrames: 1 });
    it.push(direction, 6);
    expect(it.out(direction)).toEqual([1, 0, 3, 2, 5, 4]);
    expect(it.backend.stats()[direction].reordered).toBe(3);
  });

  test("reorder has a frame overtaken by up to so many, and none overtakes another besides", () => {
    const it = bench(direction, { reorder: 0.3, reorderFrames: 4 });
    it.push(direction, 300);
    it.clock.advance(50);
    const out = it.out(direction);
    expect([...out].sort((a, b) => a - b)).toEqual(numbers(300));
    const overtaken = out.filter((number, at) => out.slice(0, at).some((earlier) => earlier > number));
    expect(overtaken.length).toBe(it.backend.stats()[direction].reordered);
    const places = overtaken.map((number) => out.indexOf(number) - number);
    expect(Math.min(...places)).toBe(1);
    expect(Math.max(...places)).toBe(4);
  });

  test("a frame that nobody overtakes goes when its time is over", () => {
    const it = bench(direction, { reorder: 1, reorderMs: 30 });
    it.push(direction, 1);
    expect(it.backend.stats()[direction].waiting).toBe(1);
    it.clock.advance(29);
    expect(it.out(direction)).toEqual([]);
    it.clock.advance(1);
    expect(it.out(direction)).toEqual([0]);
    expect(it.clock.pending).toBe(0);
  });

  test("delay brings frames later, by exactly that time and in order", () => {
    const it = bench(direction, { delayMs: 20 });
    it.push(direction, 2);
    it.clock.advance(5);
    it.push(direction, 2);
    it.clock.advance(14.9);
    expect(it.out(direction)).toEqual([]);
    it.clock.advance(0.1);
    expect(it.out(direction)).toEqual([0, 1]);
    it.clock.advance(5);
    expect(it.out(direction)).toEqual([2, 3]);
    expect(it.backend.stats()[direction]).toMatchObject({ delayed: 4, passed: 4, waiting: 0 });
  });

  test("jitter adds up to its time, and keeps order all the same", () => {
    const it = bench(direction, { delayMs: 10, jitterMs: 40 });
    const arrivals: number[] = [];
    const start = it.clock.now();
    it.push(direction, 100);
    for (let ms = 0; ms <= 60; ms++) {
      it.clock.advance(1);
      for (const number of it.out(direction)) arrivals.push(number, it.clock.now() - start);
    }
    expect(arrivals.filter((_, i) => i % 2 === 0)).toEqual(numbers(100));
    const times = arrivals.filter((_, i) => i % 2 === 1);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...times)).toBeLessThanOrEqual(50);
    expect(Math.max(...times)).toBeGreaterThan(40);
  });

  test("a frame that is not delayed waits for those before it that are", () => {
    const it = bench(direction, { delay: 0.5, delayMs: 10 });
    it.push(direction, 20);
    const before = it.out(direction);
    it.clock.advance(10);
    expect([...before, ...it.out(direction)]).toEqual(numbers(20));
    const { delayed } = it.backend.stats()[direction];
    expect(delayed).toBeGreaterThan(3);
    expect(delayed).toBeLessThan(17);
  });

  test("a limit of frames lets a burst through and then one at a time", () => {
    const it = bench(direction, { frames: { perSecond: 100, burst: 3 } });
    it.push(direction, 6);
    expect(it.out(direction)).toEqual([0, 1, 2]);
    it.clock.advance(9);
    expect(it.out(direction)).toEqual([]);
    it.clock.advance(1);
    expect(it.out(direction)).toEqual([3]);
    it.clock.advance(20);
    expect(it.out(direction)).toEqual([4, 5]);
    expect(it.backend.stats()[direction].limited).toBe(3);
    expect(it.clock.pending).toBe(0);
  });

  test("a limit of bytes counts what frames are long", () => {
    const it = bench(direction, { bytes: { perSecond: 100_000, burst: 1000 } });
    it.push(direction, 5, 500);
    expect(it.out(direction)).toEqual([0, 1]);
    it.clock.advance(5);
    expect(it.out(direction)).toEqual([2]);
    it.clock.advance(10);
    expect(it.out(direction)).toEqual([3, 4]);
  });

  test("both limits hold, and a frame that goes twice costs twice", () => {
    const it = bench(direction, {
      duplicate: 1,
      bytes: { perSecond: 60_000, burst: 6000 },
      frames: { perSecond: 1000, burst: 4 },
    });
    it.push(direction, 4);
    expect(it.out(direction)).toEqual([0, 0, 1, 1]);
    it.clock.advance(2);
    expect(it.out(direction)).toEqual([2, 2]);
    it.clock.advance(2);
    expect(it.out(direction)).toEqual([3, 3]);
  });

  test("a limit that is raised or lifted meanwhile holds for those that wait", () => {
    const it = bench(direction, { frames: { perSecond: 1, burst: 1 } });
    it.push(direction, 5);
    expect(it.out(direction)).toEqual([0]);
    it.backend.set({ [direction]: { frames: { perSecond: 1000, burst: 1 } } });
    it.clock.advance(1);
    expect(it.out(direction)).toEqual([1]);
    it.backend.set({ [direction]: { frames: null } });
    it.clock.advance(0);
    expect(it.out(direction)).toEqual([2, 3, 4]);
  });

  test("over a long time the rate is met, whatever comes in", () => {
    const it = bench(direction, { bytes: { perSecond: 200_000, burst: 2000 } });
    let out = 0;
    for (let step = 0; step < 500; step++) {
      if (it.backend.stats()[direction].waiting < 100) it.push(direction, 3, 100);
      it.clock.advance(1);
      for (const frame of it.bytesOut(direction)) out += frame.length;
      if (direction === "rx") it.card.post(3, [200]);
    }
    expect(out).toBeGreaterThan(100_000 - 200);
    expect(out).toBeLessThanOrEqual(100_000 + 2000);
  });

  test("no more than queueFrames wait, and those beyond are lost", () => {
    const it = bench(direction, { delayMs: 10, queueFrames: 3 });
    it.push(direction, 5);
    expect(it.backend.stats()[direction]).toMatchObject({ waiting: 3, dropped: { overflow: 2 } });
    it.clock.advance(10);
    expect(it.out(direction)).toEqual([0, 1, 2]);
  });

  test("faults that are turned off let those that wait go first", () => {
    const it = bench(direction, { delayMs: 10 });
    it.push(direction, 2);
    it.backend.set({ [direction]: { delayMs: 0 } });
    it.push(direction, 2);
    expect(it.out(direction)).toEqual([]);
    it.clock.advance(10);
    it.push(direction, 1);
    expect(it.out(direction)).toEqual([0, 1, 2, 3, 4]);
  });

  test("a reset of the card loses what waits, and nothing else", () => {
    const it = bench(direction, { delayMs: 10 });
    it.push(direction, 3);
    it.card.reset();
    it.card.post(64, [1600]);
    it.push(direction, 2);
    it.clock.advance(10);
    expect(it.out(direction)).toEqual([3, 4]);
    expect(it.backend.stats()[direction]).toMatchObject({ passed: 2, waiting: 0, dropped: { reset: 3 } });
    expect([it.card.lent, it.card.roomsOut]).toEqual([0, 0]);
    it.card.verify();
  });

  test("close loses what waits and gives everything back", async () => {
    const it = bench(direction, { delayMs: 10, reorder: 0.5 });
    it.push(direction, 9);
    await it.backend.close();
    expect([it.card.lent, it.card.roomsOut, it.clock.pending]).toEqual([0, 0, 0]);
    const stats = it.backend.stats()[direction];
    expect([stats.dropped.closed, stats.waiting, balance(stats)]).toEqual([9, 0, 0]);
    expect(it.recorder.closed).toBe(1);
  });

  test("two guests that never stop answering leave the event loop its turn", () => {
    const it = bench(direction, { jitterMs: 0, duplicate: 1e-9 });
    let rounds = 0;
    const answer = (): void => {
      rounds++;
      it.card.received.length = 0;
      it.card.post(1, [64]);
      it.push(direction);
    };
    if (direction === "tx") it.recorder.onSend = () => rounds < 10_000 && answer();
    else it.card.onInterrupt = () => rounds < 10_000 && answer();
    it.push(direction);
    expect(rounds).toBeGreaterThan(1000);
    expect(rounds).toBeLessThan(5000);
    it.clock.advance(0);
    expect(rounds).toBe(10_000);
  });
});

test("directions have faults of their own", () => {
  const it = new Bench({ seed: 3, tx: { drop: 0.5 }, rx: { drop: 0.5 } }, 512);
  it.push("tx", 100);
  it.push("rx", 100);
  expect(it.sent()).not.toEqual(it.received().map((number) => number - 100));
});

test("a frame that was lost on the wire was sent, for all that the guest knows", () => {
  const it = new Bench({ tx: { drop: 1 } });
  expect(it.send()).toEqual([TxResult.Complete]);
});
