import { IoPortType, VmmIoPortList, VmmMmioList } from "@vmmkit/ioport";
import { describe, expect, it } from "vitest";
import {
  type BarEntry,
  barEmulation,
  deviceEntry,
  type PciBar,
  type PciBarWindow,
  PciDefinitionError,
  type PciFunction,
  PciPlug,
  type PciRegion,
  VmmPciSpace,
} from "../src/index.ts";

const BARS = [
  { kind: "io", address: 0x6000, sizeBits: 5 },
  { kind: "mem32", address: 0, sizeBits: 12 },
  { kind: "mem64", address: 0, sizeBits: 14, prefetchable: true },
] as const satisfies readonly PciBar[];

/** A function whose registers answer the number of their BAR, and remember what was written. */
class ThreeBars implements PciFunction {
  readonly writes: string[] = [];
  resets = 0;
  onBarChange: ((window: PciBarWindow) => void) | null = null;
  readonly regions: readonly (PciRegion | null)[];
  readonly #config: BarEntry = barEmulation(deviceEntry({ vendorId: 1, deviceId: 2 }), BARS, {
    onBarChange: (window) => this.onBarChange?.(window),
  });

  constructor() {
    const region = (bar: PciBar, index: number): PciRegion => ({
      bar,
      read: (offset) => 0x10 * index + offset,
      write: (offset, size, value) => this.writes.push(`${index}: ${offset} ${size} ${value}`),
    });
    this.regions = [...BARS.map(region), null, null, null];
  }

  ioRead(offset: number, size: number): number {
    return this.#config.ioRead(offset, size);
  }

  ioWrite(offset: number, size: number, value: number): void {
    this.#config.ioWrite(offset, size, value);
  }

  bars(): PciBarWindow[] {
    return this.#config.bars();
  }

  reset(): void {
    this.resets++;
    this.#config.reset();
  }
}

function make() {
  const machine = { pci: new VmmPciSpace(), ioport: new VmmIoPortList(), mmio: new VmmMmioList(), desc: "toy" };
  return { ...machine, fn: new ThreeBars(), plug: new PciPlug(machine) };
}

describe("PciPlug", () => {
  it("puts a function on the bus, and its registers where the guest's BARs say, at absolute addresses", () => {
    const { pci, ioport, mmio, fn, plug } = make();
    const address = plug.reserveAddress();
    plug.attach(fn);
    expect(ioport.emulateIn(0x6004, 1)).toBe(0xff);
    pci.configWrite(address, 0x14, 4, 0xe000_0000);
    pci.configWrite(address, 0x1c, 4, 0x40);
    pci.configWrite(address, 4, 2, 3);
    expect(ioport.emulateIn(0x6004, 1)).toBe(0x04);
    expect(mmio.emulateRead(0xe000_0008, 1)).toBe(0x18);
    expect(mmio.emulateRead(0x40_0000_0003, 1)).toBe(0x23);
    mmio.emulateWrite(0x40_0000_3ffc, 4, 7);
    ioport.emulateOut(0x6010, 2, 9);
    expect(fn.writes).toEqual(["2: 16380 4 7", "0: 16 2 9"]);
    pci.configWrite(address, 0x18, 4, 0x10_0000);
    expect(mmio.emulateRead(0x40_0000_0003, 1)).toBe(0xff);
    expect(mmio.emulateRead(0x40_0010_0003, 1)).toBe(0x23);
    pci.configWrite(address, 4, 2, 0);
    expect([ioport.emulateIn(0x6004, 1), mmio.emulateRead(0xe000_0008, 1)]).toEqual([0xff, 0xff]);
  });

  it("takes places before the function is there: nothing answers yet", () => {
    const { pci, ioport, fn, plug } = make();
    const address = plug.reserveAddress({ bus: 0, dev: 7, fun: 0 });
    const ports = plug.reservePorts(0, { start: 0x6000, end: 0x601f, size: 0 }, IoPortType.Addr);
    ioport.mapHandler(ports);
    expect(pci.configRead(address, 0, 4)).toBe(0xffff_ffff);
    pci.configWrite(address, 4, 2, 3);
    ioport.emulateOut(0x6000, 1, 1);
    expect(ioport.emulateIn(0x6000, 1)).toBe(0xff);
    pci.reset();
    plug.attach(fn);
    expect(pci.configRead(address, 0, 4)).toBe(0x0002_0001);
    expect(ioport.entries()).toHaveLength(1);
    pci.reset();
    expect(fn.resets).toBe(1);
  });

  it("maps what a function has turned on when it comes", () => {
    const { ioport, fn, plug } = make();
    fn.ioWrite(4, 2, 1);
    plug.attach(fn);
    expect(ioport.emulateIn(0x6001, 1)).toBe(1);
  });

  it("takes everything out again", () => {
    const { pci, ioport, mmio, fn, plug } = make();
    const address = plug.reserveAddress();
    plug.attach(fn);
    plug.remove();
    plug.remove();
    expect(pci.findDevice(address)).toBeNull();
    expect([ioport.entries(), mmio.entries()]).toEqual([[], []]);
    expect(fn.onBarChange).toBeNull();
  });

  it("refuses memory BARs where the machine has no list for them", () => {
    const plug = new PciPlug({ pci: new VmmPciSpace(), ioport: new VmmIoPortList(), mmio: null, desc: "toy" });
    expect(() => plug.attach(new ThreeBars())).toThrow(PciDefinitionError);
    plug.remove();
  });
});
