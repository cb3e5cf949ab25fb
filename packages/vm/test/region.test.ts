import { describe, expect, it } from "vitest";
import { DetachedRegionError, MemoryLayoutError, MemoryRegion, type RegionInit } from "../src/index.ts";
import { WASM_PAGE_BYTES, wasmMemory } from "./support/wasm-memory.ts";

const MAX_REGION_BYTES = 0xffff_fffc;

function region(init: Partial<RegionInit> = {}): MemoryRegion {
  return new MemoryRegion({ gpa: 0, size: 64, buffer: new ArrayBuffer(64), ...init });
}

describe("a region", () => {
  it("says where it is and what may be done with it", () => {
    const plain = region({ gpa: 0x1000 });
    expect(plain).toMatchObject({ gpa: 0x1000, size: 64, end: 0x1040, hostAddress: 0, writable: true });
    const rom = region({ hostAddress: 0x7fff_1234_5678, writable: false });
    expect(rom).toMatchObject({ hostAddress: 0x7fff_1234_5678, writable: false });
  });

  it("has views over the same bytes that all start at its first byte", () => {
    const buffer = new ArrayBuffer(32);
    const { bytes, u16, u32 } = region({ gpa: 0x1000, size: 16, buffer, byteOffset: 8 });
    expect([bytes.length, u16.length, u32.length]).toEqual([16, 8, 4]);
    bytes.set([0x78, 0x56, 0x34, 0x12], 4);
    expect(u16[2]).toBe(0x5678);
    expect(u32[1]).toBe(0x1234_5678);
    expect(new Uint8Array(buffer).slice(12, 16)).toEqual(Uint8Array.of(0x78, 0x56, 0x34, 0x12));
  });

  it("lies over a SharedArrayBuffer and over WebAssembly memory alike", () => {
    for (const buffer of [new SharedArrayBuffer(64), wasmMemory().buffer]) {
      const over = region({ buffer });
      over.u32[15] = 0xdead_beef;
      expect(new DataView(buffer).getUint32(60, true)).toBe(0xdead_beef);
    }
  });

  it("may end exactly where its buffer ends", () => {
    expect(region({ size: 32, byteOffset: 32 }).bytes.byteOffset).toBe(32);
  });

  it("may lie high above 4 GiB", () => {
    const gpa = Number.MAX_SAFE_INTEGER - MAX_REGION_BYTES - 3;
    expect(region({ gpa }).end).toBe(gpa + 64);
  });
});

describe("an impossible region is refused by name", () => {
  const refusals: readonly (readonly [string, Partial<RegionInit>, RegExp])[] = [
    ["a misaligned address", { gpa: 2 }, /"gpa" expected a multiple of 4 .* got 2/],
    ["a negative address", { gpa: -4 }, /"gpa" .* got -4/],
    ["an address that is no number", { gpa: Number.NaN }, /"gpa" .* got NaN/],
    ["an address at 2^53", { gpa: 2 ** 53 }, /"gpa" .* got 9007199254740992/],
    ["a misaligned size", { size: 6 }, /"size" expected a multiple of 4 .* got 6/],
    ["no bytes at all", { size: 0 }, /"size" expected at least 4 bytes, got 0/],
    ["4 GiB and more", { size: 2 ** 32 }, /"size" expected a multiple of 4 from 0 to 4294967292, got 4294967296/],
    ["a misaligned offset", { size: 4, byteOffset: 3 }, /"byteOffset" .* got 3/],
    ["a negative offset", { byteOffset: -4 }, /"byteOffset" .* got -4/],
    ["more bytes than the buffer has", { size: 68 }, /"size" expected at most 64 bytes behind offset 0 .* got 68/],
    ["more bytes than are left", { byteOffset: 4 }, /"size" expected at most 60 bytes behind offset 4 .* got 64/],
    ["a negative host address", { hostAddress: -1 }, /"hostAddress" .* got -1/],
    ["a host address that is no safe integer", { hostAddress: 2 ** 53 }, /"hostAddress" .* got 9007199254740992/],
  ];
  it.each(refusals)("%s", (_what, init, message) => {
    expect(() => region(init)).toThrow(MemoryLayoutError);
    expect(() => region(init)).toThrow(message);
  });

  it("a buffer that is detached already", () => {
    const memory = wasmMemory();
    const { buffer } = memory;
    memory.grow(1);
    expect(() => region({ buffer })).toThrow(DetachedRegionError);
  });
});

describe("a region whose buffer is replaced", () => {
  it("finds out, and makes its views anew over the bytes that renew names", () => {
    const memory = wasmMemory();
    const renew = () => ({ buffer: memory.buffer, byteOffset: 128 });
    const over = new MemoryRegion({ gpa: 0x1000, size: 64, renew, ...renew() });
    over.u32[3] = 42;
    expect(over.detached).toBe(false);
    memory.grow(1);
    expect(over.detached).toBe(true);
    over.renew();
    expect(over.detached).toBe(false);
    expect([over.u32[3], over.u16.length, over.bytes.byteOffset]).toEqual([42, 32, 128]);
    expect(over.bytes.buffer).toBe(memory.buffer);
  });

  it("may move to another offset of another buffer", () => {
    const memory = wasmMemory();
    const elsewhere = new SharedArrayBuffer(128);
    let now: RegionInit = { gpa: 0, size: 64, buffer: memory.buffer };
    const over = new MemoryRegion({ ...now, renew: () => now });
    now = { gpa: 0, size: 64, buffer: elsewhere, byteOffset: 64 };
    over.renew();
    over.bytes[0] = 7;
    expect(new Uint8Array(elsewhere)[64]).toBe(7);
  });

  it("is an error without renew", () => {
    const memory = wasmMemory();
    const over = region({ gpa: 0x8000, buffer: memory.buffer });
    memory.grow(1);
    expect(() => over.renew()).toThrow(DetachedRegionError);
    expect(() => over.renew()).toThrow(/0x8000 .* no "renew"/);
  });

  it("is an error where renew names bytes that are detached too, or too few", () => {
    const memory = wasmMemory();
    const { buffer } = memory;
    let now: ArrayBufferLike = buffer;
    const over = region({ buffer, renew: () => ({ buffer: now }) });
    memory.grow(1);
    expect(() => over.renew()).toThrow(DetachedRegionError);
    now = new ArrayBuffer(32);
    expect(() => over.renew()).toThrow(MemoryLayoutError);
    now = memory.buffer;
    over.renew();
    expect(over.bytes.length).toBe(64);
    expect(now.byteLength).toBe(2 * WASM_PAGE_BYTES);
  });
});
