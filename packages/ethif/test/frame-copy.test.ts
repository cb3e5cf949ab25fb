import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyBytes, copyFrame, Frame, readFrame, writeFrame } from "../src/index.ts";
import { anyCut, cutFrame, flatten, overwrite } from "./support/cut-frame.ts";

const counting = (index: number): number => (index * 7 + 3) & 0xff;
const other = (index: number): number => (index * 5 + 131) & 0xff;

describe("readFrame", () => {
  it("reads any part of a frame, however it is cut", () => {
    fc.assert(
      fc.property(anyCut, fc.nat(700), fc.nat(700), (cut, from, length) => {
        const { frame } = cutFrame(cut, counting);
        const target = new Uint8Array(length + 4).fill(0xee);
        const count = readFrame(frame, target.subarray(0, length), from);
        const expected = flatten(frame).slice(from, from + length);
        expect(count).toBe(expected.length);
        expect([...target]).toEqual([...expected, ...new Array(target.length - count).fill(0xee)]);
      }),
    );
  });

  it("reads from the start unless told otherwise", () => {
    const frame = new Frame();
    frame.push(Uint8Array.of(1, 2, 3), 1, 2);
    frame.push(Uint8Array.of(4), 0, 1);
    const target = new Uint8Array(3);
    expect(readFrame(frame, target)).toBe(3);
    expect([...target]).toEqual([2, 3, 4]);
  });

  it("reads nothing of an empty frame", () => {
    const frame = new Frame();
    frame.push(new Uint8Array(9), 0, 9);
    frame.clear();
    expect(readFrame(frame, new Uint8Array(9))).toBe(0);
  });
});

describe("writeFrame", () => {
  it("fills the room from its start, and touches nothing beside it", () => {
    fc.assert(
      fc.property(anyCut, fc.uint8Array({ maxLength: 700 }), (cut, source) => {
        const written = cutFrame(cut, counting);
        const expected = cutFrame(cut, counting);
        overwrite(expected.frame, [...source]);
        expect(writeFrame(written.frame, source)).toBe(Math.min(source.length, written.frame.totalBytes));
        expect(written.regions).toEqual(expected.regions);
      }),
    );
  });
});

describe("copyFrame", () => {
  it("copies between any two cuts, and touches nothing beside the room", () => {
    fc.assert(
      fc.property(anyCut, anyCut, (fromCut, toCut) => {
        const source = cutFrame(fromCut, counting);
        const before = cutFrame(fromCut, counting);
        const target = cutFrame(toCut, other);
        const expected = cutFrame(toCut, other);
        overwrite(expected.frame, flatten(source.frame));
        const count = Math.min(source.frame.totalBytes, target.frame.totalBytes);
        expect(copyFrame(source.frame, target.frame)).toBe(count);
        expect(target.regions).toEqual(expected.regions);
        expect(source.regions).toEqual(before.regions);
      }),
    );
  });

  it("takes the offload fields along, and leaves the ranges of the room as they are", () => {
    const source = Object.assign(new Frame(), { flags: 1, gsoType: 1, hdrLen: 54, gsoSize: 1460, csumStart: 34 });
    source.push(Uint8Array.of(1, 2), 0, 2);
    const target = new Frame();
    target.push(new Uint8Array(8), 4, 4);
    expect(copyFrame(source, target)).toBe(2);
    expect(target).toMatchObject({ rangeCount: 1, totalBytes: 4, flags: 1, gsoType: 1, hdrLen: 54, gsoSize: 1460 });
  });
});

describe("copyFrame between regions of guest memory", () => {
  const REGION = 0x1_0000;
  const regions = [0, 3].map((start) => new Uint8Array(REGION + start).subarray(start));

  it("copies ranges of any length and alignment, and touches nothing beside them", () => {
    const range = fc.record({ at: fc.nat(40), length: fc.integer({ min: 1, max: 300 }), region: fc.nat(1) });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 6 }), fc.array(range, { maxLength: 6 }), (from, to) => {
        for (const bytes of regions) for (let i = 0; i < 8192; i++) bytes[i] = counting(i + (i >>> 7));
        const source = new Frame();
        const target = new Frame();
        for (const [i, { at, length, region }] of from.entries()) {
          source.push(regions[region] as Uint8Array, 512 * i + at, length);
        }
        for (const [i, { at, length, region }] of to.entries()) {
          target.push(regions[region] as Uint8Array, 4096 + 512 * i + at, length);
        }
        const expected = regions.map((bytes) => bytes.slice(0, 8192));
        const bytes = flatten(source);
        let next = 0;
        for (const [i, { at, length, region }] of to.entries()) {
          for (let k = 0; k < length && next < bytes.length; k++) {
            (expected[region] as Uint8Array)[4096 + 512 * i + at + k] = bytes[next++] as number;
          }
        }
        expect(copyFrame(source, target)).toBe(next);
        for (const [i, region] of regions.entries()) expect(region.subarray(0, 8192)).toEqual(expected[i]);
        const read = new Uint8Array(bytes.length);
        expect(readFrame(source, read)).toBe(bytes.length);
        expect([...read]).toEqual(flatten(source));
      }),
    );
  });
});

describe("copyBytes", () => {
  const lengths = [0, 1, 7, 23, 24, 25, 64, 1514];

  it.each(lengths)("copies %i bytes between views that start anywhere in their buffers", (count) => {
    const source = Uint8Array.from({ length: count + 32 }, (_, i) => counting(i)).subarray(3);
    const target = new Uint8Array(count + 32).fill(0xee).subarray(5);
    copyBytes(source, 4, target, 9, count);
    expect(target.subarray(9, 9 + count)).toEqual(source.subarray(4, 4 + count));
    expect([target[8], target[9 + count]]).toEqual([0xee, 0xee]);
    expect(source[0]).toBe(counting(3));
  });

  it("copies between two views of one buffer", () => {
    const buffer = new ArrayBuffer(4096);
    const source = new Uint8Array(buffer, 0, 2048).fill(7);
    const target = new Uint8Array(buffer, 2048);
    copyBytes(source, 100, target, 200, 1514);
    expect(target.subarray(200, 1714).every((byte) => byte === 7)).toBe(true);
    expect([target[199], target[1714]]).toEqual([0, 0]);
  });

  it("copies out of and into shared memory", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(100)).fill(9);
    const own = new Uint8Array(100);
    copyBytes(shared, 0, own, 0, 64);
    expect(own[63]).toBe(9);
    own.fill(5);
    copyBytes(own, 0, shared, 10, 64);
    expect([shared[9], shared[10], shared[73], shared[74]]).toEqual([9, 5, 5, 9]);
  });

  it("within one view, gives the target what the source had before, however they overlap", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.nat(100), (from, to, count) => {
        const bytes = Uint8Array.from({ length: 200 }, (_, i) => counting(i));
        const expected = bytes.slice();
        for (let i = 0; i < count; i++) expected[to + i] = counting(from + i);
        copyBytes(bytes, from, bytes, to, count);
        expect(bytes).toEqual(expected);
      }),
    );
  });

  it("between views that overlap, changes the target's bytes only", () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(60), fc.nat(60), (from, to, count) => {
        const whole = Uint8Array.from({ length: 128 }, (_, i) => counting(i));
        copyBytes(whole.subarray(0), from, whole.subarray(0), to, count);
        for (let i = 0; i < 128; i++) if (i < to || i >= to + count) expect(whole[i]).toBe(counting(i));
      }),
    );
  });
});
