import { expect, it } from "vitest";
import { emptyNetHeader, readNetHeader, writeNetHeader } from "../src/index.ts";

const HEADER = {
  flags: 1,
  gsoType: 2,
  hdrLen: 0x403,
  gsoSize: 0x605,
  csumStart: 0x807,
  csumOffset: 0xa09,
  numBuffers: 0xc0b,
};
const BYTES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

it("writes 12 bytes as 5.1.6 has them", () => {
  const bytes = new Uint8Array(16);
  writeNetHeader(bytes, 2, 12, HEADER);
  expect([...bytes]).toEqual([0, 0, ...BYTES, 0, 0]);
});

it("writes 10 bytes without num_buffers (5.1.6.1)", () => {
  const bytes = new Uint8Array(12);
  writeNetHeader(bytes, 0, 10, HEADER);
  expect([...bytes]).toEqual([...BYTES.slice(0, 10), 0, 0]);
});

it("writes zeros for what is not named, over what was there", () => {
  const bytes = new Uint8Array(12).fill(0xff);
  writeNetHeader(bytes, 0, 12, {});
  expect(bytes).toEqual(new Uint8Array(12));
});

it("reads both lengths", () => {
  const header = emptyNetHeader();
  readNetHeader(Uint8Array.of(99, ...BYTES), 1, 12, header);
  expect(header).toEqual({ ...HEADER, hashValue: 0, hashReport: 0 });
  readNetHeader(Uint8Array.from(BYTES), 0, 10, header);
  expect(header).toEqual({ ...HEADER, numBuffers: 0, hashValue: 0, hashReport: 0 });
});
