/* Configuration space as memory (PCI Express Base Specification 3.0, 7.2.2). */
import { VmmMmioList } from "@vmmkit/ioport";
import { describe, expect, it } from "vitest";
import { deviceEntry, ECAM_BUS_BYTES, ecam, VmmPciSpace } from "../src/index.ts";

const BASE = 0xb000_0000;

function make() {
  const pci = new VmmPciSpace();
  pci.addEntry(deviceEntry({ vendorId: 0x1af4, deviceId: 0x1041 }), { bus: 0, dev: 3, fun: 0 });
  pci.addEntry(deviceEntry({ vendorId: 0x1af4, deviceId: 0x1042 }), { bus: 0, dev: 3, fun: 5 });
  const mmio = new VmmMmioList();
  mmio.addHandler({ start: BASE, end: BASE + ECAM_BUS_BYTES - 1 }, ecam(pci));
  const at = (dev: number, fun: number, register: number) => BASE + dev * 0x8000 + fun * 0x1000 + register;
  return { pci, mmio, at };
}

describe("ecam", () => {
  it("has each function at its address, at every width, with the bit for several functions", () => {
    const { mmio, at } = make();
    expect(mmio.emulateRead(at(3, 0, 0), 4)).toBe(0x1041_1af4);
    expect(mmio.emulateRead(at(3, 5, 2), 2)).toBe(0x1042);
    expect(mmio.emulateRead(at(3, 5, 1), 1)).toBe(0x1a);
    expect(mmio.emulateRead(at(3, 0, 0x0e), 1)).toBe(0x80);
    expect(mmio.emulateRead(at(0, 0, 0), 4)).toBe(0x0042_5e14);
  });

  it("writes what the configuration ports read", () => {
    const { pci, mmio, at } = make();
    mmio.emulateWrite(at(3, 0, 4), 2, 6);
    mmio.emulateWrite(at(3, 0, 0x3c), 1, 11);
    expect(pci.configRead({ bus: 0, dev: 3, fun: 0 }, 4, 2)).toBe(6);
    expect(pci.configRead({ bus: 0, dev: 3, fun: 0 }, 0x3c, 1)).toBe(11);
  });

  it("takes accesses that are not aligned apart", () => {
    const { mmio, at } = make();
    expect(mmio.emulateRead(at(3, 0, 1), 2)).toBe(0x411a);
    mmio.emulateWrite(at(3, 0, 0x3b), 4, 0x0000_0900);
    expect(mmio.emulateRead(at(3, 0, 0x3c), 1)).toBe(9);
  });

  it("has zeros behind a function's 256 bytes, and ones where there is no function", () => {
    const { mmio, at } = make();
    expect(mmio.emulateRead(at(3, 0, 0x100), 4)).toBe(0);
    expect(mmio.emulateRead(at(3, 0, 0xffc), 4)).toBe(0);
    expect(mmio.emulateRead(at(3, 1, 0), 4)).toBe(0xffff_ffff);
    expect(mmio.emulateRead(at(3, 1, 0x100), 2)).toBe(0xffff);
    mmio.emulateWrite(at(3, 0, 0x104), 4, 6);
    mmio.emulateWrite(at(9, 0, 4), 4, 6);
    expect(mmio.emulateRead(at(3, 0, 4), 4) & 0xffff).toBe(0);
  });
});
