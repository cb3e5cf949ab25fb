import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PcapFormatError } from "../src/index.ts";
import { concat, pattern } from "./support/bytes.ts";
import { MICRO, MODIFIED, NANO, pcapFile, Section, text } from "./support/hand-made.ts";
import { readAll } from "./support/read-all.ts";

/** A file of each format with all that it can have. */
function samples(littleEndian: boolean): Uint8Array[] {
  const records = [10, 60, 0].map((size, i) => ({ seconds: i, fraction: i, data: pattern(size) }));
  const section = new Section(littleEndian);
  section.interface([
    [2, text("eth0")],
    [9, Uint8Array.of(9)],
    [14, section.u64(7n)],
  ]);
  section.frame({
    data: pattern(61),
    time: 5n,
    options: [
      [2, section.u32(1)],
      [4, section.u64(3n)],
    ],
  });
  section
    .packet(pattern(30), 9n, 1)
    .simple(pattern(33))
    .add(4, pattern(8))
    .statistics(0, [[4, section.u64(1n)]]);
  return [
    ...[MICRO, NANO, MODIFIED].map((magic) => pcapFile(records, { littleEndian, magic })),
    section.done(),
    concat(
      section.done(),
      new Section(!littleEndian)
        .interface()
        .frame({ data: pattern(20) })
        .done(),
    ),
  ];
}

const SAMPLES = [...samples(true), ...samples(false)];
const sample = fc.constantFrom(...SAMPLES);
const pieceBytes = fc.integer({ min: 1, max: 300 });

/** Reads what may be anything: it ends, with frames that lie in the file, and with no error but the one there is. */
function survives(file: Uint8Array, piece: number): void {
  let bytes = 0;
  const { frames, error } = readAll(file, piece, {}, (frame) => {
    bytes += frame.bytes.length;
    const { offset, seconds, nanoseconds } = frame;
    const sane = Number.isSafeInteger(seconds) && nanoseconds >= 0 && nanoseconds < 1_000_000_000;
    if (offset >= file.length || !sane) throw new Error(`an impossible frame: ${JSON.stringify(frame)}`);
  });
  // Each frame takes a record of its own, so there are no more than there is room for.
  expect(bytes + 16 * frames.length).toBeLessThanOrEqual(file.length);
  if (error === null) return;
  expect(error).toBeInstanceOf(PcapFormatError);
  expect((error as PcapFormatError).offset).toBeLessThanOrEqual(file.length);
}

describe("a reader bears", () => {
  test("any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), pieceBytes, survives), { numRuns: 500 });
  });

  test("any bytes behind a start that makes sense", () => {
    const start = sample.chain((file) => fc.nat({ max: file.length }).map((length) => file.subarray(0, length)));
    const whole = fc.tuple(start, fc.uint8Array({ maxLength: 200 })).map((parts) => concat(...parts));
    fc.assert(fc.property(whole, pieceBytes, survives), { numRuns: 500 });
  });

  test("a file with some of its bytes changed", () => {
    const change = fc.tuple(fc.nat({ max: 400 }), fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff));
    const changes = fc.array(change, { minLength: 1, maxLength: 6 });
    const broken = fc.tuple(sample, changes).map(([file, all]) => {
      const copy = file.slice();
      for (const [at, value] of all) copy[at % copy.length] = value;
      return copy;
    });
    fc.assert(fc.property(broken, pieceBytes, survives), { numRuns: 1000 });
  });

  test("a file that is cut anywhere, and gives the frames before that", () => {
    for (const file of SAMPLES) {
      const whole = readAll(file).frames.length;
      for (let length = 0; length < file.length; length += 3) {
        survives(file.subarray(0, length), 50);
        expect(readAll(file.subarray(0, length)).frames.length).toBeLessThanOrEqual(whole);
      }
    }
  });

  test("pieces of any length: they make no difference", () => {
    fc.assert(
      fc.property(sample, pieceBytes, (file, piece) => {
        expect(readAll(file, piece).frames).toEqual(readAll(file).frames);
      }),
    );
  });
});
