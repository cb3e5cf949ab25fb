import { describe, expect, test } from "vitest";
import { type FaultChange, type FaultOptions, faultBackend } from "../src/index.ts";
import { Bench, Recorder } from "./support/bench.ts";

const IMPOSSIBLE: readonly (readonly [unknown, string])[] = [
  [{ tx: { drop: 1.1 } }, '"tx.drop" expected a number from 0 to 1, got 1.1'],
  [{ rx: { duplicate: -0.1 } }, '"rx.duplicate"'],
  [{ tx: { corrupt: Number.NaN } }, '"tx.corrupt" expected a number from 0 to 1, got NaN'],
  [{ tx: { corruptBits: 1.5 } }, '"tx.corruptBits" expected an integer from 1 to 65536, got 1.5'],
  [{ tx: { reorderFrames: 0 } }, '"tx.reorderFrames"'],
  [{ tx: { reorderMs: -1 } }, '"tx.reorderMs"'],
  [{ rx: { delayMs: Number.POSITIVE_INFINITY } }, '"rx.delayMs"'],
  [{ rx: { jitterMs: "5" } }, '"rx.jitterMs"'],
  [{ rx: { queueFrames: 0 } }, '"rx.queueFrames"'],
  [{ rx: { bytes: { perSecond: 0 } } }, '"rx.bytes.perSecond" expected a number from 0.001 to 1000000000000, got 0'],
  [{ rx: { frames: { perSecond: 1, burst: 0 } } }, '"rx.frames.burst"'],
  [{ rx: { frames: { perSecond: 1, oneTimeBurst: -1 } } }, '"rx.frames.oneTimeBurst"'],
  [{ rx: { frames: { rate: 1 } } }, '"rx.frames" expected one of perSecond, burst, oneTimeBurst, got rate'],
  [{ rx: { frames: 5 } }, '"rx.frames" expected an object, got 5'],
  [{ tx: { dorp: 1 } }, '"tx" expected one of drop, duplicate,'],
  [{ tx: null }, '"tx" expected an object, got null'],
  [{ disconnect: 2 }, '"disconnect"'],
  [{ reconnectMs: -1 }, '"reconnectMs"'],
];

describe("settings", () => {
  test.each(IMPOSSIBLE)("%j is refused", (change, message) => {
    expect(() => faultBackend(new Recorder(), change as FaultOptions)).toThrow(message);
    const bench = new Bench();
    const before = bench.backend.settings();
    expect(() => bench.backend.set(change as FaultChange)).toThrow(message);
    expect(bench.backend.settings()).toEqual(before);
  });

  test.each([
    [{ seed: -1 }, '"seed" expected an integer from 0 to 4294967295, got -1'],
    [{ seed: 0.5 }, '"seed"'],
    [{ copyBytes: -1 }, '"copyBytes"'],
    [
      { sede: 1 },
      '"options" expected one of tx, rx, disconnect, reconnectMs, seed, linkUp, copyBytes, clock, got sede',
    ],
  ])("option %j is refused", (options, message) => {
    expect(() => faultBackend(new Recorder(), options as FaultOptions)).toThrow(message);
  });

  test("a change does not take what only options have", () => {
    const { backend } = new Bench();
    expect(() => backend.set({ seed: 5 } as FaultChange)).toThrow('"change" expected one of tx, rx,');
  });

  test("what a change does not name stays, and nothing changes where one part is impossible", () => {
    const { backend } = new Bench({ tx: { drop: 0.5, delayMs: 5 }, reconnectMs: 7 });
    backend.set({ tx: { drop: 0.25 }, rx: { bytes: { perSecond: 10 } } });
    expect(backend.settings().tx).toMatchObject({ drop: 0.25, delayMs: 5, duplicate: 0 });
    expect(backend.settings()).toMatchObject({ disconnect: 0, reconnectMs: 7, rx: { bytes: { perSecond: 10 } } });
    const before = backend.settings();
    expect(() => backend.set({ tx: { drop: 0 }, rx: { drop: 5 } })).toThrow(RangeError);
    expect(backend.settings()).toEqual(before);
  });

  test("a seed is made up where none is given, and told", () => {
    const seeds = [faultBackend(new Recorder()).seed, faultBackend(new Recorder()).seed];
    for (const seed of seeds) expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
    expect(seeds[0]).not.toBe(seeds[1]);
    expect(faultBackend(new Recorder(), { seed: 9 }).seed).toBe(9);
  });
});
