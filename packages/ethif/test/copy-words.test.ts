import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyWords } from "../src/copy-words.ts";
import { WideBytes } from "../src/wide-bytes.ts";

const pattern = (index: number): number => (index * 7 + (index >>> 8) + 3) & 0xff;

/** Memory of which a region starts at any byte; what lies around it must not change. */
function region(start: number, size: number, fill: (index: number) => number): { all: Uint8Array; wide: WideBytes } {
  const all = Uint8Array.from({ length: start + size + 16 }, (_, i) => fill(i));
  return { all, wide: new WideBytes(all.subarray(start, start + size)) };
}

describe("copyWords", () => {
  it("copies exactly the bytes it was asked for, wherever both ranges and both regions start", () => {
    fc.assert(
      fc.property(fc.nat(17), fc.nat(17), fc.nat(20), fc.nat(20), fc.nat(220), (startA, startB, from, to, count) => {
        const source = region(startA, 260, pattern);
        const target = region(startB, 260, () => 0xee);
        const expected = target.all.slice();
        const copied = copyWords(source.wide, from, target.wide, to, count);
        if (copied) for (let i = 0; i < count; i++) expected[startB + to + i] = pattern(startA + from + i);
        expect(target.all).toEqual(expected);
        expect(source.all).toEqual(source.all.map((_, i) => pattern(i)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [0, 8, 192, true],
    [0, 8, 193, false],
    [0, 4, 96, true],
    [0, 4, 97, false],
    [2, 4, 48, true],
    [2, 4, 49, false],
    [1, 4, 8, false],
  ])("from %i to %i, %i bytes: %s", (from, to, count, done) => {
    const source = region(0, 512, pattern);
    const target = region(0, 512, () => 0);
    expect(copyWords(source.wide, from, target.wide, to, count)).toBe(done);
    expect(target.wide.bytes[to]).toBe(done ? pattern(from) : 0);
  });

  it("keeps every pattern of bits, also those that would be a NaN", () => {
    const source = region(0, 64, (i) => (i < 8 ? [1, 0, 0, 0, 0, 0, 0xf0, 0x7f][i] : 0xff) as number);
    const target = region(0, 64, () => 0);
    expect(copyWords(source.wide, 0, target.wide, 0, 64)).toBe(true);
    expect(target.wide.bytes).toEqual(source.wide.bytes);
  });
});
