import type { InterruptController } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { deviceEntry, type IntxEntry, intxEmulation } from "../src/index.ts";
import { expectRefusesImpossible } from "./support/impossible.ts";

function make(): { entry: IntxEntry; levels: [number, boolean][] } {
  const levels: [number, boolean][] = [];
  const interrupts: InterruptController = { setLine: (line, level) => levels.push([line, level]) };
  return { entry: intxEmulation(deviceEntry({ vendorId: 0, deviceId: 0, status: 0x0280 }), interrupts, 11), levels };
}

describe("intxEmulation", () => {
  it("sets the line when its level changes, and only then", () => {
    const { entry, levels } = make();
    entry.setLevel(false);
    entry.setLevel(true);
    entry.setLevel(true);
    entry.setLevel(false);
    expect(levels).toEqual([
      [11, true],
      [11, false],
    ]);
  });

  it("shows the level in the status register's interrupt bit (6.2.3)", () => {
    const { entry } = make();
    entry.setLevel(true);
    expect([entry.ioRead(0x06, 2), entry.ioRead(0x06, 1), entry.ioRead(0x04, 4), entry.ioRead(0x07, 1)]).toEqual([
      0x0288, 0x88, 0x0288_0000, 0x02,
    ]);
    entry.setLevel(false);
    expect(entry.ioRead(0x06, 2)).toBe(0x0280);
  });

  it("keeps the line low while the guest has set INTx disable, and shows the level all the same (6.2.2)", () => {
    const { entry, levels } = make();
    entry.setLevel(true);
    entry.ioWrite(0x04, 2, 0x0400);
    expect(entry.ioRead(0x06, 1)).toBe(0x88);
    entry.setLevel(false);
    entry.setLevel(true);
    entry.ioWrite(0x05, 1, 0);
    expect(levels).toEqual([
      [11, true],
      [11, false],
      [11, true],
    ]);
  });

  it("lets go of INTx disable at a reset", () => {
    const { entry, levels } = make();
    entry.ioWrite(0x04, 4, 0x0400);
    entry.setLevel(true);
    expect(levels).toEqual([]);
    entry.reset();
    expect(levels).toEqual([[11, true]]);
  });

  it("refuses accesses that cannot be", () => {
    const { entry } = make();
    entry.setLevel(true);
    expectRefusesImpossible(entry);
  });
});
