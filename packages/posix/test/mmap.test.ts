import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ClosedError, copyFromAddress, createMemfd, Fd, type Mapping, mapMemory, PosixError } from "../src/index.ts";
import { libc } from "../src/libc.ts";
import { wholePages } from "../src/mmap.ts";
import { collectGarbage } from "./support/collect.ts";

const PAGE = 4096;
const HUGE = 2 << 20;
const MFD_HUGETLB = 4;

function withMemfd<T>(sizeBytes: number, use: (fd: Fd) => T): T {
  const fd = createMemfd("test", sizeBytes);
  try {
    return use(fd);
  } finally {
    fd.close();
  }
}

describe("mapMemory", () => {
  it("two mappings of one file are the same memory, also after the descriptor is closed", () => {
    const [one, two] = withMemfd(2 * PAGE, (fd) => [mapMemory(fd, 2 * PAGE), mapMemory(fd, PAGE, { offset: PAGE })]);
    new Uint8Array(one.buffer)[PAGE + 1] = 77;
    expect(new Uint8Array(two.buffer)[1]).toBe(77);
    expect([one.sizeBytes, two.sizeBytes]).toEqual([2 * PAGE, PAGE]);
    one.unmap();
    two.unmap();
  });

  it("its address is its buffer's", () => {
    const mapping = withMemfd(PAGE, (fd) => mapMemory(fd, PAGE));
    new Uint8Array(mapping.buffer).set([5, 6], 10);
    const copy = new Uint8Array(2);
    copyFromAddress(mapping.address + 10, copy);
    expect([...copy]).toEqual([5, 6]);
    mapping.unmap();
  });

  it("a private mapping keeps what is written to itself", () => {
    withMemfd(PAGE, (fd) => {
      const own = mapMemory(fd, PAGE, { shared: false });
      new Uint8Array(own.buffer)[0] = 1;
      const common = mapMemory(fd, PAGE, { writable: false });
      expect(new Uint8Array(common.buffer)[0]).toBe(0);
      own.unmap();
      common.unmap();
    });
  });

  it("refuses sizes and offsets that cannot be", () => {
    withMemfd(PAGE, (fd) => {
      expect(() => mapMemory(fd, 0)).toThrow('"sizeBytes" expected an integer from 1 on, got 0');
      expect(() => mapMemory(fd, PAGE, { offset: 100 })).toThrow('"offset" expected a multiple of 4096, got 100');
      expect(() => mapMemory(fd, PAGE, { offset: -PAGE })).toThrow('"offset" expected an integer from 0 on, got -4096');
      expect(() => mapMemory(fd, 2 ** 50)).toThrow(PosixError);
    });
    expect(() => createMemfd("test", 1.5)).toThrow('"sizeBytes" expected an integer from 1 on, got 1.5');
  });
});

describe("a file of huge pages", () => {
  it.each([
    [0, 1, { start: 0, sizeBytes: 4096 }],
    [4096, 4096, { start: 4096, sizeBytes: 4096 }],
    [0x3000, 0x2000, { start: 0x3000, sizeBytes: 0x2000 }],
  ])("ordinary pages: %i, %i bytes", (offset, sizeBytes, pages) => {
    expect(wholePages(offset, sizeBytes, PAGE)).toEqual(pages);
  });

  it.each([
    [0xc_0000, 0x1000, { start: 0, sizeBytes: HUGE }],
    [HUGE - 0x1000, 0x2000, { start: 0, sizeBytes: 2 * HUGE }],
    [HUGE, HUGE, { start: HUGE, sizeBytes: HUGE }],
  ])("huge pages: %i, %i bytes", (offset, sizeBytes, pages) => {
    expect(wholePages(offset, sizeBytes, HUGE)).toEqual(pages);
  });

  const free = /HugePages_Free: +[1-9].*Hugepagesize: +2048 kB/s.test(readFileSync("/proc/meminfo", "utf8"));
  it.skipIf(!free)(`a part of one is mapped and unmapped${free ? "" : " (skipped: no huge page is free)"}`, () => {
    const fd = new Fd(libc().memfd_create("test", MFD_HUGETLB));
    libc().ftruncate(fd.number, HUGE);
    const [part, whole] = [mapMemory(fd, PAGE, { offset: 0xc_0000 }), mapMemory(fd, HUGE)];
    fd.close();
    new Uint8Array(part.buffer)[1] = 9;
    expect(new Uint8Array(whole.buffer)[0xc_0001]).toBe(9);
    expect([part.sizeBytes, part.buffer.byteLength]).toEqual([PAGE, PAGE]);
    part.unmap();
    whole.unmap();
  });
});

describe("unmap", () => {
  it("leaves views that are still in use with memory of nobody's: no crash, and nothing gets through", () => {
    const [gone, other] = withMemfd(PAGE, (fd) => [mapMemory(fd, PAGE), mapMemory(fd, PAGE)]);
    const view = new Uint8Array(gone.buffer);
    view[0] = 1;
    gone.unmap();
    gone.unmap();
    expect(gone.unmapped).toBe(true);
    expect(() => gone.buffer).toThrow(ClosedError);
    expect(view[0]).toBe(0);
    view[0] = 2;
    expect(new Uint8Array(other.buffer)[0]).toBe(1);
    other.unmap();
  });

  it("the addresses are free again when the last view is gone", async () => {
    const address = await abandoned();
    await collectGarbage();
    // A mapping of this size at this very address: the kernel gives it only where nothing is.
    expect(isMapped(address)).toBe(false);
  });

  it("memory that nobody keeps stays mapped: others may have its address", async () => {
    const address = withMemfd(PAGE, (fd) => mapMemory(fd, PAGE)).address;
    await collectGarbage();
    expect(isMapped(address)).toBe(true);
  });
});

/** Maps, unmaps, and forgets. */
async function abandoned(): Promise<number> {
  const mapping: Mapping = withMemfd(1 << 24, (fd) => mapMemory(fd, 1 << 24));
  expect(isMapped(mapping.address)).toBe(true);
  mapping.unmap();
  expect(isMapped(mapping.address)).toBe(true);
  return mapping.address;
}

/** Whether anything is mapped at an address. */
function isMapped(address: number): boolean {
  return readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .some((line) => {
      const [from = Number.NaN, to = Number.NaN] = line.split(/[- ]/, 2).map((text) => Number.parseInt(text, 16));
      return from <= address && address < to;
    });
}
