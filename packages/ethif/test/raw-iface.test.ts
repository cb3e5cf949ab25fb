import { describe, expect, it } from "vitest";
import { Offload, TxResult } from "../src/index.ts";

describe("TxResult", () => {
  it("has the values of the C original", () => {
    expect(TxResult).toEqual({ Failed: -1, Enqueued: 0, Complete: 1 });
  });
});

describe("Offload", () => {
  it("has a bit of its own for each", () => {
    const bits = Object.values(Offload);
    expect(bits.every((bit) => Number.isInteger(Math.log2(bit)))).toBe(true);
    expect(new Set(bits).size).toBe(bits.length);
  });
});
