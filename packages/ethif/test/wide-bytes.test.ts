import { describe, expect, it } from "vitest";
import { WideBytes, wideBytes } from "../src/wide-bytes.ts";

const REGION = 0x1_0000;

/** The host's; the compiler shows these tests no host. */
declare function structuredClone(value: ArrayBufferLike, options: { transfer: ArrayBufferLike[] }): ArrayBufferLike;

describe("wideBytes", () => {
  it("makes a region's views once", () => {
    const bytes = new Uint8Array(REGION);
    expect(wideBytes(bytes)).toBe(wideBytes(bytes));
    expect(wideBytes(new Uint8Array(bytes.buffer))).not.toBe(wideBytes(bytes));
  });

  it("makes none of an array that is too short to be a region", () => {
    expect(wideBytes(new Uint8Array(REGION - 1))).toBeNull();
  });

  it("makes none of a detached array", () => {
    const bytes = new Uint8Array(REGION);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(wideBytes(bytes)).toBeNull();
  });
});

describe("viewOf", () => {
  const bytes = new Uint8Array(new ArrayBuffer(REGION + 64), 24, REGION);
  const wide = new WideBytes(bytes);

  it("is a view of just these bytes", () => {
    const view = wide.viewOf(100, 1514);
    expect([view.buffer, view.byteOffset, view.length]).toEqual([bytes.buffer, 124, 1514]);
  });

  it("is the same view for the same bytes, and another for others", () => {
    const view = wide.viewOf(4096, 60);
    expect(wide.viewOf(4096, 60)).toBe(view);
    expect(wide.viewOf(4096, 61).length).toBe(61);
    expect(wide.viewOf(4097, 60).byteOffset).toBe(24 + 4097);
  });

  it("is right however many were asked for before", () => {
    for (let from = 0; from + 64 <= REGION; from += 16) {
      const view = wide.viewOf(from, 64);
      expect([view.byteOffset, view.length]).toEqual([24 + from, 64]);
    }
  });
});
