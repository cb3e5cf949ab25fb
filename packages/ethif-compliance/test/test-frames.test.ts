import { parseMac } from "@vmmkit/ethif";
import { expect, test } from "vitest";
import { expectSameFrame, frameNumber, isTestFrame, testFrame } from "../src/index.ts";

const to = parseMac("02:00:00:00:00:01");
const from = parseMac("02:00:00:00:00:02");

test("a frame carries addresses, type, number and bytes of its own", () => {
  const frame = testFrame({ to, from, size: 60, number: 7 });
  expect([...frame.subarray(0, 14)]).toEqual([...to, ...from, 0x88, 0xb5]);
  expect(frameNumber(frame)).toBe(7);
  expect(frame).not.toEqual(testFrame({ to, from, size: 60, number: 8 }));
  expect(frame.subarray(18)).not.toEqual(testFrame({ to, from, size: 60, number: 8 }).subarray(18));
});

test("a tagged frame is one of the suite's too", () => {
  const frame = testFrame({ to, from, size: 64, number: 9, tagged: true });
  expect([...frame.subarray(12, 18)]).toEqual([0x81, 0, 0, 1, 0x88, 0xb5]);
  expect(isTestFrame(frame)).toBe(true);
  expect(frameNumber(frame)).toBe(9);
});

test("a frame of 14 bytes has no number", () => {
  const frame = testFrame({ to, from, size: 14, number: 7 });
  expect(isTestFrame(frame)).toBe(true);
  expect(frameNumber(frame)).toBe(-1);
});

test("frames of others are noise", () => {
  const frame = testFrame({ to, from, size: 60, number: 7 });
  frame[12] = 0x08;
  expect(isTestFrame(frame)).toBe(false);
  expect(isTestFrame(frame.subarray(0, 13))).toBe(false);
  expect(frameNumber(frame)).toBe(-1);
});

test("frames are compared byte for byte, and the message says where they differ", () => {
  const frame = testFrame({ to, from, size: 60, number: 7 });
  const other = frame.slice();
  expectSameFrame(other, frame);
  other[59] = (other[59] ?? 0) ^ 1;
  expect(() => expectSameFrame(other, frame)).toThrow("byte 59 of 60");
  expect(() => expectSameFrame(frame.subarray(0, 59), frame)).toThrow("expected a frame of 60 bytes, got 59 bytes");
});
