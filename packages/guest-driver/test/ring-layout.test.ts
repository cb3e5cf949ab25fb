import { describe, expect, it } from "vitest";
import { GuestMachine, legacyRingBytes, legacyRingLayout, RingError, SplitRing } from "../src/index.ts";
import { checkRingLayout } from "../src/ring-layout.ts";

describe("2.7.2 legacy virtqueue layout", () => {
  it.each([
    // size, available ring, used ring, bytes in all: worked out by hand
    [1, 16, 4096, 8192],
    [8, 128, 4096, 8192],
    [128, 2048, 4096, 8192],
    [256, 4096, 8192, 12288],
    [1024, 16384, 20480, 28672 + 4096],
    [32768, 524288, 593920, 593920 + 266240],
  ])("size %i: available ring at %i, used ring at %i, %i bytes", (size, avail, used, bytes) => {
    const layout = legacyRingLayout(0x10000, size);
    expect(layout).toEqual({ size, descTable: 0x10000, availRing: 0x10000 + avail, usedRing: 0x10000 + used });
    expect(legacyRingBytes(size)).toBe(bytes);
  });

  it("puts every field where its offset says, byte by byte", () => {
    const machine = new GuestMachine({ memoryBytes: 1 << 20 });
    const base = 0x20000;
    const ring = new SplitRing(machine.ram, legacyRingLayout(base, 4), { eventIdx: true });
    const memory = machine.ram.bytes(base, 8192);
    ring.addChain([{ gpa: 0x1_1223_3445 % 0x10000, length: 0x0a0b }], [{ gpa: 0x4567, length: 0x0c0d0e0f }]);
    ring.publish();
    const expected = new Uint8Array(8192);
    expected.set([0x45, 0x34, 0, 0, 0, 0, 0, 0, 0x0b, 0x0a, 0, 0, 1, 0, 1, 0], 0);
    expected.set([0x67, 0x45, 0, 0, 0, 0, 0, 0, 0x0f, 0x0e, 0x0d, 0x0c, 2, 0, 0, 0], 16);
    expected.set([0, 0, 1, 0, 0, 0], 64);
    expect(memory).toEqual(expected);

    ring.raw.writeAvailFlags(0x0102);
    ring.raw.writeAvail(3, 0x0304);
    ring.raw.writeUsedEvent(0x0506);
    ring.raw.writeUsedFlags(0x0708);
    ring.raw.writeUsedIdx(0x090a);
    ring.raw.writeUsed(3, { id: 0x0b0c0d0e, length: 0x0f101112 });
    ring.raw.writeAvailEvent(0x1314);
    expected.set([2, 1], 64);
    expected.set([4, 3, 6, 5], 64 + 4 + 2 * 3);
    expected.set([8, 7, 0x0a, 9], 4096);
    expected.set([0x0e, 0x0d, 0x0c, 0x0b, 0x12, 0x11, 0x10, 0x0f, 0x14, 0x13], 4096 + 4 + 8 * 3);
    expect(memory).toEqual(expected);
  });
});

describe("2.7.1 sizes and alignments", () => {
  it.each([0, 3, 1.5, -1, 65536, Number.NaN])("refuses size %d", (size) => {
    expect(() => legacyRingLayout(4096, size)).toThrow(RingError);
  });

  it.each([
    ["descTable", { descTable: 8 }],
    ["availRing", { availRing: 257 }],
    ["usedRing", { usedRing: 514 }],
  ])("refuses a misaligned %s", (name, wrong) => {
    const layout = { size: 16, descTable: 0, availRing: 256, usedRing: 512 };
    expect(checkRingLayout(layout)).toBe(layout);
    expect(() => checkRingLayout({ ...layout, ...wrong })).toThrow(`"${name}" expected a multiple`);
  });
});
