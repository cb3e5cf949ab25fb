import { describe, expect, it } from "vitest";
import {
  type BarEntry,
  barEmulation,
  deviceEntry,
  type PciBar,
  type PciBarWindow,
  PciDefinitionError,
} from "../src/index.ts";
import { expectRefusesImpossible } from "./support/impossible.ts";
import { RawEntry } from "./support/raw-entry.ts";

const IO: PciBar = { kind: "io", address: 0xc000, sizeBits: 5 };
const MEM32: PciBar = { kind: "mem32", address: 0xfebf_0000, sizeBits: 12 };
const MEM64: PciBar = { kind: "mem64", address: 0x8_0000_0000, sizeBits: 14, prefetchable: true };
const COMMAND = 0x04;
const BAR0 = 0x10;

function make(bars: readonly (PciBar | null)[], command = 0x0003): { entry: BarEntry; told: PciBarWindow[] } {
  const told: PciBarWindow[] = [];
  const header = deviceEntry({ vendorId: 0x1af4, deviceId: 0x1000, command, bar0: 0xdead_beef });
  const entry = barEmulation(header, bars, { onBarChange: (window) => told.push(window) });
  return { entry, told };
}

/** What a window is, in short: "c000" or "off". */
function short(windows: readonly PciBarWindow[]): string[] {
  return windows.map((window) => (window.enabled ? window.address.toString(16) : "off"));
}

describe("registers", () => {
  it("show the address and the fixed low bits of their kind (6.2.5.1)", () => {
    const { entry } = make([IO, MEM32, { ...MEM32, prefetchable: true }, null, MEM64]);
    const read = [0, 1, 2, 3, 4, 5].map((i) => entry.ioRead(BAR0 + 4 * i, 4));
    expect(read).toEqual([0xc001, 0xfebf_0000, 0xfebf_0008, 0, 0x0000_000c, 8]);
    expect(entry.bars().map((window) => [window.index, window.kind, window.size])).toEqual([
      [0, "io", 32],
      [1, "mem32", 4096],
      [2, "mem32", 4096],
      [4, "mem64", 16384],
    ]);
  });

  it("without a BAR read 0 whatever is written, and never reach the entry below", () => {
    const below = new RawEntry();
    const entry = barEmulation(below, [IO]);
    for (let offset = 0x14; offset < 0x28; offset += 4) entry.ioWrite(offset, 4, 0xffff_ffff);
    expect(entry.ioRead(0x24, 4)).toBe(0);
    expect(below.log).toEqual([]);
    entry.ioWrite(0x28, 4, 1);
    entry.ioWrite(0x0c, 4, 2);
    expect(below.log).toEqual(["28 4 1", "c 4 2"]);
  });

  it("give their size when all ones are written", () => {
    const { entry } = make([IO, MEM32, MEM64]);
    for (let offset = 0x10; offset < 0x20; offset += 4) entry.ioWrite(offset, 4, 0xffff_ffff);
    const read = [0x10, 0x14, 0x18, 0x1c].map((offset) => entry.ioRead(offset, 4));
    expect(read).toEqual([0xffff_ffe1, 0xffff_f000, 0xffff_c00c, 0xffff_ffff]);
  });

  it("give their size when all ones are written byte by byte or word by word", () => {
    const { entry } = make([IO, MEM32]);
    for (let i = 0; i < 4; i++) entry.ioWrite(0x10 + i, 1, 0xff);
    for (let i = 0; i < 4; i += 2) entry.ioWrite(0x14 + i, 2, 0xffff);
    expect([entry.ioRead(0x10, 4), entry.ioRead(0x14, 4)]).toEqual([0xffff_ffe1, 0xffff_f000]);
    expect([0x10, 0x11, 0x12, 0x13].map((offset) => entry.ioRead(offset, 1))).toEqual([0xe1, 0xff, 0xff, 0xff]);
    expect([entry.ioRead(0x14, 2), entry.ioRead(0x16, 2)]).toEqual([0xf000, 0xffff]);
  });

  it("of a large mem64 have address bits in the upper half alone", () => {
    const { entry } = make([{ kind: "mem64", address: 2 ** 40, sizeBits: 34 }]);
    expect([entry.ioRead(0x10, 4), entry.ioRead(0x14, 4)]).toEqual([4, 256]);
    entry.ioWrite(0x10, 4, 0xffff_ffff);
    entry.ioWrite(0x14, 4, 0xffff_ffff);
    expect([entry.ioRead(0x10, 4), entry.ioRead(0x14, 4)]).toEqual([4, 0xffff_fffc]);
  });

  it("refuse accesses that cannot be", () => {
    expectRefusesImpossible(make([IO, MEM32, MEM64]).entry);
  });
});

describe("decoding", () => {
  it("follows the command register's bits, each its kind", () => {
    const { entry, told } = make([IO, MEM32, MEM64], 0);
    expect(short(entry.bars())).toEqual(["off", "off", "off"]);
    entry.ioWrite(COMMAND, 2, 0x0001);
    expect(short(told)).toEqual(["c000"]);
    entry.ioWrite(COMMAND, 2, 0x0002);
    expect(short(told.slice(1))).toEqual(["off", "febf0000", "800000000"]);
    entry.ioWrite(COMMAND, 4, 0x0003);
    expect(short(entry.bars())).toEqual(["c000", "febf0000", "800000000"]);
    entry.ioWrite(COMMAND, 1, 0);
    expect(short(entry.bars())).toEqual(["off", "off", "off"]);
  });

  it("does not follow bits that the function does not have", () => {
    const below = deviceEntry({ vendorId: 0, deviceId: 0, commandWritable: 0 });
    const entry = barEmulation(below, [IO]);
    entry.ioWrite(COMMAND, 2, 0x0003);
    expect(short(entry.bars())).toEqual(["off"]);
  });

  it("is told of once per change, and not where nothing changed", () => {
    const { entry, told } = make([IO]);
    entry.ioWrite(COMMAND, 2, 0x0003);
    entry.ioWrite(COMMAND, 2, 0x0007);
    entry.ioWrite(COMMAND + 1, 1, 0x01);
    entry.ioWrite(BAR0, 4, 0xc000);
    entry.ioWrite(0x3c, 1, 9);
    expect(told).toEqual([]);
  });
});

describe("relocation", () => {
  it("is told with the new window", () => {
    const { entry, told } = make([IO, MEM64]);
    entry.ioWrite(BAR0, 4, 0x1040);
    expect(told).toEqual([{ index: 0, kind: "io", address: 0x1040, size: 32, enabled: true }]);
    // The halves of a mem64 are two writes, and so two moves.
    entry.ioWrite(0x18, 4, 1);
    entry.ioWrite(0x14, 4, 0x1_8000);
    expect(short(told.slice(1))).toEqual(["100000000", "100018000"]);
    expect([entry.ioRead(0x14, 4), entry.ioRead(0x18, 4)]).toEqual([0x1_800c, 1]);
  });

  it("cuts what is not aligned", () => {
    const { entry } = make([IO]);
    entry.ioWrite(BAR0, 4, 0x105f);
    expect(entry.ioRead(BAR0, 4)).toBe(0x1041);
    expect(entry.bars()[0]?.address).toBe(0x1040);
  });

  it("to address 0 means nowhere", () => {
    const { entry } = make([IO]);
    entry.ioWrite(BAR0, 4, 0);
    expect(short(entry.bars())).toEqual(["off"]);
  });

  it("of ports behind 0xffff means nowhere", () => {
    const { entry } = make([IO]);
    for (const address of [0x1_0000, 0x1_c000, 0x8000_0000, 0xfebf_0000]) {
      entry.ioWrite(BAR0, 4, address);
      expect(short(entry.bars())).toEqual(["off"]);
    }
  });

  it("of memory to what a number cannot hold means nowhere", () => {
    const { entry } = make([MEM64]);
    entry.ioWrite(0x14, 4, 0x0020_0000);
    expect(short(entry.bars())).toEqual(["off"]);
    entry.ioWrite(0x14, 4, 0x001f_ffff);
    expect(short(entry.bars())).toEqual([(0x1f_ffff * 2 ** 32).toString(16)]);
  });
});

describe("sizing with decoding on", () => {
  const sizing: readonly (readonly [string, PciBar, (entry: BarEntry) => void, (entry: BarEntry) => void])[] = [
    ["of ports", IO, (e) => e.ioWrite(0x10, 4, 0xffff_ffff), (e) => e.ioWrite(0x10, 4, 0xc001)],
    [
      "of ports with the type bits left out",
      IO,
      (e) => e.ioWrite(0x10, 4, 0xffff_fffc),
      (e) => e.ioWrite(0x10, 4, 0xc001),
    ],
    ["of ports by their 16 bits", IO, (e) => e.ioWrite(0x10, 2, 0xffff), (e) => e.ioWrite(0x10, 2, 0xc001)],
    ["of memory", MEM32, (e) => e.ioWrite(0x10, 4, 0xffff_ffff), (e) => e.ioWrite(0x10, 4, 0xfebf_0000)],
    [
      "of memory with the type bits left out",
      MEM32,
      (e) => e.ioWrite(0x10, 4, 0xffff_fff0),
      (e) => e.ioWrite(0x10, 4, 0xfebf_0000),
    ],
    ["of the lower half", MEM64, (e) => e.ioWrite(0x10, 4, 0xffff_ffff), (e) => e.ioWrite(0x10, 4, 0xc)],
    ["of the upper half", MEM64, (e) => e.ioWrite(0x14, 4, 0xffff_ffff), (e) => e.ioWrite(0x14, 4, 8)],
  ];

  it.each(sizing)("%s is never told as a window, and the old one comes back", (_, bar, size, restore) => {
    const { entry, told } = make([bar]);
    size(entry);
    expect(short(told)).toEqual(["off"]);
    restore(entry);
    expect(short(told)).toEqual(["off", bar.address.toString(16)]);
  });

  it("does not keep a mem64 from the last place below a multiple of 4 GiB", () => {
    const { entry } = make([MEM64]);
    entry.ioWrite(0x10, 4, 0xffff_c000);
    expect(short(entry.bars())).toEqual(["8ffffc000"]);
  });
});

describe("reset", () => {
  it("brings back the addresses and the command register, and tells", () => {
    const { entry, told } = make([IO, MEM64], 0);
    entry.ioWrite(COMMAND, 2, 3);
    entry.ioWrite(BAR0, 4, 0x2000);
    entry.ioWrite(0x18, 4, 9);
    told.length = 0;
    entry.reset();
    expect(short(told)).toEqual(["off", "off"]);
    expect(entry.bars().map((window) => window.address)).toEqual([IO.address, MEM64.address]);
    entry.ioWrite(COMMAND, 2, 3);
    expect(short(entry.bars())).toEqual(["c000", "800000000"]);
  });
});

describe("an impossible BAR", () => {
  const bar =
    (change: Partial<PciBar>, base: PciBar = IO) =>
    () =>
      make([{ ...base, ...change }]);

  it("is refused with its register and value", () => {
    expect(bar({ sizeBits: 1 })).toThrow('"bars[0].sizeBits" expected 2 to 14, got 1');
    expect(bar({ sizeBits: 15, address: 0 })).toThrow(PciDefinitionError);
    expect(bar({ sizeBits: 31, address: 0 }, MEM32)).toThrow('"bars[0].sizeBits" expected 4 to 30, got 31');
    expect(bar({ sizeBits: 53, address: 0 }, MEM64)).toThrow(PciDefinitionError);
    expect(bar({ address: 0xc010 })).toThrow('"bars[0].address" expected a multiple of 32 in reach, got 49168');
    expect(bar({ address: 0x1_0000 })).toThrow(PciDefinitionError);
    expect(bar({ address: 0xffe0 })).toThrow(PciDefinitionError);
    expect(bar({ address: -32 })).toThrow(PciDefinitionError);
    expect(bar({ address: 2 ** 32 }, MEM32)).toThrow(PciDefinitionError);
    expect(bar({ prefetchable: true })).toThrow('"bars[0].prefetchable" expected false for I/O ports, got true');
  });

  it("is one that has no register left", () => {
    expect(() => make([IO, IO, IO, IO, IO, IO])).not.toThrow();
    expect(() => make([IO, IO, IO, IO, IO, MEM64])).toThrow('"bars" expected at most 6 registers, got 7');
  });
});
