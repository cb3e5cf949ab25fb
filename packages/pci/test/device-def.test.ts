import { describe, expect, it } from "vitest";
import { deviceEntry, PciDefinitionError, type PciDeviceDef } from "../src/index.ts";
import { dump, expectRefusesImpossible } from "./support/impossible.ts";

const CARD: PciDeviceDef = {
  vendorId: 0x1af4,
  deviceId: 0x1000,
  command: 0x0003,
  status: 0x0280,
  revisionId: 0x01,
  progIf: 0x02,
  subclass: 0x03,
  classCode: 0x04,
  cacheLineSize: 0x05,
  latencyTimer: 0x06,
  headerType: 0x80,
  bist: 0x07,
  bar0: 0xc001,
  bar1: 0x1111_1110,
  bar2: 0x2222_2220,
  bar3: 0x3333_3330,
  bar4: 0x4444_4440,
  bar5: 0xf555_5550,
  cardbus: 0x8765_4321,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x0001,
  expansionRom: 0xfff0_0001,
  reserved1: 0x11,
  reserved2: 0x2222,
  reserved3: 0x3333_3333,
  interruptLine: 0x0b,
  interruptPin: 0x01,
  minGrant: 0x0c,
  maxLatency: 0x0d,
};

describe("the header", () => {
  it("has every field at its place", () => {
    const entry = deviceEntry(CARD);
    const dwords = Array.from({ length: 16 }, (_, i) => entry.ioRead(4 * i, 4));
    expect(dwords).toEqual([
      0x1000_1af4, 0x0280_0003, 0x0403_0201, 0x0780_0605, 0x0000_c001, 0x1111_1110, 0x2222_2220, 0x3333_3330,
      0x4444_4440, 0xf555_5550, 0x8765_4321, 0x0001_1af4, 0xfff0_0001, 0x2222_1100, 0x3333_3333, 0x0d0c_010b,
    ]);
  });

  it("reads the same at any width", () => {
    const entry = deviceEntry({ ...CARD, caps: Uint8Array.of(9, 0, 4, 0xff) });
    for (let offset = 0; offset < 256; offset += 4) {
      const bytes = [0, 1, 2, 3].map((i) => entry.ioRead(offset + i, 1));
      const words = [0, 2].map((i) => entry.ioRead(offset + i, 2));
      const dword = entry.ioRead(offset, 4);
      expect(bytes.reduce((sum, byte, i) => sum + byte * 256 ** i, 0)).toBe(dword);
      expect(words.reduce((sum, word, i) => sum + word * 65536 ** i, 0)).toBe(dword);
    }
  });

  it("is zero where the definition says nothing", () => {
    expect(dump(deviceEntry({ vendorId: 0, deviceId: 0 })).every((byte) => byte === 0)).toBe(true);
  });
});

describe("what the guest can write", () => {
  it("is command bits, cache line size, latency timer and interrupt line (6.2.2 to 6.2.4)", () => {
    const entry = deviceEntry({ vendorId: 0, deviceId: 0, caps: new Uint8Array(192) });
    for (let offset = 0; offset < 256; offset += 4) entry.ioWrite(offset, 4, 0xffff_ffff);
    const changed = dump(entry).flatMap((byte, offset) =>
      byte === 0 || offset === 0x06 || offset === 0x34 ? [] : [[offset, byte]],
    );
    expect(changed).toEqual([
      [0x04, 0x47],
      [0x05, 0x05],
      [0x0c, 0xff],
      [0x0d, 0xff],
      [0x3c, 0xff],
    ]);
  });

  it("works at any width", () => {
    const entry = deviceEntry({ vendorId: 0, deviceId: 0, commandWritable: 0xffff });
    entry.ioWrite(0x05, 1, 0x12);
    entry.ioWrite(0x04, 1, 0x34);
    expect(entry.ioRead(0x04, 2)).toBe(0x1234);
    entry.ioWrite(0x04, 2, 0xabcd_5678);
    expect(entry.ioRead(0x04, 2)).toBe(0x5678);
    entry.ioWrite(0x04, 4, 0x0000_9abc);
    expect(entry.ioRead(0x04, 4)).toBe(0x9abc);
  });

  it("leaves out command bits that the definition does not name", () => {
    const entry = deviceEntry({ vendorId: 0, deviceId: 0, command: 0x0002, commandWritable: 0x0001 });
    entry.ioWrite(0x04, 2, 0x0005);
    expect(entry.ioRead(0x04, 2)).toBe(0x0003);
  });

  it("clears the status register's error bits by writing ones, and only those (6.2.3)", () => {
    const entry = deviceEntry({ vendorId: 0, deviceId: 0, status: 0xffff });
    expect(entry.ioRead(0x06, 2)).toBe(0xffef);
    entry.ioWrite(0x06, 2, 0);
    expect(entry.ioRead(0x06, 2)).toBe(0xffef);
    entry.ioWrite(0x07, 1, 0x80);
    expect(entry.ioRead(0x06, 2)).toBe(0x7fef);
    entry.ioWrite(0x04, 4, 0xffff_0000);
    expect(entry.ioRead(0x06, 2)).toBe(0x06ef);
  });

  it("includes the bits of the capabilities that are said to be writable", () => {
    const capsWritable = Uint8Array.of(0, 0, 0, 0xc0);
    const entry = deviceEntry({ vendorId: 0, deviceId: 0, caps: Uint8Array.of(0x11, 0, 3, 0), capsWritable });
    entry.ioWrite(0x40, 4, 0xffff_ffff);
    expect(entry.ioRead(0x40, 4)).toBe(0xc003_0011);
  });

  it("is gone after a reset", () => {
    const entry = deviceEntry({ ...CARD, commandWritable: 0xffff });
    const before = dump(entry);
    for (let offset = 0; offset < 256; offset += 4) entry.ioWrite(offset, 4, 0x5555_5555);
    expect(dump(entry)).not.toEqual(before);
    entry.reset();
    expect(dump(entry)).toEqual(before);
  });

  it("is nothing by accesses that cannot be", () => {
    expectRefusesImpossible(deviceEntry({ ...CARD, commandWritable: 0xffff }));
  });
});

describe("capabilities", () => {
  it("start at 0x40 and are announced", () => {
    const entry = deviceEntry({ vendorId: 0, deviceId: 0, caps: Uint8Array.of(0x09, 0x00, 0x10) });
    expect(entry.ioRead(0x34, 1)).toBe(0x40);
    expect(entry.ioRead(0x06, 2)).toBe(0x0010);
    expect(entry.ioRead(0x40, 4)).toBe(0x0010_0009);
  });

  it("can begin the list elsewhere", () => {
    const entry = deviceEntry({ vendorId: 0, deviceId: 0, caps: new Uint8Array(192), capsPointer: 0x80 });
    expect([entry.ioRead(0x34, 1), entry.ioRead(0x06, 1)]).toEqual([0x80, 0x10]);
  });

  it("are announced only where there are some", () => {
    const entry = deviceEntry({ vendorId: 0, deviceId: 0, status: 0x0010, caps: new Uint8Array(0) });
    expect([entry.ioRead(0x34, 1), entry.ioRead(0x06, 2)]).toEqual([0, 0]);
  });
});

describe("an impossible definition", () => {
  const define = (def: Partial<PciDeviceDef>) => () => deviceEntry({ ...CARD, ...def });

  it("is refused with its field and value", () => {
    expect(define({ vendorId: 0x10000 })).toThrow('"vendorId" expected an unsigned integer of 16 bits, got 65536');
    expect(define({ revisionId: -1 })).toThrow(PciDefinitionError);
    expect(define({ bar0: 2 ** 32 })).toThrow(PciDefinitionError);
    expect(define({ subsystemId: 1.5 })).toThrow(PciDefinitionError);
    expect(define({ headerType: 1 })).toThrow('"headerType" expected type 0, got 1');
    expect(define({ interruptPin: 5 })).toThrow('"interruptPin" expected 0 for none or 1 to 4, got 5');
    expect(define({ capsPointer: 0x3c })).toThrow('"capsPointer" expected 0 or a multiple of 4 from 0x40 on, got 60');
    expect(define({ capsPointer: 0x41 })).toThrow(PciDefinitionError);
    expect(define({ caps: new Uint8Array(193) })).toThrow('"caps" expected at most 192 bytes, got 193');
    expect(define({ capsWritable: new Uint8Array(193) })).toThrow('"capsWritable" expected at most 192 bytes, got 193');
    expect(define({ commandWritable: 0x10000 })).toThrow(PciDefinitionError);
  });
});
