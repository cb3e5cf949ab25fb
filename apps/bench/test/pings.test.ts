import { describe, expect, it } from "vitest";
import { medians, percentileOfAll, turnsOf } from "../src/emulator/pings.ts";

describe("turns of two cards", () => {
  it("who is first in one round is last in the next, so a drift favours neither", () => {
    const cards = ["own", "ours"];
    expect([0, 1, 2].map((round) => turnsOf(cards, round).map(([, card]) => card))).toEqual([
      ["own", "ours"],
      ["ours", "own"],
      ["own", "ours"],
    ]);
    expect(turnsOf(cards, 1)).toEqual([
      [1, "ours"],
      [0, "own"],
    ]);
    expect(cards).toEqual(["own", "ours"]);
  });
});

describe("groups of pings", () => {
  const groups = [
    [1, 2, 9],
    [3, 4, 5],
  ];

  it("each has its median, for the ratio to its neighbour", () => {
    expect(medians(groups)).toEqual([2, 4]);
  });

  it("percentiles are of all of them, as a group has too few", () => {
    expect(percentileOfAll(groups, 0.5)).toBe(3);
    expect(percentileOfAll(groups, 0.99)).toBe(9);
  });
});
