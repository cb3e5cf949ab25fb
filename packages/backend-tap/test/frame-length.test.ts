import { describe, expect, it } from "vitest";
import { FrameLength } from "../src/frame-length.ts";
import { MAX_FRAME_BYTES } from "../src/limits.ts";

describe("how long the next frame may be", () => {
  it("is what the MTU allows, until a longer one comes", () => {
    const length = new FrameLength();
    length.setLimits(1500, true);
    const ordinary = length.expected;
    expect([ordinary >= 1518, length.longest]).toEqual([true, MAX_FRAME_BYTES]);
    length.saw(ordinary);
    expect(length.expected).toBe(ordinary);
    length.saw(ordinary + 1);
    expect(length.expected).toBe(MAX_FRAME_BYTES);
  });

  it("is that again after many short ones in a row", () => {
    const length = new FrameLength();
    length.setLimits(1500, true);
    const ordinary = length.expected;
    length.saw(60_000);
    for (let i = 0; i < 31; i++) length.saw(60);
    expect(length.expected).toBe(MAX_FRAME_BYTES);
    length.saw(60_000);
    for (let i = 0; i < 31; i++) length.saw(60);
    expect(length.expected).toBe(MAX_FRAME_BYTES);
    length.saw(60);
    expect(length.expected).toBe(ordinary);
  });

  it("is never more than the MTU allows where no segments come", () => {
    const length = new FrameLength();
    length.setLimits(9000, false);
    expect(length.longest).toBe(length.expected);
    length.saw(60_000);
    expect(length.expected).toBe(length.longest);
  });
});
