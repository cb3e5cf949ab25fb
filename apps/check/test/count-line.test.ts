import { describe, expect, test } from "vitest";
import { formatCounts, isCountLine } from "../src/count-line.ts";

describe("the last line of a test run", () => {
  test("names what passed and what failed", () => {
    expect(formatCounts({ passed: 12, failed: 0, skipped: 0 })).toBe("12 passed, 0 failed");
  });

  test("names what was skipped only where something was", () => {
    expect(formatCounts({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
  });

  test("is told from other lines", () => {
    expect(isCountLine("3 passed, 1 failed, 2 skipped")).toBe(true);
    expect(isCountLine("12 passed, 0 failed")).toBe(true);
    expect(isCountLine("Tests  12 passed, 0 failed")).toBe(false);
    expect(isCountLine("12 passed, 0 failed.")).toBe(false);
  });
});
