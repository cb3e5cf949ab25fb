import { describe, expect, it } from "vitest";
import { deviceEntry, irqEmulation, PciDefinitionError } from "../src/index.ts";
import { expectRefusesImpossible } from "./support/impossible.ts";
import { RawEntry } from "./support/raw-entry.ts";

describe("irqEmulation", () => {
  it("shows the line at any width and leaves the registers beside it", () => {
    const entry = irqEmulation(new RawEntry({ 60: 0x55, 61: 2, 62: 3, 63: 0x84 }), 11);
    expect([entry.ioRead(0x3c, 1), entry.ioRead(0x3c, 2), entry.ioRead(0x3c, 4)]).toEqual([11, 0x020b, 0x8403_020b]);
    expect(entry.ioRead(0x3d, 1)).toBe(2);
  });

  it("ignores writes of the line, and lets the bytes beside it through", () => {
    const below = new RawEntry();
    const entry = irqEmulation(below, 11);
    entry.ioWrite(0x3c, 1, 5);
    entry.ioWrite(0x3c, 2, 0x0605);
    entry.ioWrite(0x3c, 4, 0x0807_0605);
    entry.ioWrite(0x40, 4, 9);
    expect(below.log).toEqual(["3d 1 6", "3d 1 6", "3e 1 7", "3f 1 8", "40 4 9"]);
    expect(entry.ioRead(0x3c, 1)).toBe(11);
  });

  it("refuses accesses that cannot be", () => {
    expectRefusesImpossible(irqEmulation(new RawEntry(), 1));
  });

  it("passes a reset on where there is somebody to reset", () => {
    const below = deviceEntry({ vendorId: 0, deviceId: 0 });
    const entry = irqEmulation(below, 1);
    entry.ioWrite(0x04, 2, 1);
    entry.reset?.();
    expect(entry.ioRead(0x04, 2)).toBe(0);
    expect(irqEmulation(new RawEntry(), 1).reset).toBe(undefined);
  });

  it("wants a line of one byte", () => {
    for (const line of [-1, 256, 1.5, Number.NaN]) {
      expect(() => irqEmulation(new RawEntry(), line)).toThrow(PciDefinitionError);
    }
  });
});
