import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { MemoryWindow } from "../src/queue/memory-window.ts";

const GIB = 2 ** 30;

/** A window over a region of 64 KiB at `gpa`, moved to where `at` is. */
function windowAt(gpa: number, at = gpa): MemoryWindow {
  const memory = new GuestMemory();
  const size = 0x1_0000;
  const region = memory.addRegion({ gpa, size, buffer: new ArrayBuffer(size), hostAddress: 0x7000_0000_0000 });
  const window = new MemoryWindow();
  window.move(region, at);
  return window;
}

function find(window: MemoryWindow, gpa: number, length: number): number {
  return window.find(gpa % 2 ** 32, Math.floor(gpa / 2 ** 32), length);
}

describe("a window of guest memory", () => {
  it.each([
    ["at 0", 0],
    ["below 2 GiB", 0x7fff_0000],
    ["above 2 GiB", 0x8000_0000],
    ["below 4 GiB", 0xffff_0000],
    ["above 4 GiB", 0x1_0000_0000],
    ["far above", 0x1_2345_8765_0000],
  ])("finds a buffer that lies in it as a whole: region %s", (_, gpa) => {
    const window = windowAt(gpa);
    expect(find(window, gpa, 1)).toBe(0);
    expect(find(window, gpa + 0xffff, 1)).toBe(0xffff);
    expect(find(window, gpa, 0x1_0000)).toBe(0);
    expect(find(window, gpa + 0xffff, 2)).toBe(-1);
    expect(find(window, gpa, 0x1_0001)).toBe(-1);
    expect(find(window, gpa + 0x1_0000, 1)).toBe(-1);
    if (gpa > 0) expect(find(window, gpa - 1, 2)).toBe(-1);
    for (const length of [0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) expect(find(window, gpa, length)).toBe(-1);
    for (const other of [gpa + 2 ** 31, gpa + 2 ** 32, gpa + 2 ** 52]) expect(find(window, other, 1)).toBe(-1);
  });

  it("ends where a gigabyte ends, and says where in the region it starts", () => {
    const gpa = GIB - 0x8000;
    const low = windowAt(gpa);
    expect([low.gpa, low.offset, low.lengthBytes]).toEqual([gpa, 0, 0x8000]);
    expect(find(low, GIB, 1)).toBe(-1);
    const high = windowAt(gpa, GIB + 5);
    expect([high.gpa, high.offset, high.lengthBytes]).toEqual([GIB, 0x8000, 0x8000]);
    expect(find(high, GIB + 5, 1)).toBe(5);
    expect(find(high, GIB - 1, 1)).toBe(-1);
  });

  it("finds nothing before it was moved, and once it is closed", () => {
    const fresh = new MemoryWindow();
    expect(find(fresh, 0, 1)).toBe(-1);
    const window = windowAt(0);
    window.close();
    expect(find(window, 0, 1)).toBe(-1);
    expect([window.bytes.length, window.words.length]).toEqual([0, 0]);
  });
});
