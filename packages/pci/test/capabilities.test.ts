import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capEmulation, noMsiCapEmulation, PciDefinitionError, type PciEntry } from "../src/index.ts";
import { dump, expectRefusesImpossible } from "./support/impossible.ts";
import { RawEntry } from "./support/raw-entry.ts";

/** A function with capabilities at the given offsets, each linked to the next one named. */
function withCaps(caps: readonly { at: number; id: number; next: number; flags?: number }[], first?: number): RawEntry {
  const entry = new RawEntry({ 6: 0x10, 52: first ?? caps[0]?.at ?? 0 });
  for (const { at, id, next, flags = 0 } of caps) {
    entry.bytes.fill(0xee, at, at + 16);
    entry.bytes[at] = id;
    entry.bytes[at + 1] = next;
    entry.bytes[at + 2] = flags & 0xff;
    entry.bytes[at + 3] = flags >> 8;
  }
  return entry;
}

/** The capabilities as a guest finds them: [offset, id], at most 100 of them. */
function listOf(entry: PciEntry): number[][] {
  if ((entry.ioRead(0x06, 2) & 0x10) === 0) return [];
  const found: number[][] = [];
  for (let at = entry.ioRead(0x34, 1) & 0xfc; at !== 0 && found.length < 100; at = entry.ioRead(at + 1, 1) & 0xfc) {
    found.push([at, entry.ioRead(at, 1)]);
  }
  return found;
}

describe("capEmulation", () => {
  const below = () =>
    withCaps([
      { at: 0x40, id: 1, next: 0x50 },
      { at: 0x50, id: 5, next: 0x60 },
      { at: 0x60, id: 9, next: 0 },
    ]);

  it("links the given capabilities in the given order", () => {
    expect(listOf(capEmulation(below(), [0x60, 0x40]))).toEqual([
      [0x60, 9],
      [0x40, 1],
    ]);
  });

  it("shows its pointers at any width, and the bytes beside them as they are", () => {
    const entry = capEmulation(below(), [0x60, 0x40]);
    expect(entry.ioRead(0x60, 2)).toBe(0x4009);
    expect(entry.ioRead(0x60, 4)).toBe(0x0000_4009);
    expect(entry.ioRead(0x34, 4)).toBe(0x60);
    expect(entry.ioRead(0x40, 2)).toBe(0x0001);
  });

  it("takes the list away where there is none to show, and puts one up where there was none", () => {
    const none = capEmulation(below(), []);
    expect([none.ioRead(0x06, 1), none.ioRead(0x34, 1), none.ioRead(0x04, 4)]).toEqual([0, 0, 0]);
    const one = capEmulation(new RawEntry({ 112: 9 }), [0x70]);
    expect(listOf(one)).toEqual([[0x70, 9]]);
  });

  it("hides ignored ranges from reads and writes, to the byte", () => {
    const inner = below();
    const entry = capEmulation(inner, [0x40, 0x60], [{ start: 0x51, end: 0x56 }]);
    expect([entry.ioRead(0x50, 4), entry.ioRead(0x54, 4)]).toEqual([5, 0xee00_0000]);
    entry.ioWrite(0x50, 4, 0x4433_2211);
    entry.ioWrite(0x54, 4, 0x8877_6655);
    entry.ioWrite(0x52, 2, 0xffff);
    expect(inner.log).toEqual(["50 1 11", "57 1 88"]);
  });

  it("never reads what it hides: a read of a real function can have an effect", () => {
    const asked: number[] = [];
    const inner: PciEntry = { ioRead: (offset) => asked.push(offset), ioWrite: () => {} };
    const entry = capEmulation(inner, [], [{ start: 0x50, end: 0x5f }]);
    for (const size of [1, 2, 4]) expect(entry.ioRead(0x54, size)).toBe(0);
    expect(asked).toEqual([]);
  });

  it("refuses accesses that cannot be", () => {
    expectRefusesImpossible(capEmulation(below(), [0x40], [{ start: 0x50, end: 0xff }]));
  });

  it("wants offsets and ranges in capability space", () => {
    const make =
      (caps: number[], start = 0x40, end = 0x41) =>
      () =>
        capEmulation(below(), caps, [{ start, end }]);
    expect(make([0x3c])).toThrow('"caps" expected different multiples of 4 from 0x40 to 0xfc, got 60');
    expect(make([0x42])).toThrow(PciDefinitionError);
    expect(make([0x100])).toThrow(PciDefinitionError);
    expect(make([0x40, 0x40])).toThrow(PciDefinitionError);
    expect(make([], 0x3f, 0x50)).toThrow('"ignoredRanges" expected bytes within 0x40 to 0xff, got 63 to 80');
    expect(make([], 0x50, 0x100)).toThrow(PciDefinitionError);
    expect(make([], 0x50, 0x4f)).toThrow(PciDefinitionError);
  });
});

describe("noMsiCapEmulation", () => {
  it("takes MSI and MSI-X out of the list, wherever they are", () => {
    const inner = withCaps([
      { at: 0x50, id: 0x05, next: 0x70 },
      { at: 0x70, id: 0x09, next: 0x80 },
      { at: 0x80, id: 0x11, next: 0xa0 },
      { at: 0xa0, id: 0x01, next: 0 },
    ]);
    const entry = noMsiCapEmulation(inner);
    expect(listOf(entry)).toEqual([
      [0x70, 9],
      [0xa0, 1],
    ]);
    entry.ioWrite(0x50, 4, 0xffff_ffff);
    entry.ioWrite(0x80, 4, 0xffff_ffff);
    expect(inner.log).toEqual([]);
  });

  it.each([
    ["a 32-bit MSI", 0x05, 0x0000, 10],
    ["a 64-bit MSI", 0x05, 0x0080, 14],
    ["a 32-bit MSI with masks", 0x05, 0x0100, 20],
    ["a 64-bit MSI with masks", 0x05, 0x0180, 24],
    ["an MSI-X", 0x11, 0x0000, 12],
  ])("hides the bytes of %s and no other", (_, id, flags, bytes) => {
    const inner = withCaps([{ at: 0x40, id, next: 0, flags }]);
    inner.bytes.fill(0xee, 0x50, 0x60);
    const seen = dump(noMsiCapEmulation(inner)).slice(0x40, 0x60);
    expect(seen).toEqual([...new Array<number>(bytes).fill(0), ...new Array<number>(32 - bytes).fill(0xee)]);
  });

  it("cuts a capability that runs out of its space", () => {
    const entry = noMsiCapEmulation(withCaps([{ at: 0xf8, id: 0x05, next: 0, flags: 0x0180 }]));
    expect(entry.ioRead(0xfc, 4)).toBe(0);
  });

  it("takes the list away where nothing is left", () => {
    const entry = noMsiCapEmulation(withCaps([{ at: 0x40, id: 0x11, next: 0 }]));
    expect(listOf(entry)).toEqual([]);
    expect(entry.ioRead(0x34, 1)).toBe(0);
  });

  it("gives the entry itself where there is nothing to hide", () => {
    const sound = withCaps([{ at: 0x40, id: 1, next: 0 }]);
    const none = new RawEntry();
    expect(noMsiCapEmulation(sound)).toBe(sound);
    expect(noMsiCapEmulation(none)).toBe(none);
  });

  it("ends a list that runs in circles", () => {
    const entry = noMsiCapEmulation(
      withCaps([
        { at: 0x40, id: 1, next: 0x50 },
        { at: 0x50, id: 5, next: 0x60 },
        { at: 0x60, id: 9, next: 0x40 },
      ]),
    );
    expect(listOf(entry)).toEqual([
      [0x40, 1],
      [0x60, 9],
    ]);
    expect(listOf(noMsiCapEmulation(withCaps([{ at: 0x40, id: 1, next: 0x40 }])))).toEqual([[0x40, 1]]);
  });

  it("ends a list that leaves capability space", () => {
    expect(listOf(noMsiCapEmulation(withCaps([{ at: 0x40, id: 1, next: 0x10 }])))).toEqual([[0x40, 1]]);
    expect(listOf(noMsiCapEmulation(withCaps([], 0x3c)))).toEqual([]);
  });

  it("ends for any contents of configuration space, and shows neither MSI nor MSI-X", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), (bytes) => {
        const inner = new RawEntry();
        inner.bytes.set(bytes);
        inner.bytes[0x06] = 0x10;
        inner.bytes[0x0e] = 0;
        const list = listOf(noMsiCapEmulation(inner));
        expect(list.length).toBeLessThanOrEqual(48);
        expect(list.filter(([, id]) => id === 0x05 || id === 0x11)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("wants a type 0 header", () => {
    const bridge = new RawEntry({ 14: 0x81 });
    expect(() => noMsiCapEmulation(bridge)).toThrow('"entry" expected a type 0 header, got type 1');
    expect(() => noMsiCapEmulation(new RawEntry({ 14: 0x80 }))).not.toThrow();
  });
});
