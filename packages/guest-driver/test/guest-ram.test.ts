import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { GuestRam, GuestRamError } from "../src/index.ts";

function ramOf(...regions: [gpa: number, size: number][]): GuestRam {
  return new GuestRam(new GuestMemory(regions.map(([gpa, size]) => ({ gpa, size, buffer: new ArrayBuffer(size) }))));
}

describe("pages", () => {
  it("are aligned, apart from each other, zeroed, and never page 0", () => {
    const ram = ramOf([0, 0x10000]);
    const first = ram.alloc(1);
    const second = ram.alloc(4097);
    const third = ram.alloc(4096);
    expect([first, second, third]).toEqual([0x1000, 0x2000, 0x4000]);
    ram.bytes(first, 4096).fill(7);
    ram.free(first, 1);
    expect(ram.alloc(4096)).toBe(first);
    expect(ram.read(first, 4096)).toEqual(new Uint8Array(4096));
  });

  it("come back whole", () => {
    const ram = ramOf([0, 0x10000]);
    const all = ram.freeBytes;
    const pages = [1, 2, 3, 4].map(() => ram.alloc(4096));
    for (const page of [pages[2], pages[0], pages[3], pages[1]]) ram.free(page ?? 0, 4096);
    expect(ram.alloc(all)).toBe(0x1000);
    expect(ram.freeBytes).toBe(0);
  });

  it("are refused once there are no more, with the amount", () => {
    const ram = ramOf([0, 0x4000]);
    expect(() => ram.alloc(0x4000)).toThrow(
      new GuestRamError("no 16384 contiguous bytes of guest memory left, 12288 in pieces"),
    );
  });

  it("are refused where they are free already", () => {
    const ram = ramOf([0, 0x4000]);
    expect(() => ram.free(0x2000, 4096)).toThrow(GuestRamError);
  });

  it("never reach across regions, even where these adjoin", () => {
    const ram = ramOf([0, 0x4000], [0x4000, 0x4000]);
    const a = ram.alloc(0x3000);
    const b = ram.alloc(0x4000);
    expect([a, b]).toEqual([0x1000, 0x4000]);
    ram.free(a, 0x3000);
    ram.free(b, 0x4000);
    expect(() => ram.alloc(0x4001)).toThrow(GuestRamError);
  });

  it("start where the caller says", () => {
    const memory = new GuestMemory([{ gpa: 0, size: 0x10000, buffer: new ArrayBuffer(0x10000) }]);
    expect(new GuestRam(memory, 0x8000).alloc(1)).toBe(0x8000);
  });

  it("are not taken from memory that devices may not write", () => {
    const rom = { gpa: 0x1000, size: 0x4000, buffer: new ArrayBuffer(0x4000), writable: false };
    expect(new GuestRam(new GuestMemory([rom])).freeBytes).toBe(0);
  });
});

describe("access", () => {
  it("is little-endian at any address, above 4 GiB too", () => {
    const high = 0x12_0000_0000;
    const ram = ramOf([high, 0x1000]);
    ram.writeUint(high + 1, 4, 0xdeadbeef);
    expect([...ram.read(high, 6)]).toEqual([0, 0xef, 0xbe, 0xad, 0xde, 0]);
    expect(ram.readUint(high + 1, 4)).toBe(0xdeadbeef);
    expect(ram.readUint(high + 2, 2)).toBe(0xadbe);
    ram.writeUint(high + 2, 1, 0x1ff);
    expect(ram.readUint(high + 2, 1)).toBe(0xff);
    ram.write(high + 8, Uint8Array.of(1, 2));
    expect(ram.readUint(high + 8, 2)).toBe(0x0201);
  });

  it("outside of memory names the address", () => {
    expect(() => ramOf([0, 0x1000]).bytes(0xfff, 2)).toThrow("no 2 bytes of guest memory at 0xfff");
  });

  it("finds the bytes again after their buffer was replaced", () => {
    const held = { buffer: new ArrayBuffer(0x2000) };
    const ram = new GuestRam(new GuestMemory([{ gpa: 0, size: 0x2000, ...held, renew: () => held }]));
    ram.writeUint(0x1000, 4, 42);
    const old = held.buffer;
    held.buffer = structuredClone(old);
    structuredClone(old, { transfer: [old] });
    expect(ram.readUint(0x1000, 4)).toBe(42);
  });
});
