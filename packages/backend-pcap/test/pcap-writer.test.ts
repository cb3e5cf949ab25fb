import { expect, test } from "vitest";
import { MemorySink, pcapWriter } from "../src/index.ts";
import { pattern } from "./support/bytes.ts";
import { MICRO, NANO, pcapFile } from "./support/hand-made.ts";

const DATA = pattern(61);

test.each([
  ["ns" as const, NANO, 6_789_012],
  ["us" as const, MICRO, 6_789],
])("writes what the format says, with %s", async (resolution, magic, fraction) => {
  const sink = new MemorySink();
  const writer = pcapWriter({ sink, resolution, snapLength: 50 });
  expect(writer.add({ seconds: 1_767_323_045, nanoseconds: 6_789_012 }, DATA)).toBe(true);
  writer.add({ seconds: 0xffff_ffff, nanoseconds: 0, lengthBytes: 1514, direction: 1 }, DATA.subarray(0, 7));
  await writer.close();
  expect(sink.closed).toBe(true);
  const records = [
    { seconds: 1_767_323_045, fraction, data: DATA.subarray(0, 50), length: 61 },
    { seconds: 0xffff_ffff, fraction: 0, data: DATA.subarray(0, 7), length: 1514 },
  ];
  expect([...sink.bytes()]).toEqual([...pcapFile(records, { magic, snapLength: 50 })]);
});

test("nanoseconds are the default, and the longest snap length", async () => {
  const sink = new MemorySink();
  await pcapWriter({ sink }).close();
  expect([...sink.bytes()]).toEqual([...pcapFile([], { magic: NANO, snapLength: 262_144 })]);
});

test("all interfaces go into one file, each with its own snap length", async () => {
  const sink = new MemorySink();
  const writer = pcapWriter({ sink, snapLength: 100 });
  const ids = [writer.addInterface({ name: "one" }), writer.addInterface({ snapLength: 10 })];
  for (const interfaceId of ids) writer.add({ seconds: 1, nanoseconds: 2, interfaceId }, DATA);
  await writer.close();
  const records = [61, 10].map((kept) => ({ seconds: 1, fraction: 2, data: DATA.subarray(0, kept), length: 61 }));
  expect([...sink.bytes()]).toEqual([...pcapFile(records, { magic: NANO, snapLength: 100 })]);
});

test("refuses times that the format cannot say", () => {
  const writer = pcapWriter({ sink: new MemorySink() });
  expect(() => writer.add({ seconds: 2 ** 32, nanoseconds: 0 }, DATA)).toThrow('"seconds" expected an integer from 0');
  expect(() => writer.add({ seconds: -1, nanoseconds: 0 }, DATA)).toThrow('"seconds"');
  expect(() => writer.add({ seconds: 0, nanoseconds: 1_000_000_000 }, DATA)).toThrow('"nanoseconds"');
});

test("refuses a resolution that there is not", () => {
  const resolution = "ms" as "us";
  expect(() => pcapWriter({ sink: new MemorySink(), resolution })).toThrow(
    '"resolution" expected "ns" or "us", got ms',
  );
});
