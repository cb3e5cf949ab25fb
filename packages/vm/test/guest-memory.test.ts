import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { DetachedRegionError, GuestMemory, MemoryLayoutError, type RegionInit } from "../src/index.ts";
import { wasmMemory } from "./support/wasm-memory.ts";

const FOUR_GIB = 2 ** 32;

function ram(gpa: number, size: number, more: Partial<RegionInit> = {}): RegionInit {
  return { gpa, size, buffer: new ArrayBuffer(size), ...more };
}

/** Two regions that adjoin, a gap, read-only memory, and memory above 4 GiB. */
function machine(): GuestMemory {
  return new GuestMemory([
    ram(0x1000, 0x100),
    ram(0x1100, 0x100),
    ram(0x2000, 0x100, { writable: false }),
    ram(FOUR_GIB, 0x100),
  ]);
}

describe("regions of guest memory", () => {
  it("are kept in ascending order of address", () => {
    const memory = new GuestMemory([ram(FOUR_GIB, 16), ram(0, 16), ram(0x100, 16)]);
    expect(memory.regions.map(({ gpa }) => gpa)).toEqual([0, 0x100, FOUR_GIB]);
  });

  it("may adjoin but not overlap", () => {
    const memory = new GuestMemory([ram(0x1000, 0x100)]);
    memory.addRegion(ram(0x1100, 4));
    memory.addRegion(ram(0xffc, 4));
    for (const [gpa, size] of [
      [0x1000, 4],
      [0xff0, 0x20],
      [0x10fc, 8],
      [0x0, 0x4000],
    ] as const) {
      expect(() => memory.addRegion(ram(gpa, size))).toThrow(MemoryLayoutError);
    }
    expect(() => memory.addRegion(ram(0x10fc, 8))).toThrow(/0x10fc-0x1103 overlaps region 0x1000-0x10ff/);
    expect(memory.regions).toHaveLength(3);
  });

  it("come and go", () => {
    const memory = machine();
    const plugged = memory.addRegion(ram(0x10000, 0x100));
    expect(memory.findAt(0x10000)).toBe(plugged);
    memory.removeRegion(plugged);
    expect(memory.findAt(0x10000)).toBeNull();
    expect(() => memory.removeRegion(plugged)).toThrow(MemoryLayoutError);
    expect(() => memory.removeRegion(plugged)).toThrow(/0x10000-0x100ff is not here/);
  });

  it("are handed out as a list that later changes leave alone", () => {
    const memory = machine();
    const before = memory.regions;
    memory.addRegion(ram(0x10000, 4));
    expect(before).toHaveLength(4);
  });
});

describe("looking an address up", () => {
  it("finds the region of the first and of the last byte, and nothing beside them", () => {
    const memory = machine();
    const [first, second, , high] = memory.regions;
    const cases: readonly (readonly [number, unknown])[] = [
      [0xfff, null],
      [0x1000, first],
      [0x10ff, first],
      [0x1100, second],
      [0x11ff, second],
      [0x1200, null],
      [0x1fff, null],
      [FOUR_GIB - 1, null],
      [FOUR_GIB, high],
      [FOUR_GIB + 0xff, high],
      [FOUR_GIB + 0x100, null],
      [FOUR_GIB + 0x1000, null],
      [2 ** 53 - 1, null],
    ];
    for (const [gpa, region] of cases) expect(memory.findAt(gpa), gpa.toString(16)).toBe(region);
  });

  it("does not confuse an address above 4 GiB with its lower 32 bits", () => {
    const memory = new GuestMemory([ram(0x1000, 0x100)]);
    expect(memory.findAt(0x1000)).not.toBeNull();
    expect(memory.findAt(FOUR_GIB + 0x1000)).toBeNull();
  });

  it("finds a range only where one region holds all of it", () => {
    const memory = machine();
    expect(memory.find(0x1000, 0x100)).toBe(memory.regions[0]);
    expect(memory.find(0x10ff, 1)).toBe(memory.regions[0]);
    expect(memory.find(0x1000, 0x101)).toBeNull();
    expect(memory.find(0x10ff, 2)).toBeNull();
    expect(memory.find(0x1200, 1)).toBeNull();
    expect(memory.find(0x1000, 0xffff_ffff)).toBeNull();
    expect(memory.find(2 ** 53 - 1, 0xffff_ffff)).toBeNull();
  });

  it("counts a length of 0 as one byte", () => {
    const memory = machine();
    expect(memory.find(0x1000, 0)).toBe(memory.regions[0]);
    expect(memory.find(0x1200, 0)).toBeNull();
  });

  it("answers null for what is no address", () => {
    const memory = machine();
    for (const gpa of [Number.NaN, -1, Number.POSITIVE_INFINITY]) expect(memory.findAt(gpa)).toBeNull();
    expect(new GuestMemory().findAt(0)).toBeNull();
  });

  it("agrees with a search from the first to the last region, in any order of questions", () => {
    const gaps = fc.array(fc.record({ gap: fc.nat(3), words: fc.integer({ min: 1, max: 4 }) }), { maxLength: 8 });
    const questions = fc.array(fc.tuple(fc.nat(256), fc.nat(20)), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(gaps, questions, fc.constantFrom(0, FOUR_GIB - 64), (layout, asked, start) => {
        const memory = new GuestMemory();
        let gpa = start;
        for (const { gap, words } of layout) {
          memory.addRegion(ram(gpa + 4 * gap, 4 * words));
          gpa += 4 * (gap + words);
        }
        for (const [offset, length] of asked) {
          const at = start + offset;
          const expected = memory.regions.find((region) => at >= region.gpa && at < region.end) ?? null;
          expect(memory.findAt(at)).toBe(expected);
          expect(memory.find(at, length)).toBe(expected !== null && at + length <= expected.end ? expected : null);
        }
      }),
    );
  });
});

describe("reading and writing", () => {
  it("crosses the border of regions that adjoin", () => {
    const memory = machine();
    const bytes = Uint8Array.from({ length: 0x200 }, (_, i) => i ^ 0x5a);
    expect(memory.write(0x1000, bytes)).toBe(true);
    expect(memory.regions[1]?.bytes[0]).toBe(0x5a);
    const back = new Uint8Array(0x1f0);
    expect(memory.read(0x1008, back)).toBe(true);
    expect(back).toEqual(bytes.slice(8, 0x1f8));
  });

  it("does nothing where a byte lies outside", () => {
    const memory = machine();
    expect(memory.write(0x11fc, new Uint8Array(8).fill(1))).toBe(false);
    expect(memory.regions[1]?.bytes.some((byte) => byte !== 0)).toBe(false);
    const target = new Uint8Array(8).fill(9);
    expect(memory.read(0x11fc, target)).toBe(false);
    expect(target).toEqual(new Uint8Array(8).fill(9));
    expect(memory.read(0xffe, target)).toBe(false);
  });

  it("reads read-only memory and does not write it, nor what lies before it", () => {
    const memory = new GuestMemory([ram(0, 16), ram(16, 16, { writable: false })]);
    expect(memory.read(8, new Uint8Array(16))).toBe(true);
    expect(memory.write(8, new Uint8Array(16).fill(1))).toBe(false);
    expect(memory.regions[0]?.bytes.some((byte) => byte !== 0)).toBe(false);
    expect(memory.write(0, new Uint8Array(16))).toBe(true);
  });

  it("copies nothing, wherever that is", () => {
    const memory = machine();
    const observer = vi.fn();
    memory.writeObserver = observer;
    expect(memory.read(0x9999, new Uint8Array(0))).toBe(true);
    expect(memory.write(0x9999, new Uint8Array(0))).toBe(true);
    expect(observer).not.toHaveBeenCalled();
  });
});

describe("the write observer", () => {
  it("is told of what write and noteWrite are told, and of no reads", () => {
    const memory = machine();
    const seen: [number, number][] = [];
    memory.writeObserver = (gpa, lengthBytes) => seen.push([gpa, lengthBytes]);
    memory.write(0x10fc, new Uint8Array(8));
    memory.noteWrite(FOUR_GIB, 4);
    memory.read(0x1000, new Uint8Array(4));
    memory.write(0x3000, new Uint8Array(4));
    expect(seen).toEqual([
      [0x10fc, 8],
      [FOUR_GIB, 4],
    ]);
    memory.writeObserver = null;
    memory.noteWrite(0x1000, 4);
    expect(seen).toHaveLength(2);
  });
});

describe("generation", () => {
  it("changes as regions come and go, and listeners hear of it after the change", () => {
    const memory = machine();
    const heard: number[] = [];
    const stop = memory.onChange(() => heard.push(memory.generation, memory.regions.length));
    const before = memory.generation;
    const region = memory.addRegion(ram(0x10000, 4));
    memory.removeRegion(region);
    expect(heard).toEqual([before + 1, 5, before + 2, 4]);
    stop();
    stop();
    memory.addRegion(ram(0x10000, 4));
    expect(heard).toHaveLength(4);
  });

  it("stays where an addition is refused", () => {
    const memory = machine();
    const { generation } = memory;
    expect(() => memory.addRegion(ram(0x1000, 4))).toThrow(MemoryLayoutError);
    expect(memory.validate()).toBe(generation);
  });

  it("forgets the last hit: a removed region is not found, one in its place is", () => {
    const memory = machine();
    const old = memory.findAt(0x1000);
    expect(old).not.toBeNull();
    if (old !== null) memory.removeRegion(old);
    expect(memory.findAt(0x1000)).toBeNull();
    const fresh = memory.addRegion(ram(0x1000, 0x100));
    expect(memory.findAt(0x1000)).toBe(fresh);
  });
});

describe("memory whose buffer is replaced", () => {
  function growing() {
    const wasm = wasmMemory();
    const part = (gpa: number, byteOffset: number): RegionInit => {
      const renew = () => ({ buffer: wasm.buffer, byteOffset });
      return { gpa, size: 0x1000, renew, ...renew() };
    };
    const memory = new GuestMemory([part(0, 0x2000), part(0x1000, 0x8000), ram(0x10_0000, 16)]);
    return { wasm, memory };
  }

  it("is renewed by validate: all regions at once, one change, the contents kept", () => {
    const { wasm, memory } = growing();
    memory.write(0xffe, Uint8Array.of(1, 2, 3, 4));
    const untouched = memory.regions[2]?.bytes;
    const { generation } = memory;
    const listener = vi.fn();
    memory.onChange(listener);
    wasm.grow(1);
    expect(memory.validate()).toBe(generation + 1);
    expect(memory.validate()).toBe(generation + 1);
    expect(listener).toHaveBeenCalledOnce();
    expect(memory.regions[2]?.bytes).toBe(untouched);
    const back = new Uint8Array(4);
    expect(memory.read(0xffe, back)).toBe(true);
    expect(back).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it("is renewed by reading and writing too, each time it grows", () => {
    const { wasm, memory } = growing();
    for (let i = 1; i < 5; i++) {
      wasm.grow(1);
      expect(memory.write(8, Uint8Array.of(i))).toBe(true);
      wasm.grow(0);
      const back = new Uint8Array(1);
      expect(memory.read(8, back)).toBe(true);
      expect(back[0]).toBe(i);
      expect(new Uint8Array(wasm.buffer)[0x2008]).toBe(i);
    }
  });

  it("is the same region as before, with new views", () => {
    const { wasm, memory } = growing();
    const region = memory.findAt(0);
    const view = region?.bytes;
    expect(view?.length).toBe(0x1000);
    wasm.grow(1);
    memory.validate();
    expect(memory.findAt(0)).toBe(region);
    expect([view?.length, region?.bytes.length]).toEqual([0, 0x1000]);
  });

  it("is an error where nobody says where it is now", () => {
    const wasm = wasmMemory();
    const memory = new GuestMemory([{ gpa: 0, size: 16, buffer: wasm.buffer }]);
    wasm.grow(1);
    expect(() => memory.validate()).toThrow(DetachedRegionError);
    expect(() => memory.read(0, new Uint8Array(4))).toThrow(DetachedRegionError);
  });
});
