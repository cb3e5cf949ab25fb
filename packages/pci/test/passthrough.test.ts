import { describe, expect, it } from "vitest";
import { formatPciAddress, type PciAddress, type PciConfig, passthrough } from "../src/index.ts";
import { RawEntry } from "./support/raw-entry.ts";

/** Another machine's configuration space with one function. */
function elsewhere(there: RawEntry, log: string[]): PciConfig {
  const read = (size: number) => (address: PciAddress, offset: number) => {
    log.push(`read ${formatPciAddress(address)} ${offset.toString(16)} ${size}`);
    return there.ioRead(offset, size);
  };
  const write = (size: number) => (address: PciAddress, offset: number, value: number) => {
    log.push(`write ${formatPciAddress(address)} ${offset.toString(16)} ${size} ${value.toString(16)}`);
  };
  return {
    ioRead8: read(1),
    ioRead16: read(2),
    ioRead32: read(4),
    ioWrite8: write(1),
    ioWrite16: write(2),
    ioWrite32: write(4),
  };
}

describe("passthrough", () => {
  it("hands each access on with its width and the function's own address", () => {
    const log: string[] = [];
    const entry = passthrough({ bus: 3, dev: 31, fun: 7 }, elsewhere(new RawEntry({ 0: 0xf4, 1: 0x1a }), log));
    expect([entry.ioRead(0, 1), entry.ioRead(0, 2), entry.ioRead(0, 4)]).toEqual([0xf4, 0x1af4, 0x1af4]);
    entry.ioWrite(0x44, 1, 0x1ff);
    entry.ioWrite(0x44, 2, -1);
    entry.ioWrite(0x44, 4, -1);
    expect(log).toEqual([
      "read 03:1f.7 0 1",
      "read 03:1f.7 0 2",
      "read 03:1f.7 0 4",
      "write 03:1f.7 44 1 ff",
      "write 03:1f.7 44 2 ffff",
      "write 03:1f.7 44 4 ffffffff",
    ]);
  });

  it("keeps accesses that cannot be to itself", () => {
    const log: string[] = [];
    const entry = passthrough({ bus: 0, dev: 0, fun: 0 }, elsewhere(new RawEntry(), log));
    expect([entry.ioRead(0, 3), entry.ioRead(1, 2), entry.ioRead(256, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
    entry.ioWrite(2, 4, 0);
    expect(log).toEqual([]);
  });

  it("cuts what the other side answers to its width", () => {
    const all: PciConfig = {
      ...elsewhere(new RawEntry(), []),
      ioRead8: () => -1,
      ioRead16: () => -1,
      ioRead32: () => -1,
    };
    const entry = passthrough({ bus: 0, dev: 0, fun: 0 }, all);
    expect([1, 2, 4].map((size) => entry.ioRead(0, size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
  });
});
