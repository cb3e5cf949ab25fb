import { describe, expect, it } from "vitest";
import { stateFlag, stateInteger, stateIntegers, stateList, stateRecord } from "../src/index.ts";

describe("the fields of a state", () => {
  it("that are what they should be are answered", () => {
    expect(stateRecord("a", { b: 1 })).toEqual({ b: 1 });
    expect(stateList("a", [1, "x"], 2)).toEqual([1, "x"]);
    expect(stateInteger("a", 7, 7, 7)).toBe(7);
    expect(stateIntegers("a", [0, 255], 1, 3, 255)).toEqual([0, 255]);
    expect(stateFlag("a", false)).toBe(false);
  });

  it.each<[string, () => unknown, string]>([
    ["no object", () => stateRecord("a", null), '"a" expected an object, got null'],
    ["an array", () => stateRecord("a", []), '"a" expected an object, got an array'],
    ["no array", () => stateList("a", {}, 0), '"a" expected an array, got object'],
    ["too short an array", () => stateList("a", [], 1, 2), '"a.length" expected 1 to 2, got 0'],
    ["no number", () => stateInteger("a", "7", 0, 9), '"a" expected 0 to 9, got 7'],
    ["a fraction", () => stateInteger("a", 0.5, 0, 9), '"a" expected 0 to 9, got 0.5'],
    ["no number at all", () => stateInteger("a", Number.NaN, 0, 9), '"a" expected 0 to 9, got NaN'],
    ["too large a number", () => stateInteger("a", 10, 0, 9), '"a" expected 0 to 9, got 10'],
    ["a wrong element", () => stateIntegers("a", [1, -1], 0, 4, 9), '"a[1]" expected 0 to 9, got -1'],
    ["a hole", () => stateIntegers("a", new Array(2), 0, 4, 9), '"a[0]" expected 0 to 9, got undefined'],
    ["no boolean", () => stateFlag("a", 1), '"a" expected true or false, got 1'],
  ])("%s is refused by name", (_what, check, message) => {
    expect(check).toThrow(message);
  });
});
