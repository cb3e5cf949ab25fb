import { describe, expect, it } from "vitest";
import { ignoreWrite, memDevice, PciDefinitionError } from "../src/index.ts";
import { expectRefusesImpossible } from "./support/impossible.ts";

describe("memDevice", () => {
  it("copies what it is given", () => {
    const bytes = new Uint8Array(256);
    const entry = memDevice(bytes);
    bytes[0] = 1;
    expect(entry.ioRead(0, 1)).toBe(0);
  });

  it("shows the guest what the device model changes", () => {
    const entry = memDevice(new Uint8Array(256));
    entry.bytes[0x43] = 0x80;
    expect(entry.ioRead(0x40, 4)).toBe(0x8000_0000);
  });

  it("is read-only without masks", () => {
    const entry = memDevice(new Uint8Array(256).fill(0xa5));
    for (let offset = 0; offset < 256; offset++) entry.ioWrite(offset, 1, 0x5a);
    expect(entry.bytes.every((byte) => byte === 0xa5)).toBe(true);
  });

  it("refuses accesses that cannot be", () => {
    expectRefusesImpossible(memDevice(new Uint8Array(256), { writable: new Uint8Array(256).fill(0xff) }));
  });

  it("wants 256 bytes of each", () => {
    const all = new Uint8Array(256);
    expect(() => memDevice(new Uint8Array(64))).toThrow('"bytes" expected 256 bytes, got 64');
    expect(() => memDevice(all, { writable: new Uint8Array(1) })).toThrow(PciDefinitionError);
    expect(() => memDevice(all, { writeOneToClear: new Uint8Array(257) })).toThrow('"masks.writeOneToClear" expected');
  });
});

describe("ignoreWrite", () => {
  it("lets reads through and nothing else", () => {
    const inner = memDevice(new Uint8Array(256), { writable: new Uint8Array(256).fill(0xff) });
    const entry = ignoreWrite(inner);
    entry.ioWrite(0x10, 4, 0xffff_ffff);
    expect(entry.ioRead(0x10, 4)).toBe(0);
    inner.ioWrite(0x10, 4, 0x1234_5678);
    expect(entry.ioRead(0x10, 4)).toBe(0x1234_5678);
  });
});
