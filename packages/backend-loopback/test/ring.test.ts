import { Frame, readFrame } from "@vmmkit/ethif";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MIN_RING_BYTES, READ, RING_HEADER_BYTES, type RingPlace, WRITTEN } from "../src/ring-layout.ts";
import { RingReader } from "../src/ring-reader.ts";
import { RingWriter } from "../src/ring-writer.ts";

const CAPACITY = MIN_RING_BYTES;

function place(): RingPlace {
  const memory = new SharedArrayBuffer(RING_HEADER_BYTES + CAPACITY);
  return { memory, headerOffset: 0, dataOffset: RING_HEADER_BYTES, capacity: CAPACITY };
}

function frame(length: number, seed = 0): Frame {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + seed) & 0xff;
  const made = new Frame();
  const middle = length >> 1;
  if (middle > 0) made.push(bytes, 0, middle);
  made.push(bytes, middle, length - middle);
  return made;
}

function bytesOf(source: Frame | null): Uint8Array {
  if (source === null) throw new Error("no frame");
  const bytes = new Uint8Array(source.totalBytes);
  readFrame(source, bytes);
  return bytes;
}

describe("frames", () => {
  test("come out as they went in, after publish", () => {
    const where = place();
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    expect(writer.put(frame(60, 1))).toBe(true);
    expect(writer.put(frame(61, 2))).toBe(true);
    expect(reader.peek()).toBeNull();
    writer.publish();
    expect(bytesOf(reader.peek())).toEqual(bytesOf(frame(60, 1)));
    expect(bytesOf(reader.peek())).toEqual(bytesOf(frame(60, 1)));
    reader.consume();
    expect(bytesOf(reader.peek())).toEqual(bytesOf(frame(61, 2)));
    reader.consume();
    expect(reader.peek()).toBeNull();
    expect(reader.corrupt).toBe(false);
  });

  test("keep their offload fields, and frames without any have none", () => {
    const where = place();
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    const open = frame(2000);
    Object.assign(open, { flags: 1, gsoType: 0x81, hdrLen: 54, gsoSize: 1460, csumStart: 34, csumOffset: 16 });
    writer.put(open);
    writer.put(frame(60));
    writer.publish();
    const fields = { flags: 1, gsoType: 0x81, hdrLen: 54, gsoSize: 1460, csumStart: 34, csumOffset: 16 };
    expect(reader.peek()).toMatchObject(fields);
    expect(bytesOf(reader.peek())).toEqual(bytesOf(frame(2000)));
    reader.consume();
    expect(reader.peek()).toMatchObject({ flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 });
  });

  test("of any lengths go around the ring many times", { timeout: 30_000 }, () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 65_553 })), {
      minLength: 30,
      maxLength: 60,
    });
    fc.assert(
      fc.property(lengths, fc.array(fc.boolean(), { minLength: 5 }), (sizes, reads) => {
        const where = place();
        const writer = new RingWriter(where);
        const reader = new RingReader(where);
        const inside: Uint8Array[] = [];
        const readOne = (): void => {
          const expected = inside.shift();
          if (expected === undefined) return;
          expect(Buffer.compare(bytesOf(reader.peek()), expected)).toBe(0);
          reader.consume();
          reader.release();
        };
        for (const [i, size] of sizes.entries()) {
          const next = frame(size, i);
          while (!writer.put(next)) readOne();
          writer.publish();
          inside.push(bytesOf(next));
          if (reads[i % reads.length]) readOne();
        }
        while (inside.length > 0) readOne();
        expect(reader.peek()).toBeNull();
        expect(writer.used).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  test("are refused where they do not fit, and taken when there is space", () => {
    const where = place();
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    const size = CAPACITY / 4 - 4;
    for (let i = 0; i < 4; i++) expect(writer.put(frame(Math.min(size, 65_532)))).toBe(true);
    expect(writer.put(frame(1))).toBe(false);
    writer.publish();
    reader.peek();
    reader.consume();
    expect(writer.put(frame(1))).toBe(false);
    reader.release();
    expect(writer.put(frame(1))).toBe(true);
  });

  test("are counted right where the indices pass 2^32", () => {
    const where = place();
    const header = new Int32Array(where.memory);
    header[WRITTEN] = -8;
    header[READ] = -8;
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    for (let i = 0; i < 10; i++) {
      expect(writer.put(frame(100, i))).toBe(true);
      writer.publish();
      expect(bytesOf(reader.peek())).toEqual(bytesOf(frame(100, i)));
      reader.consume();
      reader.release();
    }
    expect(writer.used).toBe(0);
  });
});

describe("being woken", () => {
  test("a reader that rests is woken once, at the next publish", () => {
    const where = place();
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    writer.put(frame(60));
    expect(writer.publish()).toBe(false);
    reader.peek();
    reader.consume();
    expect(reader.sleep()).toBe(true);
    expect(writer.publish()).toBe(false);
    writer.put(frame(60));
    expect(writer.publish()).toBe(true);
    writer.put(frame(60));
    expect(writer.publish()).toBe(false);
  });

  test("a reader may not rest where there is a frame already", () => {
    const where = place();
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    writer.put(frame(60));
    writer.publish();
    expect(reader.sleep()).toBe(false);
    writer.put(frame(60));
    expect(writer.publish()).toBe(false);
  });

  test("a writer that asked for space is woken once half of the ring is free", () => {
    const where = place();
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    while (writer.put(frame(10_000)));
    writer.publish();
    expect(writer.askForSpace(10_000)).toBe(false);
    let read = 0;
    let woken = false;
    while (!woken) {
      reader.peek();
      reader.consume();
      read++;
      woken = reader.release();
    }
    expect(read * 10_004).toBeGreaterThanOrEqual(CAPACITY / 2 - 10_004);
    expect(reader.peek()).not.toBeNull();
    reader.consume();
    expect(reader.release()).toBe(false);
    expect(writer.put(frame(10_000))).toBe(true);
  });

  test("a writer that finds space while it asks need not be woken", () => {
    const where = place();
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    expect(writer.askForSpace(1000)).toBe(true);
    expect(reader.release()).toBe(false);
  });
});

describe("a ring that makes no sense", () => {
  test.each([
    ["a length of 0", 0],
    ["a length beyond the longest frame", 65_554],
    ["a length beyond what was written", 61],
    ["a length with all bits set", 0xffff_ffff],
    ["offload fields beyond what was written", 0x8000_0000 + 60],
  ])("is corrupt: %s", (_name, length) => {
    const where = place();
    const writer = new RingWriter(where);
    const reader = new RingReader(where);
    writer.put(frame(60));
    new Uint32Array(where.memory, RING_HEADER_BYTES)[0] = length;
    writer.publish();
    expect(reader.peek()).toBeNull();
    expect(reader.corrupt).toBe(true);
    expect(reader.empty).toBe(true);
    expect(reader.sleep()).toBe(true);
  });

  test.each([CAPACITY + 4, 2, -4])("is corrupt: %i bytes written", (written) => {
    const where = place();
    const reader = new RingReader(where);
    new Int32Array(where.memory)[WRITTEN] = written;
    expect(reader.peek()).toBeNull();
    expect(reader.corrupt).toBe(true);
  });

  test("is corrupt for its writer too: more read than written", () => {
    const where = place();
    const writer = new RingWriter(where);
    new Int32Array(where.memory)[READ] = 4;
    expect(writer.used).toBeGreaterThan(CAPACITY);
    expect(writer.corrupt).toBe(true);
    expect(writer.put(frame(60))).toBe(false);
  });
});
