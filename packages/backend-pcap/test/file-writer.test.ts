import { Frame } from "@vmmkit/ethif";
import { describe, expect, test } from "vitest";
import { type ByteSink, type CaptureWriter, MemorySink, pcapngWriter, pcapWriter } from "../src/index.ts";
import { pattern } from "./support/bytes.ts";
import { readAll } from "./support/read-all.ts";
import { FailingSink, SlowSink } from "./support/sinks.ts";

const STAMP = { seconds: 1, nanoseconds: 2 };

/** Opens sinks and keeps them. */
function files(): { sinks: MemorySink[]; open: (index: number) => ByteSink } {
  const sinks: MemorySink[] = [];
  return {
    sinks,
    open: (index) => {
      expect(index).toBe(sinks.length);
      const sink = new MemorySink();
      sinks.push(sink);
      return sink;
    },
  };
}

/** Numbers at the start of frames. */
function numbers(file: Uint8Array): number[] {
  const { frames, error } = readAll(file);
  expect(error).toBeNull();
  return frames.map(({ bytes }) => bytes[0] ?? -1);
}

function addNumbered(writer: CaptureWriter, from: number, to: number, lengthBytes = 60): boolean[] {
  const taken: boolean[] = [];
  for (let i = from; i < to; i++) taken.push(writer.add(STAMP, new Uint8Array(lengthBytes).fill(i)));
  return taken;
}

describe.each([
  ["pcap", pcapWriter],
  ["pcapng", pcapngWriter],
])("%s", (_name, make) => {
  test("a frame of several ranges is written in one piece", async () => {
    const sink = new MemorySink();
    const writer = make({ sink, snapLength: 70 });
    const bytes = pattern(200);
    const frame = new Frame();
    for (const [offset, length] of [
      [3, 14],
      [50, 1],
      [60, 100],
    ] as const) {
      frame.push(bytes, offset, length);
    }
    writer.addFrame(STAMP, frame);
    writer.addFrame({ ...STAMP, lengthBytes: 20 }, frame);
    writer.addFrame({ ...STAMP, snapLength: 15 }, frame);
    await writer.close();
    const whole = [...bytes.subarray(3, 17), ...bytes.subarray(50, 51), ...bytes.subarray(60, 160)];
    const { frames } = readAll(sink.bytes());
    expect(frames.map((read) => [...read.bytes])).toEqual([70, 20, 15].map((kept) => whole.slice(0, kept)));
    expect(frames.map(({ lengthBytes }) => lengthBytes)).toEqual([115, 20, 115]);
  });

  test("rotates by count", async () => {
    const { sinks, open } = files();
    const writer = make({ sink: open, rotateFrames: 3 });
    writer.addInterface({ name: "a" });
    addNumbered(writer, 0, 7);
    await writer.close();
    expect(sinks.map((sink) => numbers(sink.bytes()))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(sinks.every(({ closed }) => closed)).toBe(true);
    expect(writer.stats()).toMatchObject({ files: 3, frames: 7 });
  });

  test("a file that is full is closed when the next is begun, not at the end", async () => {
    const { sinks, open } = files();
    const writer = make({ sink: open, rotateFrames: 2 });
    addNumbered(writer, 0, 3);
    expect(sinks.map(({ closed }) => closed)).toEqual([true]);
    await writer.close();
  });

  test("after a rotation without another frame there is no empty file", async () => {
    const { sinks, open } = files();
    const writer = make({ sink: open, rotateFrames: 2 });
    addNumbered(writer, 0, 4);
    await writer.close();
    expect(sinks.map((sink) => numbers(sink.bytes()))).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  test("rotates by size: no file is longer", async () => {
    for (const rotateBytes of [600, 1000, 5000]) {
      const { sinks, open } = files();
      const writer = make({ sink: open, rotateBytes });
      addNumbered(writer, 0, 50);
      await writer.close();
      const lengths = sinks.map((sink) => sink.bytes().length);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(rotateBytes);
      expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThan(rotateBytes - 150);
      expect(sinks.flatMap((sink) => numbers(sink.bytes()))).toEqual([...Array(50).keys()]);
    }
  });

  test("a file has one frame at least, however small it is to be", async () => {
    const { sinks, open } = files();
    const writer = make({ sink: open, rotateBytes: 1 });
    addNumbered(writer, 0, 3);
    await writer.close();
    expect(sinks.map((sink) => numbers(sink.bytes()))).toEqual([[0], [1], [2]]);
  });

  test("a slow sink: as many frames wait as the buffer holds, the others are dropped and counted", async () => {
    const sink = new SlowSink();
    const writer = make({ sink, snapLength: 1000, chunkBytes: 1, bufferBytes: 4096 });
    const taken = addNumbered(writer, 0, 100, 1000);
    const kept = taken.filter(Boolean).length;
    expect(kept).toBeGreaterThanOrEqual(4);
    expect(kept).toBeLessThanOrEqual(6);
    expect(taken.indexOf(false)).toBe(kept);
    expect(writer.stats()).toMatchObject({ frames: 0, waiting: kept - 1, dropped: { noSpace: 100 - kept } });
    await sink.release();
    expect(addNumbered(writer, 100, 101, 1000)).toEqual([true]);
    const closed = writer.close();
    await sink.release();
    await closed;
    expect(numbers(sink.bytes())).toEqual([...Array(kept).keys(), 100]);
    expect(writer.stats()).toMatchObject({ frames: kept + 1, waiting: 0, error: null });
  });

  test.each([false, true])("a sink that fails for a while, in a promise: %s", async (later) => {
    const sink = new FailingSink(later);
    const writer = make({ sink });
    addNumbered(writer, 0, 2);
    await writer.flush();
    sink.failing = true;
    addNumbered(writer, 2, 5);
    await writer.flush();
    sink.failing = false;
    addNumbered(writer, 5, 6);
    await expect(writer.close()).rejects.toThrow("disk full");
    expect(numbers(sink.bytes())).toEqual([0, 1, 5]);
    expect(writer.stats()).toMatchObject({ frames: 3, dropped: { noSpace: 0, failed: 3 } });
    expect(String(writer.stats().error)).toContain("disk full");
  });

  test("a sink that fails from the start: the file is whole once it works", async () => {
    const sink = new FailingSink(true);
    sink.failing = true;
    const writer = make({ sink });
    const interfaceId = writer.addInterface({ name: "late" });
    writer.addInterface({});
    addNumbered(writer, 0, 3);
    await writer.flush();
    sink.failing = false;
    writer.add({ ...STAMP, interfaceId }, Uint8Array.of(3));
    await expect(writer.close()).rejects.toThrow("disk full");
    expect(numbers(sink.bytes())).toEqual([3]);
    expect(sink.closed).toBe(true);
  });

  test("a file that cannot be opened is tried again with the next frames", async () => {
    const sink = new MemorySink();
    let tries = 0;
    const writer = make({
      sink: () => {
        if (tries++ === 0) throw new Error("no such directory");
        return sink;
      },
    });
    addNumbered(writer, 0, 2);
    await writer.flush();
    addNumbered(writer, 2, 4);
    await expect(writer.close()).rejects.toThrow("no such directory");
    expect(numbers(sink.bytes())).toEqual([2, 3]);
  });

  test("a file that can never be opened is the caller's to know, and nobody else's", async () => {
    const writer = make({
      sink: () => {
        throw new Error("no such directory");
      },
    });
    expect(addNumbered(writer, 0, 3)).toEqual([true, true, true]);
    await writer.flush();
    await expect(writer.close()).rejects.toThrow("no such directory");
    expect(writer.stats()).toMatchObject({ files: 0, dropped: { failed: 3 } });
  });

  test("an error of close is told by close", async () => {
    const sink = new FailingSink(false);
    sink.failClose = true;
    await expect(make({ sink }).close()).rejects.toThrow("close failed");
  });

  test("closed twice is closed once; frames that come after that are counted", async () => {
    const sink = new MemorySink();
    const writer = make({ sink });
    addNumbered(writer, 0, 1);
    await Promise.all([writer.close(), writer.close(), writer.flush()]);
    const length = sink.bytes().length;
    expect(addNumbered(writer, 1, 3)).toEqual([false, false]);
    await writer.close();
    expect(sink.bytes().length).toBe(length);
    expect(writer.stats().dropped).toEqual({ noSpace: 0, failed: 0, closed: 2 });
  });

  test("a capture without frames is a file", async () => {
    const sink = new MemorySink();
    const writer = make({ sink });
    writer.addInterface({ name: "idle" });
    await writer.close();
    expect(numbers(sink.bytes())).toEqual([]);
    expect(writer.stats()).toMatchObject({ files: 1, frames: 0, bytes: sink.bytes().length });
  });

  test("flush gives the sink what is there", async () => {
    const sink = new MemorySink();
    const writer = make({ sink });
    addNumbered(writer, 0, 2);
    expect(sink.bytes().length).toBe(0);
    await writer.flush();
    expect(numbers(sink.bytes())).toEqual([0, 1]);
    await writer.flush();
    expect(writer.stats().waiting).toBe(0);
    await writer.close();
  });

  test("a sink that answers at once never lets the buffer fill", async () => {
    const sink = new MemorySink();
    const writer = make({ sink, chunkBytes: 1, bufferBytes: 1, snapLength: 100 });
    expect(addNumbered(writer, 0, 250)).not.toContain(false);
    await writer.close();
    expect(numbers(sink.bytes()).length).toBe(250);
  });

  test("any WritableStream's writer is a sink", async () => {
    const pieces: Uint8Array[] = [];
    const stream = new WritableStream<Uint8Array>({ write: (piece) => void pieces.push(piece.slice()) });
    const writer = make({ sink: stream.getWriter() });
    addNumbered(writer, 0, 4);
    await writer.close();
    expect(numbers(Uint8Array.from(pieces.flatMap((piece) => [...piece])))).toEqual([0, 1, 2, 3]);
  });

  test("an interface that was not added is an error, but for the first", () => {
    const writer = make({ sink: new MemorySink() });
    const add = (interfaceId: number) => () => writer.add({ ...STAMP, interfaceId }, pattern(4));
    expect(add(1)).toThrow('"interfaceId" expected one from addInterface, got 1');
    expect(add(0)).not.toThrow();
  });

  test.each([
    [{ snapLength: 0 }, '"snapLength" expected an integer from 1 to 262144, got 0'],
    [{ snapLength: 262_145 }, '"snapLength"'],
    [{ rotateBytes: 0 }, '"rotateBytes" expected an integer from 1'],
    [{ rotateFrames: 1.5 }, '"rotateFrames"'],
    [{ bufferBytes: -1 }, '"bufferBytes"'],
    [{ chunkBytes: 0 }, '"chunkBytes"'],
  ])("refuses %o", (options, message) => {
    expect(() => make({ sink: () => new MemorySink(), ...options })).toThrow(message);
  });

  test("refuses to rotate with one sink", () => {
    const sink = new MemorySink();
    expect(() => make({ sink, rotateFrames: 1 })).toThrow('"sink" expected a function');
  });

  test.each([
    [{ snapLength: 101 }, '"snapLength" expected an integer from 1 to 100, got 101'],
    [{ mac: new Uint8Array(5) }, '"mac" expected 6 bytes, got 5'],
  ])("refuses an interface with %o", (init, message) => {
    const writer = make({ sink: new MemorySink(), snapLength: 100 });
    expect(() => writer.addInterface(init)).toThrow(message);
  });
});
