import { Frame } from "@vmmkit/ethif";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameDirection, MemorySink, pcapngWriter, pcapWriter, readCapture } from "../src/index.ts";
import { readAll } from "./support/read-all.ts";

const DIRECTIONS = [FrameDirection.Unknown, FrameDirection.Inbound, FrameDirection.Outbound];

const frames = fc.array(
  fc.record({
    seconds: fc.integer({ min: 0, max: 0xffff_ffff }),
    nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    direction: fc.constantFrom(...DIRECTIONS),
    interfaceId: fc.nat({ max: 2 }),
    data: fc.uint8Array({ maxLength: 90 }),
    beyond: fc.nat({ max: 70_000 }),
    cut: fc.array(fc.nat({ max: 90 }), { maxLength: 3 }),
  }),
  { maxLength: 40 },
);
const options = fc.record({
  snapLength: fc.integer({ min: 1, max: 100 }),
  rotateFrames: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  rotateBytes: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
  chunkBytes: fc.integer({ min: 1, max: 2000 }),
});

/** Bytes as a frame of several ranges. */
function ranges(data: Uint8Array, cuts: readonly number[]): Frame {
  const frame = new Frame();
  const ends = [...cuts.filter((cut) => cut < data.length), data.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    if (end > at) frame.push(data, at, end - at);
    at = end;
  }
  return frame;
}

test.each([
  ["pcapng", pcapngWriter],
  ["pcap", pcapWriter],
])("%s: what is written is read, whatever it is and however it is cut", async (format, make) => {
  await fc.assert(
    fc.asyncProperty(frames, options, fc.integer({ min: 1, max: 500 }), async (all, init, pieceBytes) => {
      const { rotateBytes, rotateFrames, ...rest } = init;
      const rotation = { ...(rotateBytes && { rotateBytes }), ...(rotateFrames && { rotateFrames }) };
      const sinks: MemorySink[] = [];
      const open = (): MemorySink => {
        const sink = new MemorySink();
        sinks.push(sink);
        return sink;
      };
      const writer = make({ sink: open, ...rest, ...rotation });
      for (let i = 0; i < 3; i++) writer.addInterface({ name: `eth${i}` });
      for (const { data, beyond, cut, ...stamp } of all) {
        const frame = ranges(data, cut);
        expect(writer.addFrame({ ...stamp, lengthBytes: data.length + beyond }, frame)).toBe(true);
      }
      await writer.close();
      const read = sinks.flatMap((sink) => {
        const { frames, error } = readAll(sink.bytes(), pieceBytes);
        expect(error).toBeNull();
        return frames;
      });
      const ng = format === "pcapng";
      expect(read).toEqual(
        all.map(({ seconds, nanoseconds, direction, interfaceId, data, beyond }) => ({
          seconds,
          nanoseconds,
          direction: ng ? direction : FrameDirection.Unknown,
          interfaceId: ng ? interfaceId : 0,
          bytes: data.slice(0, init.snapLength),
          lengthBytes: data.length + beyond,
        })),
      );
      expect(writer.stats()).toMatchObject({
        frames: all.length,
        bytes: sinks.reduce((sum, sink) => sum + sink.bytes().length, 0),
        files: sinks.length,
      });
    }),
    { numRuns: 150 },
  );
});

test("a capture that was read can be written again", async () => {
  const first = new MemorySink();
  const writer = pcapngWriter({ sink: first });
  writer.addInterface({ name: "a" });
  for (let i = 0; i < 20; i++) {
    writer.add({ seconds: i, nanoseconds: i, direction: 2, lengthBytes: 100 + i }, new Uint8Array(60 + i).fill(i));
  }
  await writer.close();
  const second = new MemorySink();
  const copy = pcapngWriter({ sink: second });
  copy.addInterface({ name: "a" });
  for await (const frame of readCapture(first.bytes())) copy.add(frame, frame.bytes);
  await copy.close();
  expect([...second.bytes()]).toEqual([...first.bytes()]);
});
