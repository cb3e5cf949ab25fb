import { describe, expect, test } from "vitest";
import { FrameDirection, PcapFormatError } from "../src/index.ts";
import { concat, pattern } from "./support/bytes.ts";
import { block, Section, text } from "./support/hand-made.ts";
import { readAll } from "./support/read-all.ts";

const DATA = pattern(61);

describe.each([true, false])("pcapng, little-endian: %s", (littleEndian) => {
  const section = (): Section => new Section(littleEndian);

  test("enhanced packet blocks: time, lengths, direction, drops", () => {
    const made = section().interface([[9, Uint8Array.of(9)]]);
    made.frame({ time: 1_767_323_045_006_789_012n, data: DATA, length: 1514 });
    made.frame({
      time: 1n,
      data: pattern(4),
      options: [
        [2, made.u32(2)],
        [4, made.u64(5_000_000_000n)],
      ],
    });
    made.frame({
      time: 2n,
      data: pattern(0),
      options: [
        [1, text("hello")],
        [2, made.u32(1)],
      ],
    });
    const drops: number[] = [];
    const { frames, error } = readAll(made.done(), 13, {}, (frame) => drops.push(frame.drops));
    expect(error).toBeNull();
    expect(frames).toEqual([
      {
        bytes: DATA,
        lengthBytes: 1514,
        seconds: 1_767_323_045,
        nanoseconds: 6_789_012,
        interfaceId: 0,
        direction: FrameDirection.Unknown,
      },
      expect.objectContaining({ bytes: pattern(4), direction: FrameDirection.Outbound, nanoseconds: 1 }),
      expect.objectContaining({ bytes: pattern(0), direction: FrameDirection.Inbound, nanoseconds: 2 }),
    ]);
    expect(drops).toEqual([0, 5_000_000_000, 0]);
  });

  test("obsolete packet blocks", () => {
    const drops: number[] = [];
    const made = section().interface();
    made.packet(DATA, 2_000_001n, 7, [[2, made.u32(1)]]).packet(DATA, 3_000_000n, 0xffff);
    const { frames, error } = readAll(made.done(), 50, {}, (frame) => drops.push(frame.drops));
    expect(error).toBeNull();
    expect(drops).toEqual([7, 0]);
    expect(frames.map(({ seconds, nanoseconds, direction }) => [seconds, nanoseconds, direction])).toEqual([
      [2, 1000, FrameDirection.Inbound],
      [3, 0, FrameDirection.Unknown],
    ]);
  });

  test("simple packet blocks are cut to the first interface's snap length, and have no time", () => {
    const timed: boolean[] = [];
    const whole = section().interface().simple(DATA).done();
    const cut = section().interface([], 1, 20).simple(pattern(20), 61).done();
    const { frames, error } = readAll(concat(whole, cut), 11, {}, (frame) => timed.push(frame.timed));
    expect(error).toBeNull();
    expect(frames.map(({ bytes, lengthBytes }) => [bytes.length, lengthBytes])).toEqual([
      [61, 61],
      [20, 61],
    ]);
    expect(timed).toEqual([false, false]);
  });

  test("interfaces: name, description, filter, link type, snap length, check sequence", () => {
    const made = section().interface(
      [
        [1, text("a comment")],
        [2, text("eth0\0")],
        [3, text("Größe")],
        [11, concat(Uint8Array.of(0), text("tcp port 80"))],
        [13, Uint8Array.of(32)],
        [9, Uint8Array.of(6)],
      ],
      1,
      96,
    );
    made.interface([[11, Uint8Array.of(1, 2, 3)]], 113);
    made.frame({ data: DATA }).frame({ id: 1, data: DATA });
    const seen: unknown[] = [];
    const { reader } = readAll(made.done(), 7, {}, ({ linkType, fcsBytes }) => seen.push([linkType, fcsBytes]));
    expect(reader.interfaces).toEqual([
      { id: 0, linkType: 1, snapLength: 96, name: "eth0", description: "Größe", filter: "tcp port 80" },
      { id: 1, linkType: 113, snapLength: 0 },
    ]);
    expect(seen).toEqual([
      [1, 4],
      [113, 0],
    ]);
  });

  test("the flags of a frame say how long its own check sequence is", () => {
    const made = section().interface([[13, Uint8Array.of(32)]]);
    made.frame({ data: DATA, options: [[2, made.u32(2 << 5)]] });
    const seen: number[] = [];
    readAll(made.done(), 400, {}, ({ fcsBytes }) => seen.push(fcsBytes));
    expect(seen).toEqual([2]);
  });

  test.each([
    ["microseconds without the option", null, 3_000_002n, 0n, [3, 2000]],
    ["milliseconds", 3, 3002n, 0n, [3, 2_000_000]],
    ["seconds", 0, 3n, 0n, [3, 0]],
    ["picoseconds", 12, 3_000_000_002_999n, 0n, [3, 2]],
    ["2^-10 of a second", 0x80 | 10, 3n * 1024n + 512n, 0n, [3, 500_000_000]],
    ["2^-32 of a second, as NTP has it", 0x80 | 32, (3n << 32n) + (1n << 30n), 0n, [3, 250_000_000]],
    ["an offset", 6, 3_000_002n, 1_700_000_000n, [1_700_000_003, 2000]],
    ["an offset below 0", 6, 3_000_002n, -2n, [1, 2000]],
  ])("time resolution: %s", (_name, resolution, time, offset, expected) => {
    const made = section();
    made.interface([
      ...(resolution === null ? [] : [[9, Uint8Array.of(resolution)] as const]),
      [14, made.u64(BigInt.asUintN(64, offset))],
    ]);
    const { frames, error } = readAll(made.frame({ time, data: DATA }).done());
    expect(error).toBeNull();
    expect([frames[0]?.seconds, frames[0]?.nanoseconds]).toEqual(expected);
  });

  test("an interface's statistics", () => {
    const made = section().interface();
    made.frame({ data: DATA }).statistics(0, [
      [4, made.u64(9_000_000_000n)],
      [5, made.u64(3n)],
    ]);
    expect(readAll(made.done()).reader.interfaces[0]).toMatchObject({ received: 9_000_000_000, dropped: 3 });
  });

  test("names, custom blocks, secrets and blocks that nobody knows are skipped", () => {
    const made = section().interface();
    for (const type of [4, 0xbad, 0x4000_0bad, 10, 0x0a0d_0a00, 0x7fff_ffff]) made.add(type, pattern(24));
    made.frame({ data: DATA }).add(0x1234, pattern(0));
    const { frames, error, reader } = readAll(made.done(), 31);
    expect(error).toBeNull();
    expect(frames.length).toBe(1);
    expect(reader.skipped).toBe(7);
  });

  test("each section has its own byte order and its own interfaces", () => {
    const first = section()
      .interface([[2, text("one")]])
      .interface()
      .frame({ id: 1, data: DATA });
    const second = new Section(!littleEndian).interface([[2, text("two")]]).frame({ id: 0, data: DATA });
    const { frames, error, reader } = readAll(concat(first.done(), second.done()), 17);
    expect(error).toBeNull();
    expect(frames.map(({ interfaceId }) => interfaceId)).toEqual([1, 0]);
    expect(reader.interfaces.map(({ name }) => name)).toEqual(["two"]);
  });

  test("a file that ends in a block gives the frames before it, and then an error with the place", () => {
    const before = section().interface().frame({ data: DATA }).done();
    const whole = concat(before, section().interface().done());
    for (const cut of [before.length + 1, before.length + 27, whole.length - 1]) {
      const { frames, error } = readAll(whole.subarray(0, cut));
      expect(frames.length).toBe(1);
      expect(error).toBeInstanceOf(PcapFormatError);
      const place = cut < before.length + 28 ? before.length : before.length + 28;
      expect(error).toMatchObject({ offset: place });
    }
  });
});

describe("a broken file is an error with its place", () => {
  const start = new Section().interface();
  const AT = start.done().length;
  const behind = (...parts: Uint8Array[]): Uint8Array => concat(new Section().interface().done(), ...parts);
  const epb = (words: number[], data: Uint8Array = new Uint8Array(0)): Uint8Array =>
    block(true, 6, concat(...words.map((word) => new Section().u32(word)), data));
  const withLength = (length: number, whole: Uint8Array): Uint8Array => {
    new DataView(whole.buffer, whole.byteOffset).setUint32(4, length, true);
    return whole;
  };

  test.each<[string, Uint8Array, number, RegExp]>([
    ["no byte-order magic", block(true, 0x0a0d0d0a, new Uint8Array(16)), 0, /section header without its byte-order/],
    ["another version", new Section(true, 2).done(), 0, /pcapng version 2\.0, not 1\.x/],
    ["a section header that is too short", block(true, 0x0a0d0d0a, new Section().u32(0x1a2b3c4d)), 0, /too short/],
    ["a block shorter than any", behind(withLength(8, epb([0, 0, 0, 0, 0]))), AT, /a block of 8 bytes/],
    ["a block of odd length", behind(withLength(33, epb([0, 0, 0, 0, 0]))), AT, /a block of 33 bytes/],
    ["a block longer than any", behind(withLength(2 ** 31, epb([0, 0, 0, 0, 0]))), AT, /a block of 2147483648 bytes/],
    [
      "lengths that differ",
      behind(withLength(28, epb([0, 0, 0, 0, 0]))),
      AT,
      /a block of 28 bytes that ends as one of 0/,
    ],
    ["a packet block that is too short", behind(epb([0, 0, 0])), AT, /packet block of 24 bytes/],
    [
      "a frame longer than its block",
      behind(epb([0, 0, 0, 5, 5], pattern(4))),
      AT,
      /a frame of 5 bytes where at most 4/,
    ],
    ["an interface that there is not", behind(epb([1, 0, 0, 0, 0])), AT, /interface 1, where 1 are described/],
    ["a frame before any interface", new Section().frame({ data: DATA }).done(), 28, /interface 0, where 0 are/],
    ["a simple packet before any interface", new Section().simple(DATA).done(), 28, /interface 0, where 0 are/],
    ["an interface that is too short", behind(block(true, 1, pattern(4))), AT, /interface description of 16 bytes/],
    ["statistics that are too short", behind(block(true, 5, pattern(8))), AT, /interface statistics of 20 bytes/],
    ["a simple packet that is too short", behind(block(true, 3, pattern(0))), AT, /simple packet block of 12 bytes/],
    [
      "an option longer than its block",
      behind(epb([0, 0, 0, 0, 0], Uint8Array.of(2, 0, 9, 0, 1, 2, 3, 4))),
      AT + 28,
      /an option of 9 bytes/,
    ],
    [
      "a time offset beyond all times",
      new Section().interface([[14, new Section().u64(1n << 62n)]]).done(),
      28,
      /a time offset of/,
    ],
  ])("%s", (_name, file, offset, message) => {
    for (const piece of [file.length, 3]) {
      const { error } = readAll(file, piece);
      expect(error).toBeInstanceOf(PcapFormatError);
      expect(String(error)).toMatch(message);
      expect(error).toMatchObject({ offset });
    }
  });
});
