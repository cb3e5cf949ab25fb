import { describe, expect, it } from "vitest";
import {
  allocateRing,
  CORRUPTIONS,
  corruptRing,
  GuestMachine,
  hostileTarget,
  RingError,
  SplitRing,
  scribbleRing,
  seededRandom,
} from "../src/index.ts";

function setUp(writable = false, size = 64, indirectEntries = 8) {
  const { ram } = new GuestMachine({ memoryBytes: 1 << 20 });
  const ring = new SplitRing(ram, allocateRing(ram, size, true), { indirectEntries });
  return { ram, ring, target: hostileTarget(ram, ring, writable) };
}

/** The whole ring and its tables as bytes. */
function snapshot(ring: SplitRing): string {
  const { descTable, usedRing } = ring.layout;
  const { ram } = ring.raw;
  return `${ram.read(descTable, usedRing + 1024 - descTable)} ${ram.read(ring.table.indirectTables, 64 * 8 * 16)}`;
}

describe("corruptRing", () => {
  it("has a name of its own for each", () => {
    const names = CORRUPTIONS.map((corruption) => corruption.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(35);
  });

  describe.each([true, false])("device-writable %s", (writable) => {
    it.each(CORRUPTIONS.map((corruption) => [corruption.name, corruption] as const))("%s", (_name, corruption) => {
      const broken = setUp(writable);
      const head = corruptRing(broken.target, corruption);
      expect(broken.ring.raw.availIdx).not.toBe(0);
      if (corruption.scope !== "ring") {
        expect(broken.ring.raw.availIdx).toBe(1);
        expect(broken.ring.raw.readAvail(0)).toBe(head);
      }
      // The ring differs from one with the same chain in good order, unless the buffers' lengths are what is odd.
      const good = setUp(writable);
      corruptRing(good.target, { ...corruption, publishes: false, apply: () => {} });
      const odd = ["all-zero-length", "shorter-than-header", "zero-length-middle", "single-bytes"];
      expect(snapshot(broken.ring) === snapshot(good.ring)).toBe(odd.includes(corruption.name));
      // The driver's own books are in order: it takes the chain back.
      if (corruption.scope === "ring") return;
      broken.ring.raw.writeUsed(0, { id: head, length: 0 });
      broken.ring.raw.writeUsedIdx(1);
      expect(broken.ring.popUsed()).toBe(head);
      expect(broken.ring.freeCount).toBe(64);
    });
  });

  it("makes the loops that it says it makes", () => {
    const { ring, target } = setUp();
    const head = corruptRing(target, "cycle");
    const seen: number[] = [];
    for (let at = head, i = 0; i < 7; i++) {
      seen.push(at);
      at = ring.raw.readDescriptor(at).next;
    }
    expect(seen).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it("keeps the entries of a table apart from those of the ring", () => {
    const { ring, target } = setUp();
    const head = corruptRing(target, "indirect-cycle");
    const table = ring.table.indirectTables + head * 8 * 16;
    expect(ring.raw.readDescriptor(head)).toMatchObject({ addressLow: table, length: 48, flags: 4 });
    expect(ring.raw.readDescriptor(2, table)).toMatchObject({ flags: 1, next: 0 });
  });

  it("refuses unknown names, full rings, and tables that the ring does not have", () => {
    expect(() => corruptRing(setUp().target, "nonsense")).toThrow('got "nonsense"');
    expect(() => corruptRing(setUp(false, 2).target, "cycle")).toThrow(RingError);
    expect(() => corruptRing(setUp(false, 8, 0).target, "indirect-self")).toThrow(RingError);
  });
});

describe("scribbleRing", () => {
  it("does the same for the same seed, and something else for another", () => {
    const [a, b, c] = [7, 7, 8].map((seed) => {
      const { ring, target } = setUp();
      scribbleRing(target, seededRandom(seed), 200);
      return snapshot(ring);
    });
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });

  it("never leaves the ring", () => {
    const { ram, ring, target } = setUp();
    const before = ram.read(0, ring.layout.descTable);
    const { usedRing } = ring.layout;
    scribbleRing(target, seededRandom(3), 5000);
    expect(ram.read(0, ring.layout.descTable)).toEqual(before);
    expect(ram.read(usedRing + 6 + 8 * 64, 1024)).toEqual(new Uint8Array(1024));
  });
});

describe("seededRandom", () => {
  it("stays from 0 up to 1, for seed 0 too", () => {
    for (const seed of [0, 1, 0xffff_ffff]) {
      const random = seededRandom(seed);
      const values = Array.from({ length: 1000 }, random);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...values)).toBeLessThan(1);
      expect(new Set(values).size).toBeGreaterThan(990);
    }
  });
});
