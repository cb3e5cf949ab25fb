import { describe, expect, it } from "vitest";
import { QUEUE_REFUSED } from "../src/index.ts";
import { QueueBench } from "./support/queue-bench.ts";
import { INDIRECT, NEXT, type RawDescriptor, WRITE } from "./support/raw-ring.ts";

/** An indirect table of `count` buffers of 4 bytes at `gpa`; the buffers lie behind it. Answers their ranges. */
function tableOf(bench: QueueBench, gpa: number, count: number, flags = 0): { gpa: number; length: number }[] {
  const ranges = Array.from({ length: count }, (_, i) => ({ gpa: bench.data + 0x8000 + 4 * (i % 0x800), length: 4 }));
  bench.ring.table(
    gpa,
    ranges.map((range) => ({ addr: range.gpa, len: range.length, flags })),
  );
  return ranges;
}

function indirectBench(options: ConstructorParameters<typeof QueueBench>[0] = {}): QueueBench {
  return new QueueBench({ indirect: true, ...options });
}

function expectRefused(bench: QueueBench, cause: string): void {
  expect(bench.popReadable()).toBe(QUEUE_REFUSED);
  expect(bench.counters.refused).toMatchObject({ [cause]: 1 });
  expect([bench.body.rangeCount, bench.queue.error]).toEqual([0, null]);
  bench.queue.publish();
  expect(bench.usedSince(0)).toEqual([[0, 0]]);
}

describe("2.7.5.3 indirect descriptors", () => {
  it("refer to a table whose first descriptor starts the chain", () => {
    const bench = indirectBench();
    const ranges = tableOf(bench, bench.data, 5);
    bench.ring.desc(6, { addr: bench.data, len: 5 * 16, flags: INDIRECT });
    bench.ring.offer(6);
    expect(bench.popReadable()).toBe(6);
    expect(bench.body.ranges).toEqual(ranges);
  });

  it("follow next within the table, in any order, whatever lies behind in the table", () => {
    const bench = indirectBench();
    bench.ring.descAt(bench.data, { addr: bench.data + 1000, len: 1, flags: NEXT, next: 3 });
    bench.ring.descAt(bench.data + 16, { addr: bench.data + 1001, len: 1, flags: 0 });
    bench.ring.descAt(bench.data + 32, { addr: 2n ** 64n - 1n, len: 0xffff_ffff, flags: INDIRECT | NEXT });
    bench.ring.descAt(bench.data + 48, { addr: bench.data + 1003, len: 1, flags: NEXT, next: 1 });
    bench.ring.desc(0, { addr: bench.data, len: 64, flags: INDIRECT });
    bench.ring.offer(0);
    bench.popReadable();
    expect(bench.body.ranges.map(({ gpa }) => gpa - bench.data)).toEqual([1000, 1003, 1001]);
  });

  it("may hold more descriptors than the ring has: 1024 in a ring of any size", () => {
    for (const size of [1, 2, 256]) {
      const bench = indirectBench({ size, dataBytes: 0x10000 });
      const ranges = tableOf(bench, bench.data, 1024);
      bench.ring.desc(0, { addr: bench.data, len: 1024 * 16, flags: INDIRECT });
      bench.ring.offer(0);
      expect(bench.popReadable()).toBe(0);
      expect(bench.body.ranges).toEqual(ranges);
    }
  });

  it("may hold as many as a ring that is longer", () => {
    const size = 4096;
    const bench = indirectBench({ size, dataBytes: 0x20000 });
    const table = bench.data + 0xc000;
    const ranges = tableOf(bench, table, size);
    bench.ring.desc(0, { addr: table, len: size * 16, flags: INDIRECT });
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(0);
    expect(bench.body.rangeCount).toBe(ranges.length);
  });

  it("may be in a table that is far longer than its chain, up to 65536 descriptors and beyond", () => {
    const bench = indirectBench({ dataBytes: 0x12_0000 });
    const last = 0xffff;
    bench.ring.descAt(bench.data, { addr: 16, len: 1, flags: NEXT, next: last });
    bench.ring.descAt(bench.data + 16 * last, { addr: 32, len: 2 });
    bench.ring.desc(0, { addr: bench.data, len: 16 * (last + 2), flags: INDIRECT });
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(0);
    expect(bench.body.ranges).toEqual([
      { gpa: 16, length: 1 },
      { gpa: 32, length: 2 },
    ]);
  });

  it("split a header from the rest like any other chain", () => {
    const bench = indirectBench();
    bench.ring.table(bench.data, [
      { addr: bench.data + 1000, len: 5, flags: WRITE },
      { addr: bench.data + 2000, len: 95, flags: WRITE },
    ]);
    bench.ring.desc(0, { addr: bench.data, len: 32, flags: INDIRECT });
    bench.ring.offer(0);
    expect(bench.popWritable(12)).toBe(0);
    expect(bench.head.ranges).toEqual([
      { gpa: bench.data + 1000, length: 5 },
      { gpa: bench.data + 2000, length: 7 },
    ]);
    expect(bench.body.ranges).toEqual([{ gpa: bench.data + 2007, length: 88 }]);
  });

  it("are anywhere in memory: on any byte", () => {
    for (const off of [1, 2, 3, 4, 8, 13]) {
      const bench = indirectBench({ dataBytes: 0x10000 });
      const ranges = tableOf(bench, bench.data + off, 20);
      bench.ring.desc(0, { addr: bench.data + off, len: 320, flags: INDIRECT });
      bench.ring.offer(0);
      expect(bench.popReadable()).toBe(0);
      expect(bench.body.ranges).toEqual(ranges);
    }
  });

  it("are anywhere in memory: over the border of regions that adjoin", () => {
    const bench = indirectBench({ dataBytes: 0x10000 });
    const next = bench.memory.addRegion({ gpa: bench.region.end, size: 0x1000, buffer: new ArrayBuffer(0x1000) });
    const table = bench.region.end - 24;
    const word = (region: { readonly bytes: Uint8Array }, at: number, value: number) =>
      new DataView(region.bytes.buffer).setUint32(at, value, true);
    // Two descriptors: one and a half in the first region, the rest in the second.
    bench.ring.descAt(table, { addr: bench.data, len: 7, flags: NEXT, next: 1 });
    word(bench.region, table + 16 - bench.region.gpa, bench.data + 100);
    word(next, 0, 9);
    word(next, 4, 0);
    bench.ring.desc(0, { addr: table, len: 32, flags: INDIRECT });
    bench.ring.offer(0);
    expect(bench.queue.begin()).toBe(true);
    expect(bench.popReadable()).toBe(0);
    expect(bench.body.ranges).toEqual([
      { gpa: bench.data, length: 7 },
      { gpa: bench.data + 100, length: 9 },
    ]);
  });

  it("are anywhere in memory: in memory that is read-only, or above 4 GiB", () => {
    for (const gpa of [0x100_0000, 2 ** 40]) {
      const buffer = new ArrayBuffer(0x1000);
      const bench = indirectBench({ regions: [{ gpa, size: 0x1000, buffer, writable: false }] });
      const view = new DataView(buffer);
      view.setUint32(0x20, bench.data, true);
      view.setUint32(0x28, 11, true);
      bench.ring.desc(0, { addr: gpa + 0x20, len: 16, flags: INDIRECT });
      bench.ring.offer(0);
      expect(bench.popReadable()).toBe(0);
      expect(bench.body.ranges).toEqual([{ gpa: bench.data, length: 11 }]);
    }
  });
});

describe("2.7.5.3.2 device requirements: indirect descriptors", () => {
  it("WRITE in the descriptor that refers to a table is ignored, both ways", () => {
    for (const [flag, inside] of [
      [WRITE, 0],
      [0, WRITE],
    ] as const) {
      const bench = indirectBench();
      const ranges = tableOf(bench, bench.data, 2, inside);
      bench.ring.desc(0, { addr: bench.data, len: 32, flags: INDIRECT | flag });
      bench.ring.offer(0);
      bench.body.clear();
      expect(bench.queue.pop(inside === WRITE, 0, bench.head, bench.body)).toBe(0);
      expect(bench.body.ranges).toEqual(ranges);
    }
  });

  it.each([1, 2, 7])("%i normal descriptors, then one that refers to a table", (count) => {
    const bench = indirectBench();
    const inTable = tableOf(bench, bench.data, 3);
    const normal = Array.from({ length: count }, (_, i) => ({ addr: bench.data + 0x4000 + i, len: 1 }));
    bench.ring.chain(0, [...normal, { addr: bench.data, len: 48, flags: INDIRECT }]);
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(0);
    expect(bench.body.ranges).toEqual([...normal.map(({ addr, len }) => ({ gpa: addr, length: len })), ...inTable]);
  });
});

describe("indirect tables that are refused, by name", () => {
  const inMain = (bench: QueueBench, descriptor: Partial<RawDescriptor>): void => {
    bench.ring.desc(0, { addr: bench.data, len: 32, flags: INDIRECT, ...descriptor });
    bench.ring.offer(0);
  };

  it("indirectNotAllowed: together with NEXT", () => {
    const bench = indirectBench();
    tableOf(bench, bench.data, 2);
    bench.ring.desc(1, { addr: bench.data, len: 4 });
    inMain(bench, { flags: INDIRECT | NEXT, next: 1 });
    expectRefused(bench, "indirectNotAllowed");
  });

  it("indirectNotAllowed: a table within a table, first or last, itself or another", () => {
    for (const at of [0, 1]) {
      for (const inner of [0, 0x100]) {
        const bench = indirectBench();
        tableOf(bench, bench.data, 2);
        tableOf(bench, bench.data + 0x100, 2);
        bench.ring.descAt(bench.data + 16 * at, { addr: bench.data + inner, len: 32, flags: INDIRECT });
        inMain(bench, {});
        expectRefused(bench, "indirectNotAllowed");
      }
    }
  });

  it.each([0, 1, 15, 17, 40, 0xffff_ffff])("indirectBadLength: %i bytes", (len) => {
    const bench = indirectBench();
    tableOf(bench, bench.data, 2);
    inMain(bench, { len });
    expectRefused(bench, "indirectBadLength");
  });

  const outside: readonly (readonly [string, (end: number) => Partial<RawDescriptor>])[] = [
    ["behind the end of memory", (end) => ({ addr: end })],
    ["over the end", (end) => ({ addr: end - 16 })],
    ["over the end, off a word", (end) => ({ addr: end - 31 })],
    ["longer than memory", () => ({ len: 0xffff_fff0 })],
    ["longer than any chain, off a word", (end) => ({ addr: end - 0x8001, len: 1025 * 16 })],
    ["at 2^53", () => ({ addr: 2n ** 53n })],
    ["at the end of 64 bits", () => ({ addr: 2n ** 64n - 16n, len: 16 })],
  ];
  it.each(outside)("indirectOutOfRange: %s", (_where, descriptor) => {
    const bench = indirectBench();
    inMain(bench, descriptor(bench.region.end));
    expectRefused(bench, "indirectOutOfRange");
  });

  it("nextOutOfRange: behind the end of the table, though the ring has such a descriptor", () => {
    const bench = indirectBench({ size: 8 });
    tableOf(bench, bench.data, 2);
    bench.ring.descAt(bench.data + 16, { addr: bench.data, len: 4, flags: NEXT, next: 2 });
    inMain(bench, {});
    expectRefused(bench, "nextOutOfRange");
  });

  it("chainTooLong: a loop within the table", () => {
    const bench = indirectBench();
    tableOf(bench, bench.data, 2);
    bench.ring.descAt(bench.data + 16, { addr: bench.data, len: 4, flags: NEXT, next: 0 });
    inMain(bench, {});
    expectRefused(bench, "chainTooLong");
    expect(bench.body.pushes).toBe(2);
  });

  it("chainTooLong: more than 1024 buffers in a ring of 256", () => {
    const bench = indirectBench({ size: 256, dataBytes: 0x10000 });
    tableOf(bench, bench.data, 1025);
    inMain(bench, { len: 1025 * 16 });
    expectRefused(bench, "chainTooLong");
  });

  it("chainTooLong: as many normal descriptors as the ring has, and then a table", () => {
    const bench = indirectBench({ size: 4 });
    bench.ring.chain(
      0,
      Array.from({ length: 4 }, () => ({ addr: bench.data, len: 1 })),
    );
    bench.ring.desc(3, { addr: bench.data, len: 1, flags: NEXT, next: 0 });
    bench.ring.offer(0);
    expectRefused(bench, "chainTooLong");
  });

  it("wrongDirection, addressOutOfRange and lengthOverflow hold within tables, and over both parts together", () => {
    const cases: readonly (readonly [string, RawDescriptor])[] = [
      ["wrongDirection", { addr: 0, len: 4, flags: WRITE }],
      ["addressOutOfRange", { addr: 2 ** 40, len: 4 }],
      ["lengthOverflow", { addr: 0, len: 0xffff_ffff }],
    ];
    for (const [cause, last] of cases) {
      const bench = indirectBench();
      bench.ring.table(bench.data, [last]);
      bench.ring.chain(0, [
        { addr: bench.data, len: 1 },
        { addr: bench.data, len: 16, flags: INDIRECT },
      ]);
      bench.ring.offer(0);
      expectRefused(bench, cause);
    }
  });
});
