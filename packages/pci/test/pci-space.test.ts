import { describe, expect, it } from "vitest";
import {
  deviceEntry,
  PciAddressError,
  type PciEntry,
  PciSlotOccupiedError,
  PciSpaceFullError,
  VmmPciSpace,
} from "../src/index.ts";
import { RawEntry } from "./support/raw-entry.ts";

const at = (dev: number, fun = 0, bus = 0) => ({ bus, dev, fun });
const card = (): PciEntry => deviceEntry({ vendorId: 0x1af4, deviceId: 0x1000 });

describe("addEntry", () => {
  it("takes the lowest free device after the host bridge", () => {
    const space = new VmmPciSpace();
    expect(space.configRead(at(0), 0x08, 4)).toBe(0x0600_0001);
    expect([space.addEntry(card()), space.addEntry(card(), "free slot")]).toEqual([at(1), at(2)]);
    space.removeEntry(at(1));
    expect(space.addEntry(card())).toEqual(at(1));
  });

  it("takes the address it is given", () => {
    const space = new VmmPciSpace();
    const entry = card();
    expect(space.addEntry(entry, at(31, 7))).toEqual(at(31, 7));
    expect(space.findDevice(at(31, 7))).toBe(entry);
  });

  it("does not put a card beside a lone function 1, or on a reserved device", () => {
    const space = new VmmPciSpace({ hostBridge: null, reservedDevices: [0, 2] });
    space.addEntry(card(), at(1, 1));
    expect(space.addEntry(card())).toEqual(at(3));
    expect(space.addEntry(card(), at(2))).toEqual(at(2));
  });

  it("refuses a place that is taken or is none, and says when bus 0 is full", () => {
    const space = new VmmPciSpace();
    expect(() => space.addEntry(card(), at(0))).toThrow(PciSlotOccupiedError);
    expect(() => space.addEntry(card(), at(0))).toThrow('"address" 00:00.0 has a function already');
    for (const none of [at(32), at(-1), at(0, 8), at(0.5), at(1, 0, 1)]) {
      expect(() => space.addEntry(card(), none)).toThrow(PciAddressError);
    }
    for (let dev = 1; dev < 32; dev++) space.addEntry(card());
    expect(() => space.addEntry(card())).toThrow(PciSpaceFullError);
    expect(() => new VmmPciSpace({ reservedDevices: [32] })).toThrow(
      '"reservedDevices" expected a device from 0 to 31',
    );
  });
});

describe("removeEntry", () => {
  it("leaves nothing there, and wants something to remove", () => {
    const space = new VmmPciSpace();
    const address = space.addEntry(card());
    space.removeEntry(address);
    expect(space.findDevice(address)).toBe(null);
    expect(() => space.removeEntry(address)).toThrow('"address" 00:01.0 has no function');
    expect(() => space.removeEntry(at(0, 0, 5))).toThrow(PciAddressError);
  });
});

describe("findDevice", () => {
  it("answers null for whatever the guest asks for and is not there", () => {
    const space = new VmmPciSpace();
    for (const none of [at(1), at(0, 1), at(0, 0, 1), at(32), at(0, 8), at(-1), at(Number.NaN)]) {
      expect(space.findDevice(none)).toBe(null);
    }
  });
});

describe("configRead and configWrite", () => {
  it("reach the function, or read ones", () => {
    const space = new VmmPciSpace();
    const raw = new RawEntry();
    space.addEntry(raw);
    space.configWrite(at(1), 0x44, 2, 0x12345);
    expect(raw.log).toEqual(["44 2 2345"]);
    expect(space.configRead(at(1), 0x44, 4)).toBe(0x2345);
    space.configWrite(at(2), 0, 4, 1);
    expect([1, 2, 4].map((size) => space.configRead(at(2), 0, size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
  });

  it("do not bother a function with what cannot be", () => {
    const space = new VmmPciSpace();
    const raw = new RawEntry();
    space.addEntry(raw);
    space.configWrite(at(1), 2, 4, 1);
    space.configWrite(at(1), 0, 3, 1);
    space.configWrite(at(1), 256, 1, 1);
    expect(raw.log).toEqual([]);
    expect(space.configRead(at(1), 0xfe, 4)).toBe(0xffff_ffff);
  });

  it("show several functions in function 0's header type exactly where there are some (6.2.1)", () => {
    const space = new VmmPciSpace();
    space.addEntry(new RawEntry({ 14: 0x80, 15: 0x80 }));
    expect([space.configRead(at(1), 0x0e, 1), space.configRead(at(1), 0x0c, 4)]).toEqual([0, 0x8000_0000]);
    space.addEntry(card(), at(1, 3));
    expect([space.configRead(at(1), 0x0e, 1), space.configRead(at(1), 0x0e, 2)]).toEqual([0x80, 0x8080]);
    expect(space.configRead(at(1), 0x0c, 4)).toBe(0x8080_0000);
    expect(space.configRead(at(1), 0x0c, 2)).toBe(0);
    space.removeEntry(at(1, 3));
    expect(space.configRead(at(1), 0x0e, 1)).toBe(0);
  });
});

describe("reset", () => {
  it("resets every function that can be", () => {
    const space = new VmmPciSpace();
    const one = space.addEntry(card());
    space.addEntry(new RawEntry());
    const two = space.addEntry(card(), at(9, 2));
    for (const address of [one, two]) space.configWrite(address, 4, 2, 3);
    space.reset();
    expect([one, two].map((address) => space.configRead(address, 4, 2))).toEqual([0, 0]);
  });
});
