import { Frame } from "@vmmkit/ethif";
import { describe, expect, it } from "vitest";
import { writeNetHeader } from "../src/net-header.ts";
import { WordViews } from "../src/offload/word-views.ts";

const views = new WordViews();

function offloads(): Frame {
  return Object.assign(new Frame(), {
    flags: 1,
    gsoType: 4,
    hdrLen: 0x0102,
    gsoSize: 0x0304,
    csumStart: 0x0506,
    csumOffset: 0x0708,
  });
}

/** Room of the given lengths, with a byte between the pieces that nobody may touch. */
function room(lengths: readonly number[]): { readonly target: Frame; readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(40).fill(0xee);
  const target = new Frame();
  let at = 1;
  for (const length of lengths) {
    target.push(bytes, at, length);
    at += length + 1;
  }
  return { target, bytes };
}

const FIELDS = [1, 4, 2, 1, 4, 3, 6, 5, 8, 7];

describe("writeNetHeader (5.1.6)", () => {
  it("is little-endian, 10 bytes long, or 12 with num_buffers", () => {
    const plain = room([10]);
    writeNetHeader(plain.target, offloads(), 0x0a0b, views);
    expect([...plain.bytes.subarray(0, 13)]).toEqual([0xee, ...FIELDS, 0xee, 0xee]);
    const merged = room([12]);
    writeNetHeader(merged.target, offloads(), 0x0a0b, views);
    expect([...merged.bytes.subarray(0, 14)]).toEqual([0xee, ...FIELDS, 0x0b, 0x0a, 0xee]);
  });

  it.each([
    [[1, 9], 10],
    [[3, 3, 4], 10],
    [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 10],
    [[11, 1], 12],
    [[2, 10], 12],
  ])("goes into pieces of %j bytes", (lengths, count) => {
    const { target, bytes } = room(lengths);
    writeNetHeader(target, offloads(), 3, views);
    const written: number[] = [];
    for (let i = 0; i < target.rangeCount; i++) {
      const at = target.offset[i] ?? 0;
      const length = target.length[i] ?? 0;
      written.push(...bytes.subarray(at, at + length));
      expect(bytes[at + length]).toBe(0xee);
    }
    expect(written).toEqual([...FIELDS, 3, 0].slice(0, count));
  });
});
