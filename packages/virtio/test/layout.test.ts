import { describe, expect, it } from "vitest";
import { legacyLayout } from "../src/index.ts";
import { availRingBytes, descTableBytes, isSplitAligned, usedRingBytes } from "../src/queue/layout.ts";

const SIZES = Array.from({ length: 16 }, (_, power) => 2 ** power);

/** The formula of 2.7.2, with `qalign` as the mask that it has to be there. */
function align(x: number): number {
  const qalign = 4095;
  return (x + qalign) & ~qalign;
}

describe("2.7 the parts of a split virtqueue", () => {
  it.each(SIZES)("have the sizes of the table for %i entries", (size) => {
    expect(descTableBytes(size)).toBe(16 * size);
    expect(availRingBytes(size)).toBe(6 + 2 * size);
    expect(usedRingBytes(size)).toBe(6 + 8 * size);
  });
});

describe("2.7.2 legacy interfaces: virtqueue layout", () => {
  it.each(SIZES)("has descriptors, available ring and padding, used ring, for %i entries", (size) => {
    const start = 0x1234_5000;
    const { descTable, availRing, usedRing } = legacyLayout(start, size);
    expect(descTable).toBe(start);
    expect(availRing).toBe(start + 16 * size);
    expect(usedRing - start).toBe(align(16 * size + 2 * (3 + size)));
    expect(isSplitAligned({ descTable, availRing, usedRing })).toBe(true);
  });

  it("is as large as virtq_size says", () => {
    for (const size of SIZES) {
      const virtqSize = align(16 * size + 2 * (3 + size)) + align(2 * 3 + 8 * size);
      expect(align(legacyLayout(0, size).usedRing + usedRingBytes(size))).toBe(virtqSize);
    }
  });

  it("reaches the last page that the register can name", () => {
    const start = 0xffff_ffff * 4096;
    expect(legacyLayout(start, 256)).toEqual({
      descTable: start,
      availRing: start + 4096,
      usedRing: start + 2 * 4096,
    });
  });
});

describe("2.7.1 alignment", () => {
  const sound = { descTable: 0x1000, availRing: 0x2000, usedRing: 0x3000 };

  it("is 16 for descriptors, 2 for the available ring, 4 for the used ring", () => {
    expect(isSplitAligned({ descTable: 0x1010, availRing: 0x2002, usedRing: 0x3004 })).toBe(true);
    expect(isSplitAligned({ ...sound, descTable: 0x1008 })).toBe(false);
    expect(isSplitAligned({ ...sound, availRing: 0x2001 })).toBe(false);
    expect(isSplitAligned({ ...sound, usedRing: 0x3002 })).toBe(false);
  });
});
