import { describe, expect, it } from "vitest";
import { LoneFrames } from "../src/lone-frames.ts";

describe("whether a frame is followed by another", () => {
  it("is looked for as long as there were others now and then", () => {
    const lone = new LoneFrames();
    for (const found of [1, 1, 2, 3, 1, 2, 1, 0, 1, 1, 1]) {
      expect(lone.guess()).toBe(false);
      lone.looked(found);
    }
  });

  it("is taken for granted after four looks that found few, but looked for again every sixteenth time", () => {
    const lone = new LoneFrames();
    for (let i = 0; i < 4; i++) lone.looked(1);
    const guesses = Array.from({ length: 16 }, () => lone.guess());
    expect(guesses).toEqual([...Array(15).fill(true), false]);
    lone.looked(1);
    expect(lone.guess()).toBe(true);
  });

  it("one look that found three ends it, once the guesses are used up", () => {
    const lone = new LoneFrames();
    for (let i = 0; i < 4; i++) lone.looked(1);
    while (lone.guess()) {
      // Used up.
    }
    lone.looked(3);
    expect(lone.guess()).toBe(false);
  });
});
