import { describe, expect, it } from "vitest";
import { hugePages } from "../../src/doctor/machine.ts";

describe("huge pages", () => {
  it("how many are free, of which size", () => {
    const meminfo = "MemTotal: 1 kB\nHugePages_Total:     600\nHugePages_Free:      512\nHugepagesize:       2048 kB\n";
    expect(hugePages(meminfo)).toEqual({ free: 512, sizeBytes: 2 << 20 });
  });

  it("none with a kernel that knows none", () => {
    expect(hugePages("MemTotal: 1 kB\n")).toEqual({ free: 0, sizeBytes: 0 });
  });
});
