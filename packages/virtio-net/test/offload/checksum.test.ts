import { Frame } from "@vmmkit/ethif";
import { slowSum } from "@vmmkit/guest-driver";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checksumOf, fillChecksum, fold, sumBytes, sumFrame, swap16 } from "../../src/offload/checksum.ts";
import { WordViews } from "../../src/offload/word-views.ts";

const views = new WordViews();
const bytes = fc.uint8Array({ minLength: 0, maxLength: 300 });

/** The same bytes in ranges of the given lengths, at addresses of every alignment. */
function inRanges(whole: Uint8Array, cuts: readonly number[]): Frame {
  const frame = new Frame();
  const memory = new Uint8Array(whole.length * 2 + 64 * (cuts.length + 2));
  let from = 0;
  let at = 1;
  for (const cut of [...cuts, whole.length]) {
    const piece = whole.subarray(from, Math.min(from + cut, whole.length));
    if (piece.length === 0) continue;
    memory.set(piece, at);
    frame.push(memory, at, piece.length);
    from += piece.length;
    at += piece.length + 3;
  }
  return frame;
}

describe("sums (RFC 1071)", () => {
  it("of the RFC's example", () => {
    const example = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(swap16(sumBytes(example, views.of(example), 0, 8))).toBe(0xddf2);
  });

  it("are those of the simple way, wherever the bytes lie and however many there are", () => {
    fc.assert(
      fc.property(bytes, fc.nat(7), fc.boolean(), (data, offset, words) => {
        const memory = new Uint8Array(data.length + 16).fill(0xee);
        memory.set(data, offset);
        const view = words ? views.of(memory) : new Uint32Array(0);
        const sum = sumBytes(memory, view, offset, data.length);
        expect(swap16(sum) % 0xffff).toBe(slowSum(data) % 0xffff);
      }),
      { numRuns: 2000 },
    );
  });

  it("over ranges of any length, from any byte to any byte", () => {
    fc.assert(
      fc.property(
        bytes,
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 12 }),
        fc.nat(299),
        fc.nat(299),
        (data, cuts, a, b) => {
          const from = Math.min(a, b, data.length);
          const to = Math.min(Math.max(a, b), data.length);
          const sum = sumFrame(inRanges(data, cuts), views, from, to);
          expect(swap16(sum) % 0xffff).toBe(slowSum(data.subarray(from, to)) % 0xffff);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("of 64 KiB of ones do not overflow", () => {
    const ones = new Uint8Array(65_536).fill(0xff);
    expect(sumBytes(ones, views.of(ones), 0, 65_536) % 0xffff).toBe(0);
    expect(fold(2 ** 53 - 1)).toBeLessThan(0x1_0000);
  });

  it("give a checksum that is never 0, which UDP has for none", () => {
    expect(checksumOf(0xffff)).toBe(0xffff);
    expect(checksumOf(0)).toBe(0xffff);
    expect(checksumOf(0x1234)).toBe(0xedcb);
  });
});

describe("fillChecksum (5.1.6.2)", () => {
  it("makes the bytes from csum_start on sum up to all ones, and changes no other byte", () => {
    const property = fc.property(
      fc.uint8Array({ minLength: 40, maxLength: 300 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 12 }),
      fc.nat(20),
      fc.nat(9),
      (data, cuts, csumStart, half) => {
        const frame = inRanges(data, cuts);
        Object.assign(frame, { csumStart, csumOffset: 2 * half });
        expect(fillChecksum(frame, views, data.length)).toBe(true);
        const after = Uint8Array.from({ length: data.length }, (_, i) => byteAt(frame, i));
        const sum = slowSum(after.subarray(csumStart));
        // The field's start value counts: taking it away again leaves the sum of the others.
        const field = csumStart + 2 * half;
        expect([...after.subarray(0, field)]).toEqual([...data.subarray(0, field)]);
        expect([...after.subarray(field + 2)]).toEqual([...data.subarray(field + 2)]);
        const start = ((data[field] ?? 0) << 8) | (data[field + 1] ?? 0);
        expect((sum + start) % 0xffff).toBe(0);
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  it("refuses a field that is not in the frame, though there is room behind it", () => {
    const frame = inRanges(new Uint8Array(100), []);
    Object.assign(frame, { csumStart: 14, csumOffset: 45 });
    expect(fillChecksum(frame, views, 60)).toBe(false);
    expect(fillChecksum(frame, views, 61)).toBe(true);
  });
});

function byteAt(frame: Frame, position: number): number {
  let at = position;
  for (let i = 0; i < frame.rangeCount; i++) {
    const length = frame.length[i] ?? 0;
    if (at < length) return frame.bytes[i]?.[(frame.offset[i] ?? 0) + at] ?? -1;
    at -= length;
  }
  return -1;
}
