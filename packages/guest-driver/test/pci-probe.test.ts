import { barEmulation, deviceEntry } from "@vmmkit/pci";
import { describe, expect, it } from "vitest";
import { DriverError, enumeratePci, findPciFunction, GuestMachine } from "../src/index.ts";
import { NaiveCard } from "./support/naive-card.ts";

describe("finding functions", () => {
  it("finds every function on bus 0, several on a device too", () => {
    const machine = new GuestMachine();
    new NaiveCard(machine);
    const at = (fun: number) => ({ bus: 0, dev: 9, fun });
    machine.pci.addEntry(deviceEntry({ vendorId: 0x1234, deviceId: 1, classCode: 2 }), at(0));
    machine.pci.addEntry(deviceEntry({ vendorId: 0x1234, deviceId: 2, classCode: 2 }), at(5));
    const found = enumeratePci(machine.ports).map(String);
    expect(found[0]).toBe("00:00.0");
    expect(found.slice(-2)).toEqual(["00:09.0", "00:09.5"]);
    expect(found.length).toBe(4);
  });

  it("finds the nth card, and says how many there are where it does not", () => {
    const machine = new GuestMachine();
    new NaiveCard(machine);
    new NaiveCard(machine);
    const first = findPciFunction(machine.ports, 0x1af4, 0x1000);
    const second = findPciFunction(machine.ports, 0x1af4, 0x1000, 1);
    expect(second.device).toBeGreaterThan(first.device);
    expect(() => findPciFunction(machine.ports, 0x1af4, 0x1000, 2)).toThrow(
      new DriverError("no PCI function 1af4:1000 number 2, bus 0 has 2"),
    );
  });
});

describe("a function", () => {
  it("tells its identity and its interrupt", () => {
    const machine = new GuestMachine();
    new NaiveCard(machine);
    const card = findPciFunction(machine.ports, 0x1af4, 0x1000);
    expect(card).toMatchObject({
      headerType: 0,
      multiFunction: false,
      interruptPin: 1,
      interruptLine: 11,
      present: true,
    });
    expect(card.classCode >>> 16).toBe(2);
  });

  it("has its BARs sized with everything as it was afterwards", () => {
    const machine = new GuestMachine();
    const header = deviceEntry({ vendorId: 0x1234, deviceId: 1, classCode: 2 });
    const entry = barEmulation(
      header,
      [
        { kind: "io", address: 0xc040, sizeBits: 6 },
        { kind: "mem32", address: 0xfeb0_0000, sizeBits: 12 },
      ],
      { onBarChange: () => {} },
    );
    machine.pci.addEntry(entry);
    const func = findPciFunction(machine.ports, 0x1234, 1);
    func.command = 3;
    const before = [0x04, 0x10, 0x14, 0x18].map((offset) => func.read(offset, 4));
    expect(func.bars().map((bar) => [bar.index, bar.kind, bar.address, bar.size])).toEqual([
      [0, "io", 0xc040, 64],
      [1, "memory32", 0xfeb0_0000, 4096],
    ]);
    expect([0x04, 0x10, 0x14, 0x18].map((offset) => func.read(offset, 4))).toEqual(before);
  });

  it("answers at its new ports after its BAR was moved, and not at the old ones", () => {
    const machine = new GuestMachine();
    const card = new NaiveCard(machine);
    const func = findPciFunction(machine.ports, 0x1af4, 0x1000);
    func.enable();
    const [bar] = func.bars();
    if (bar === undefined) throw new Error("the card has no BAR");
    card.status = 0x55;
    expect(machine.ports.in(bar.address + 18, 1)).toBe(0x55);
    const moved = func.moveBar(bar, 0xd000);
    expect(moved).toEqual({ ...bar, address: 0xd000 });
    expect(machine.ports.in(0xd012, 1)).toBe(0x55);
    expect(machine.ports.in(bar.address + 18, 1)).toBe(0xff);
    func.setIoDecoding(false);
    expect(machine.ports.in(0xd012, 1)).toBe(0xff);
    func.setIoDecoding(true);
    expect(machine.ports.in(0xd012, 1)).toBe(0x55);
  });

  it("refuses an address that the BAR does not take", () => {
    const machine = new GuestMachine();
    new NaiveCard(machine);
    const func = findPciFunction(machine.ports, 0x1af4, 0x1000);
    const [bar] = func.bars();
    if (bar === undefined) throw new Error("the card has no BAR");
    expect(() => func.moveBar(bar, 0xd001)).toThrow(DriverError);
  });

  it("sizes a 64-bit BAR, and one that decodes 16 bits of a port", () => {
    const { func } = stubFunction({ 16: [0x0000_ffe1, 0xc001], 24: [0xc000_000c, 0xc], 28: [0xffff_ffff, 2] });
    expect(func.bars()).toEqual([
      { index: 0, kind: "io", address: 0xc000, size: 32, prefetchable: false },
      { index: 2, kind: "memory64", address: 0x2_0000_0000, size: 1 << 30, prefetchable: true },
    ]);
  });

  it("lists capabilities, and refuses a list in circles", () => {
    const good = stubFunction({ 4: [0, 0x10_0000], 52: [0, 0x40], 64: [0, 0x5009], 80: [0, 0x0011] });
    expect(good.func.capabilities()).toEqual([
      { id: 9, offset: 0x40 },
      { id: 0x11, offset: 0x50 },
    ]);
    const loop = stubFunction({ 4: [0, 0x10_0000], 52: [0, 0x40], 64: [0, 0x4009] });
    expect(() => loop.func.capabilities()).toThrow("goes on at 0x40");
    expect(stubFunction({}).func.capabilities()).toEqual([]);
  });

  it("masks and unmasks its interrupt pin", () => {
    const { func } = stubFunction({ 4: [0xffff, 0] });
    func.setInterruptDisable(true);
    expect(func.command).toBe(0x400);
    func.enable();
    expect(func.command).toBe(7);
  });
});

/** A function made of registers: offset to [bits that can be written, value]. */
function stubFunction(registers: Record<number, [mask: number, value: number]>) {
  let address = 0;
  const ports = {
    in: (port: number, size: number): number => {
      const value = registers[address & 0xfc]?.[1] ?? 0;
      return Math.floor(value / 2 ** (8 * (port & 3))) % 2 ** (8 * size);
    },
    out: (port: number, size: number, value: number): void => {
      if (port === 0xcf8) address = value;
      const register = registers[address & 0xfc];
      if (port < 0xcfc || register === undefined) return;
      const bits = size === 4 ? 0xffff_ffff : 2 ** (8 * size) - 1;
      const mask = (register[0] & bits) >>> 0;
      register[1] = ((register[1] & ~mask) | (value & mask)) >>> 0;
    },
  };
  registers[0] ??= [0, 0x1_1234];
  return { func: findPciFunction(ports, 0x1234, 1) };
}
