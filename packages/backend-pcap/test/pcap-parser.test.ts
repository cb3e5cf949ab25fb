import { describe, expect, test } from "vitest";
import { CaptureReader, FrameDirection, PcapFormatError } from "../src/index.ts";
import { pattern } from "./support/bytes.ts";
import { MICRO, MODIFIED, NANO, type PcapInit, pcapFile } from "./support/hand-made.ts";
import { readAll } from "./support/read-all.ts";

const RECORDS = [
  { seconds: 1_767_323_045, fraction: 6, data: pattern(60) },
  { seconds: 0xffff_ffff, fraction: 999_999, data: pattern(41, 9), length: 1514 },
  { seconds: 0, fraction: 0, data: pattern(0), length: 60 },
];

describe.each([true, false])("pcap, little-endian: %s", (littleEndian) => {
  test.each([
    ["microseconds", MICRO, 1000],
    ["nanoseconds", NANO, 1],
    ["microseconds, as modified by Kuznetzov", MODIFIED, 1000],
  ])("%s", (_name, magic, unit) => {
    const { frames, error, reader } = readAll(pcapFile(RECORDS, { littleEndian, magic, snapLength: 1000 }));
    expect(error).toBeNull();
    expect(reader.format).toBe("pcap");
    expect(reader.interfaces).toEqual([{ id: 0, linkType: 1, snapLength: 1000 }]);
    expect(frames.map(({ seconds, nanoseconds }) => [seconds, nanoseconds])).toEqual(
      RECORDS.map(({ seconds, fraction }) => [seconds, fraction * unit]),
    );
    expect(frames.map(({ bytes }) => [...bytes])).toEqual(RECORDS.map(({ data }) => [...data]));
    expect(frames.map(({ lengthBytes }) => lengthBytes)).toEqual([60, 1514, 60]);
    const direction = magic === MODIFIED ? FrameDirection.Outbound : FrameDirection.Unknown;
    expect(frames.map((frame) => frame.direction)).toEqual([direction, direction, direction]);
  });

  test("before version 2.3 the length came first", () => {
    const { frames, error } = readAll(pcapFile(RECORDS, { littleEndian, minor: 2 }));
    expect(error).toBeNull();
    expect(frames.map(({ bytes, lengthBytes }) => [bytes.length, lengthBytes])).toEqual([
      [60, 60],
      [41, 1514],
      [0, 60],
    ]);
  });

  test("in version 2.3 the shorter one is what was kept", () => {
    const record = { seconds: 1, fraction: 0, data: pattern(20), length: 30 };
    const file = pcapFile([record], { littleEndian, minor: 3 });
    expect(readAll(file).frames[0]).toMatchObject({ lengthBytes: 30, bytes: record.data });
    const swapped = pcapFile([record], { littleEndian, minor: 2 });
    swapped[littleEndian ? 6 : 7] = 3;
    expect(readAll(swapped).frames[0]).toMatchObject({ lengthBytes: 30, bytes: record.data });
  });
});

test("the link type's word may say how long check sequences are", () => {
  let fcsBytes = -1;
  const file = pcapFile([{ seconds: 1, fraction: 1, data: pattern(64) }], { linkType: 0x2400_0001 });
  readAll(file, file.length, {}, (frame) => {
    fcsBytes = frame.fcsBytes;
    expect(frame.linkType).toBe(1);
  });
  expect(fcsBytes).toBe(4);
});

test("a fraction of more than a second is carried", () => {
  const { frames } = readAll(pcapFile([{ seconds: 5, fraction: 2_000_001, data: pattern(60) }]));
  expect(frames[0]).toMatchObject({ seconds: 7, nanoseconds: 1000 });
});

test("a file that ends in a frame gives those before it, and then an error with the place", () => {
  const whole = pcapFile(RECORDS);
  for (const [cut, place] of [
    [10, 0],
    [24 + 76 + 8, 24 + 76],
    [24 + 76 + 16 + 40, 24 + 76],
  ] as const) {
    const { frames, error } = readAll(whole.subarray(0, cut));
    expect(frames.length).toBe(place === 0 ? 0 : 1);
    expect(error).toBeInstanceOf(PcapFormatError);
    expect(error).toMatchObject({ offset: place });
    expect(String(error)).toContain(`at byte ${place} of the file`);
  }
});

test("a frame longer than any can be is an error", () => {
  const file = pcapFile([{ seconds: 1, fraction: 1, data: pattern(300) }]);
  expect(readAll(file, 9, { longestFrame: 299 }).error).toMatchObject({ offset: 24 });
  expect(readAll(file, 9, { longestFrame: 300 }).error).toBeNull();
});

test.each<[string, PcapInit, RegExp]>([
  ["another version", { major: 3 }, /pcap version 3\.4, not 2\.x, at byte 0/],
  ["another first word", { magic: 0xa1b2c3d5 }, /neither pcap nor pcapng: it starts with 0xd5c3b2a1, at byte 0/],
])("%s is an error", (_name, init, message) => {
  expect(String(readAll(pcapFile([], init)).error)).toMatch(message);
});

test.each([
  ["gzip", [0x1f, 0x8b, 8, 0]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["LZ4", [0x04, 0x22, 0x4d, 0x18]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58]],
])("a file compressed with %s says so", (name, start) => {
  expect(String(readAll(Uint8Array.from(start)).error)).toContain(`compressed with ${name}: decompress it first`);
});

test("an error is told again, and nothing else comes", () => {
  const reader = new CaptureReader();
  reader.push(new Uint8Array(64));
  expect(() => reader.next()).toThrow(PcapFormatError);
  reader.push(pcapFile(RECORDS));
  expect(() => reader.next()).toThrow(PcapFormatError);
});

test("a file without a byte is cut off", () => {
  expect(String(readAll(new Uint8Array(0)).error)).toContain("4 bytes should follow and 0 do, at byte 0");
});

test("a file without frames is a file", () => {
  expect(readAll(pcapFile([]))).toMatchObject({ frames: [], error: null });
});

test("refuses impossible options", () => {
  expect(() => new CaptureReader({ longestFrame: 0 })).toThrow('"longestFrame" expected an integer from 1');
});
