import { expect, test } from "vitest";
import { FrameDirection, MemorySink, pcapngWriter } from "../src/index.ts";
import { concat, pattern } from "./support/bytes.ts";
import { Section, text } from "./support/hand-made.ts";
import { SlowSink } from "./support/sinks.ts";

const DATA = pattern(61);
const LITTLE = new Section();

/** A section header with options, which the hand-made one has not. */
function header(...options: readonly (readonly [number, string])[]): Uint8Array {
  const body = new Section().done().subarray(8, 24);
  const parts = options.flatMap(([code, value]) => {
    const bytes = text(value);
    const head = Uint8Array.of(code, 0, bytes.length, 0);
    return [head, bytes, new Uint8Array((4 - (bytes.length % 4)) % 4)];
  });
  const length = LITTLE.u32(28 + 4 + parts.reduce((sum, part) => sum + part.length, 0));
  return concat(LITTLE.u32(0x0a0d0d0a), length, body, ...parts, new Uint8Array(4), length);
}

/** What stands behind the section header. */
function blocks(build: (section: Section) => unknown): Uint8Array {
  const section = new Section();
  build(section);
  return section.done().subarray(28);
}

test("writes what the format says", async () => {
  const sink = new MemorySink();
  const writer = pcapngWriter({ sink, hardware: "AMD", comment: "a test" });
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 9);
  const first = writer.addInterface({ name: "guest 1", description: "Größe", mac, filter: "arp", comment: "one" });
  const second = writer.addInterface({ snapLength: 20 });
  mac.fill(0);
  writer.add({ seconds: 1_767_323_045, nanoseconds: 6_789_012 }, DATA);
  writer.add({ seconds: 5, nanoseconds: 1, direction: FrameDirection.Inbound, interfaceId: first }, pattern(4));
  writer.add(
    { seconds: 6, nanoseconds: 0, direction: FrameDirection.Outbound, interfaceId: second, lengthBytes: 1514 },
    DATA,
  );
  await writer.close();
  const tsresol = [9, Uint8Array.of(9)] as const;
  const expected = blocks((section) =>
    section
      .interface(
        [
          [1, text("one")],
          [2, text("guest 1")],
          [3, text("Größe")],
          [6, Uint8Array.of(2, 0, 0, 0, 0, 9)],
          tsresol,
          [11, concat(Uint8Array.of(0), text("arp"))],
        ],
        1,
        262_144,
      )
      .interface([tsresol], 1, 20)
      .frame({ time: 1_767_323_045_006_789_012n, data: DATA })
      .frame({ time: 5_000_000_001n, data: pattern(4), options: [[2, section.u32(1)]] })
      .frame({ id: 1, time: 6_000_000_000n, data: DATA.subarray(0, 20), length: 1514, options: [[2, section.u32(2)]] })
      .add(5, statistics(0, 5_000_000_001n, 2n, 0n))
      .add(5, statistics(1, 6_000_000_000n, 1n, 0n)),
  );
  const start = header([1, "a test"], [2, "AMD"], [4, "vmmkit"]);
  expect([...sink.bytes()]).toEqual([...start, ...expected]);
});

/** The body of a statistics block with the counts of frames received and dropped. */
function statistics(id: number, time: bigint, received: bigint, dropped: bigint): Uint8Array {
  const { u32, u64 } = { u32: LITTLE.u32.bind(LITTLE), u64: LITTLE.u64.bind(LITTLE) };
  const high = u32(Number(time >> 32n));
  const low = u32(Number(time & 0xffff_ffffn));
  const option = (code: number, value: bigint): Uint8Array => concat(Uint8Array.of(code, 0, 8, 0), u64(value));
  return concat(u32(id), high, low, option(4, received), option(5, dropped), u32(0));
}

test("a frame says how many were dropped before it, and the statistics how many in all", async () => {
  const sink = new SlowSink();
  const writer = pcapngWriter({ sink, snapLength: 1000, chunkBytes: 1, bufferBytes: 1 });
  const stamp = { seconds: 1, nanoseconds: 0 };
  const taken = [0, 1, 2, 3, 4].map(() => writer.add(stamp, pattern(1000)));
  expect(taken).toEqual([true, true, false, false, false]);
  await sink.release();
  writer.add(stamp, DATA);
  expect(writer.stats().dropped).toEqual({ noSpace: 3, failed: 0, closed: 0 });
  const closed = writer.close();
  await sink.release();
  await closed;
  const file = sink.bytes();
  const end = concat(
    blocks((section) => section.frame({ time: 1_000_000_000n, data: DATA, options: [[4, section.u64(3n)]] })),
    blocks((section) => section.add(5, statistics(0, 1_000_000_000n, 6n, 3n))),
  );
  expect([...file.subarray(file.length - end.length)]).toEqual([...end]);
});

test("an interface may come when the file is under way", async () => {
  const sink = new MemorySink();
  const writer = pcapngWriter({ sink });
  writer.add({ seconds: 1, nanoseconds: 0 }, DATA);
  await writer.flush();
  const before = sink.bytes().length;
  const interfaceId = writer.addInterface({ name: "late" });
  expect(interfaceId).toBe(1);
  writer.add({ seconds: 2, nanoseconds: 0, interfaceId }, DATA);
  await writer.flush();
  const expected = blocks((section) =>
    section
      .interface(
        [
          [2, text("late")],
          [9, Uint8Array.of(9)],
        ],
        1,
        262_144,
      )
      .frame({ id: 1, time: 2_000_000_000n, data: DATA }),
  );
  expect([...sink.bytes().subarray(before)]).toEqual([...expected]);
});

test("text that is too long for an option is cut", async () => {
  const sink = new MemorySink();
  const writer = pcapngWriter({ sink });
  writer.addInterface({ comment: "x".repeat(70_000) });
  await writer.close();
  expect(sink.bytes().length).toBeLessThan(66_000);
  expect(sink.bytes().length % 4).toBe(0);
});
