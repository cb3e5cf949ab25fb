import { Frame } from "@vmmkit/ethif";
import { addressOf, IoVector } from "@vmmkit/posix";
import { describe, expect, test } from "vitest";
import { pushFrame } from "../src/frame-vector.ts";

function frameOf(lengths: readonly number[], bytes = new Uint8Array(new ArrayBuffer(1000))): Frame {
  const frame = new Frame();
  let at = 10;
  for (const length of lengths) {
    frame.push(bytes, at, length);
    at += length + 5;
  }
  return frame;
}

describe("a frame in a vector", () => {
  test("starts and ends where it is to", () => {
    const frame = frameOf([3, 4, 5]);
    const vector = new IoVector();
    const start = addressOf(frame.bytes[0] ?? new Uint8Array(1));
    expect(pushFrame(vector, frame, 4, 6)).toBe(6);
    expect([vector.count, vector.totalBytes, vector.firstAddress]).toEqual([2, 6, start + 10 + 3 + 5 + 1]);
    vector.clear();
    expect(pushFrame(vector, frame, 3, 4)).toBe(4);
    expect([vector.count, vector.firstAddress]).toEqual([1, start + 18]);
  });

  test("is added as far as it goes", () => {
    const vector = new IoVector();
    expect(pushFrame(vector, frameOf([3, 4]), 5, 100)).toBe(2);
    expect(pushFrame(vector, frameOf([3, 4]), 7, 100)).toBe(0);
    expect(pushFrame(new IoVector(1), frameOf([3, 4]), 0, 7)).toBe(3);
  });

  test("goes by its address in this process where it has one", () => {
    const frame = frameOf([3, 4]);
    frame.hostAddress[0] = 0x7000_0000_1000;
    const vector = new IoVector();
    expect(pushFrame(vector, frame, 1, 2)).toBe(2);
    expect(vector.firstAddress).toBe(0x7000_0000_1001);
  });

  test("whose memory is gone is not added", () => {
    const memory = new Uint8Array(new ArrayBuffer(1000));
    const frame = frameOf([3, 4], memory);
    structuredClone(memory.buffer, { transfer: [memory.buffer] });
    expect(pushFrame(new IoVector(), frame, 0, 7)).toBe(0);
    frame.hostAddress[0] = 0x1000;
    expect(pushFrame(new IoVector(), frame, 0, 7)).toBe(0);
  });
});
