import { describe, expect, it } from "vitest";
import { RequestError } from "../src/errors.ts";
import { ringBase } from "../src/ring-base.ts";

describe("SET_VRING_BASE", () => {
  it("split: an index of 16 bits", () => {
    expect(ringBase(0x1_2345, 64, false)).toBe(0x2345);
  });

  it("packed: both positions with their wrap counters", () => {
    expect(ringBase(0x8003_0005, 64, true)).toBe(0x8003_0005);
    expect(ringBase(0x0000_0000, 64, true)).toBe(0);
  });

  it("packed, as DPDK says that it starts: the used position is the same", () => {
    expect(ringBase(0x8000, 64, true)).toBe(0x8000_8000);
  });

  it.each([0x8000_0040, 0x0040_8000, 0xffff_ffff])("packed: %i is outside of a ring of 64", (num) => {
    expect(() => ringBase(num, 64, true)).toThrow(RequestError);
  });
});
