import { describe, expect, it } from "vitest";
import { addressOf, IOV_MAX, IoVector, type RangeList } from "../src/index.ts";

function frame(...ranges: readonly (readonly [Uint8Array, number, number, number?])[]): RangeList {
  return {
    rangeCount: ranges.length,
    bytes: ranges.map(([bytes]) => bytes),
    offset: ranges.map(([, offset]) => offset),
    length: ranges.map(([, , length]) => length),
    hostAddress: ranges.map(([, , , address = 0]) => address),
  };
}

describe("IoVector", () => {
  it("takes 1 to 1024 ranges", () => {
    for (const capacity of [0, 1025, 1.5]) {
      expect(() => new IoVector(capacity)).toThrow(`"capacity" expected an integer from 1 to 1024, got ${capacity}`);
    }
    expect(new IoVector().capacity).toBe(IOV_MAX);
  });

  it("counts ranges and bytes, and knows when it is full", () => {
    const vector = new IoVector(2);
    const bytes = new Uint8Array(100);
    expect(vector.push(bytes, 10, 20)).toBe(true);
    expect(vector.pushAddress(0x7fff_1234_5678, 5)).toBe(true);
    expect(vector.push(bytes, 0, 1)).toBe(false);
    expect([vector.count, vector.totalBytes, vector.firstAddress]).toEqual([2, 25, addressOf(bytes) + 10]);
    vector.clear();
    expect([vector.count, vector.totalBytes]).toEqual([0, 0]);
    vector.pushAddress(0x7fff_1234_5678, 5);
    expect(vector.firstAddress).toBe(0x7fff_1234_5678);
  });

  it("takes no byte that is not in the view, nor any of a view that was detached", () => {
    const vector = new IoVector();
    const bytes = new Uint8Array(16);
    for (const [offset, length] of [
      [0, 17],
      [16, 1],
      [-1, 4],
      [0, 0],
      [Number.NaN, 4],
    ] as const) {
      expect(vector.push(bytes, offset, length)).toBe(false);
    }
    expect(vector.push(bytes, 0, 16)).toBe(true);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(vector.push(bytes, 0, 16)).toBe(false);
    expect(vector.count).toBe(1);
  });

  it("takes the ranges of a frame, by their view or by their address", () => {
    const vector = new IoVector();
    const bytes = new Uint8Array(64);
    expect(vector.pushRanges(frame([bytes, 8, 8], [bytes, 32, 16, 0x5000]))).toBe(true);
    expect([vector.count, vector.totalBytes]).toEqual([2, 24]);
  });

  it("takes no frame that lies outside of its memory, whether its address is known or not", () => {
    const bytes = new Uint8Array(64);
    expect(new IoVector().pushRanges(frame([bytes, 60, 8]))).toBe(false);
    expect(new IoVector().pushRanges(frame([bytes, 60, 8, 0x5000]))).toBe(false);
    expect(new IoVector(1).pushRanges(frame([bytes, 0, 8], [bytes, 8, 8]))).toBe(false);
    expect(new IoVector().pushRanges({ ...frame([bytes, 0, 8]), rangeCount: 2 })).toBe(false);
  });
});
