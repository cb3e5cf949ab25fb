import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QUEUE_EMPTY, QUEUE_REFUSED } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { QueueBench } from "./support/queue-bench.ts";
import { NEXT, type RawDescriptor, WRITE } from "./support/raw-ring.ts";

const TWO_32 = 2 ** 32;

/** `count` buffers of `len` bytes that follow each other from `addr`. */
function buffers(count: number, addr: number, len = 4, flags = 0): RawDescriptor[] {
  return Array.from({ length: count }, (_, i) => ({ addr: addr + i * len, len, flags }));
}

/** The chain that is offered is refused for `cause`, given back with length 0, and the queue goes on. */
function expectRefused(bench: QueueBench, cause: string, head: number, writable = false): void {
  const before = bench.ring.usedIdx;
  bench.body.clear();
  bench.body.push(bench.region.bytes, 0, 7, 0x7777, 0);
  expect(bench.queue.pop(writable, 0, bench.head, bench.body)).toBe(QUEUE_REFUSED);
  expect(bench.counters.refused).toMatchObject({ [cause]: 1 });
  expect(Object.values(bench.counters.refused).reduce((sum, count) => sum + count)).toBe(1);
  // What was in the list before stays, and nothing of the refused chain is in it.
  expect([bench.body.ranges, bench.body.totalBytes]).toEqual([[{ gpa: 0x7777, length: 7 }], 7]);
  expect([bench.queue.error, bench.stops]).toEqual([null, []]);
  bench.queue.publish();
  expect(bench.usedSince(before)).toEqual([[head, 0]]);
  expectWorking(bench);
}

function expectWorking(bench: QueueBench): void {
  bench.ring.desc(1, { addr: bench.data, len: 16 });
  bench.ring.offer(1);
  expect(bench.popReadable()).toBe(1);
  expect(bench.body.ranges).toEqual([{ gpa: bench.data, length: 16 }]);
}

describe("2.7.5 the descriptor table: chains", () => {
  it("hands out the buffers of a chain in order, by guest physical address", () => {
    const bench = new QueueBench();
    const chain = [
      { addr: bench.data + 100, len: 10 },
      { addr: bench.data + 20, len: 1 },
      { addr: bench.data + 4000, len: 300 },
    ];
    bench.ring.offer(bench.ring.chain(2, chain));
    expect(bench.popReadable()).toBe(2);
    expect(bench.body.ranges).toEqual(chain.map(({ addr, len }) => ({ gpa: addr, length: len })));
    expect([bench.body.totalBytes, bench.head.rangeCount]).toEqual([311, 0]);
    expect(bench.popReadable()).toBe(QUEUE_EMPTY);
    expect(bench.counters.chains).toBe(1);
  });

  it("hands out views that lead to the bytes, and host addresses where they are known", () => {
    const bench = new QueueBench({ gpa: 0x1_0000, hostAddress: 0x7f00_0000_0000 });
    bench.region.bytes.set([1, 2, 3, 4, 5], bench.data - 0x1_0000);
    bench.ring.offer(bench.ring.chain(0, buffers(2, bench.data, 2)));
    bench.popReadable(1);
    expect([bench.head.content, bench.body.content]).toEqual([[1], [2, 3, 4]]);
    const host = 0x7f00_0000_0000 + bench.data - 0x1_0000;
    expect([bench.head.hostAddresses, bench.body.hostAddresses]).toEqual([[host], [host + 1, host + 2]]);
  });

  it("says 0 for a host address that is not known, of the header's rest too", () => {
    const bench = new QueueBench();
    bench.ring.offer(bench.ring.chain(0, buffers(1, bench.data, 20)));
    bench.popReadable(12);
    expect([bench.head.hostAddresses, bench.body.hostAddresses]).toEqual([[0], [0]]);
  });

  it.each([1, 2, 8, 256, 32768])("follows a chain as long as a ring of %i", (size) => {
    const bench = new QueueBench({ size, dataBytes: 4 * size });
    bench.ring.offer(bench.ring.chain(0, buffers(size, bench.data)));
    expect(bench.popReadable()).toBe(0);
    expect([bench.body.rangeCount, bench.body.totalBytes]).toEqual([size, 4 * size]);
  });

  it("follows next in any order", () => {
    const bench = new QueueBench({ size: 4 });
    const order = [2, 0, 3, 1];
    for (const [i, index] of order.entries()) {
      const next = order[i + 1];
      const flags = next === undefined ? 0 : NEXT;
      bench.ring.desc(index, { addr: bench.data + 100 * index, len: 5, flags, next: next ?? 0xffff });
    }
    bench.ring.offer(2);
    expect(bench.popReadable()).toBe(2);
    expect(bench.body.ranges.map(({ gpa }) => (gpa - bench.data) / 100)).toEqual(order);
  });

  it("ignores next without NEXT, and flags that it does not know", () => {
    const bench = new QueueBench();
    bench.ring.desc(0, { addr: bench.data, len: 4, flags: 0xfff8, next: 0xffff });
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(0);
    expect(bench.body.ranges).toEqual([{ gpa: bench.data, length: 4 }]);
  });

  it("leaves out buffers of no bytes, wherever they point", () => {
    const bench = new QueueBench();
    bench.ring.offer(
      bench.ring.chain(0, [
        { addr: 2n ** 64n - 1n, len: 0 },
        { addr: bench.data, len: 3 },
        { addr: 0xdead_0000, len: 0 },
      ]),
    );
    expect(bench.popReadable(1)).toBe(0);
    expect(bench.head.ranges).toEqual([{ gpa: bench.data, length: 1 }]);
    expect(bench.body.ranges).toEqual([{ gpa: bench.data + 1, length: 2 }]);
    bench.ring.desc(3, { addr: 0, len: 0 });
    bench.ring.offer(3);
    expect([bench.popReadable(), bench.body.rangeCount, bench.body.totalBytes]).toEqual([3, 0, 0]);
  });

  it("takes 4 GiB - 1 in all and no byte more (2.7.5.2)", () => {
    const [size, mib] = [4096, 2 ** 20];
    for (const missing of [1, 0]) {
      const bench = new QueueBench({ size, dataBytes: mib });
      const chain: RawDescriptor[] = Array.from({ length: size }, () => ({ addr: bench.data, len: mib }));
      bench.ring.chain(0, [...chain.slice(1), { addr: bench.data, len: mib - missing }]);
      bench.ring.offer(0);
      expect(bench.popReadable()).toBe(missing === 1 ? 0 : QUEUE_REFUSED);
      expect(bench.body.totalBytes).toBe(missing === 1 ? TWO_32 - 1 : 0);
      expect(bench.counters.refused.lengthOverflow).toBe(1 - missing);
    }
  });

  it("writes nothing but the used ring", () => {
    const bench = new QueueBench();
    bench.ring.offer(bench.ring.chain(0, buffers(3, bench.data, 100, WRITE)));
    bench.popWritable(12);
    bench.queue.addUsed(0, 300);
    const before = bench.region.bytes.slice(0, bench.layout.usedRing);
    bench.queue.publish();
    expect(firstDifference(bench.region.bytes.subarray(0, bench.layout.usedRing), before)).toBe(-1);
    expect(bench.region.bytes.subarray(bench.data).some((byte) => byte !== 0)).toBe(false);
  });
});

describe("2.7.4.1 message framing: a header is where it is in the chain's bytes", () => {
  it.each([
    ["a descriptor of its own", [12, 100]],
    ["together with the data", [112]],
    ["one byte each", [...new Array<number>(12).fill(1), 100]],
    ["across a border between two", [7, 105]],
    ["across three, ending within the last", [5, 3, 104]],
    ["empty descriptors between", [0, 6, 0, 0, 6, 0, 100]],
  ])("%s", (_how, lengths) => {
    const bench = new QueueBench({ size: 16 });
    bench.region.bytes.set(
      Array.from({ length: 112 }, (_, i) => i),
      bench.data,
    );
    let addr = bench.data;
    const chain = lengths.map((len) => {
      addr += len;
      return { addr: addr - len, len };
    });
    bench.ring.offer(bench.ring.chain(0, chain));
    expect(bench.popReadable(12)).toBe(0);
    expect(bench.head.content).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(bench.body.content).toEqual(Array.from({ length: 100 }, (_, i) => 12 + i));
    expect([bench.head.totalBytes, bench.body.totalBytes]).toEqual([12, 100]);
  });

  it("a chain that is shorter than the header leaves the body empty", () => {
    const bench = new QueueBench();
    bench.ring.offer(bench.ring.chain(0, buffers(2, bench.data, 5)));
    expect(bench.popReadable(12)).toBe(0);
    expect([bench.head.totalBytes, bench.body.rangeCount]).toEqual([10, 0]);
  });

  it("the body grows behind what is in it already, the head starts anew", () => {
    const bench = new QueueBench();
    bench.ring.offer(bench.ring.chain(0, buffers(1, bench.data, 20)), bench.ring.chain(1, buffers(1, bench.data, 30)));
    bench.body.clear();
    bench.queue.pop(false, 12, bench.head, bench.body);
    bench.queue.pop(false, 10, bench.head, bench.body);
    expect(bench.head.ranges).toEqual([{ gpa: bench.data, length: 10 }]);
    expect(bench.body.ranges).toEqual([
      { gpa: bench.data + 12, length: 8 },
      { gpa: bench.data + 10, length: 20 },
    ]);
    expect(bench.body.totalBytes).toBe(28);
  });

  it("any cut gives the same bytes", () => {
    const cuts = fc.array(fc.nat(40), { minLength: 1, maxLength: 16 });
    fc.assert(
      fc.property(cuts, fc.nat(60), (lengths, headBytes) => {
        const bench = new QueueBench({ size: 16, dataBytes: 4096 });
        const all = lengths.reduce((sum, length) => sum + length, 0);
        const bytes = Array.from({ length: all }, (_, i) => (i * 7 + 1) & 0xff);
        bench.region.bytes.set(bytes, bench.data);
        let addr = bench.data;
        const chain = lengths.map((len) => {
          addr += len;
          return { addr: addr - len, len };
        });
        bench.ring.offer(bench.ring.chain(0, chain));
        expect(bench.popReadable(headBytes)).toBe(0);
        expect(bench.head.content).toEqual(bytes.slice(0, headBytes));
        expect(bench.body.content).toEqual(bytes.slice(headBytes));
      }),
    );
  });
});

describe("chains that are refused, by name", () => {
  it("chainTooLong: a descriptor that is its own next", () => {
    const bench = new QueueBench();
    bench.ring.desc(3, { addr: bench.data, len: 1, flags: NEXT, next: 3 });
    bench.ring.offer(3);
    expectRefused(bench, "chainTooLong", 3);
  });

  it.each([2, 8, 256])("chainTooLong: a loop over all %i descriptors, or over their end", (size) => {
    for (const back of [0, size - 1]) {
      const bench = new QueueBench({ size });
      bench.ring.chain(0, buffers(size, bench.data));
      bench.ring.desc(size - 1, { addr: bench.data, len: 1, flags: NEXT, next: back });
      bench.ring.offer(0);
      expectRefused(bench, "chainTooLong", 0);
    }
  });

  it("chainTooLong: a loop of empty buffers", () => {
    const bench = new QueueBench();
    bench.ring.desc(0, { addr: 0, len: 0, flags: NEXT, next: 2 });
    bench.ring.desc(2, { addr: 0, len: 0, flags: NEXT, next: 0 });
    bench.ring.offer(0);
    expectRefused(bench, "chainTooLong", 0);
  });

  it.each([8, 9, 0x7fff, 0xffff])("nextOutOfRange: next is %i in a ring of 8", (next) => {
    const bench = new QueueBench();
    bench.ring.desc(7, { addr: bench.data, len: 1, flags: NEXT, next });
    bench.ring.offer(7);
    expectRefused(bench, "nextOutOfRange", 7);
  });

  it("wrongDirection: writable where readable belongs, and the other way round", () => {
    const readable = new QueueBench();
    readable.ring.offer(readable.ring.chain(2, buffers(1, readable.data, 4, WRITE)));
    expectRefused(readable, "wrongDirection", 2);
    const writable = new QueueBench();
    writable.ring.offer(writable.ring.chain(2, buffers(1, writable.data, 4)));
    expectRefused(writable, "wrongDirection", 2, true);
  });

  it("wrongDirection: the last of a long chain, and an empty buffer too", () => {
    const bench = new QueueBench();
    const last = { addr: bench.data, len: 0, flags: WRITE };
    bench.ring.offer(bench.ring.chain(0, [...buffers(3, bench.data), last]));
    expectRefused(bench, "wrongDirection", 0);
  });

  const outside: readonly (readonly [string, (end: number) => RawDescriptor])[] = [
    ["behind the end", (end) => ({ addr: end, len: 1 })],
    ["over the end by one byte", (end) => ({ addr: end - 3, len: 4 })],
    ["from the last byte on", (end) => ({ addr: end - 1, len: 0xffff_ffff })],
    ["above 4 GiB, with low bits that would fit", () => ({ addr: TWO_32 + 0x100, len: 4 })],
    ["at 2^53 - 1", () => ({ addr: 2n ** 53n - 1n, len: 4 })],
    ["at 2^53", () => ({ addr: 2n ** 53n, len: 4 })],
    ["at 2^63", () => ({ addr: 2n ** 63n, len: 4 })],
    ["round the end of 64 bits", () => ({ addr: 2n ** 64n - 2n, len: 4 })],
  ];
  it.each(outside)("addressOutOfRange: %s", (_where, descriptor) => {
    for (const writable of [false, true]) {
      const bench = new QueueBench();
      const bad = descriptor(bench.region.end);
      bench.ring.desc(0, { ...bad, flags: writable ? WRITE : 0 });
      bench.ring.offer(0);
      expectRefused(bench, "addressOutOfRange", 0, writable);
    }
  });

  it.each(outside)("addressOutOfRange: %s, behind a buffer that is sound", (_where, descriptor) => {
    const bench = new QueueBench();
    bench.ring.offer(bench.ring.chain(0, [...buffers(4, bench.data, 8), descriptor(bench.region.end)]));
    // Lengths are added up first: the one that is as long as can be is too long with four others before it.
    const cause = descriptor(bench.region.end).len === 0xffff_ffff ? "lengthOverflow" : "addressOutOfRange";
    expectRefused(bench, cause, 0);
  });

  it("addressOutOfRange: from memory into a gap", () => {
    const regions = [{ gpa: 0x10_0000, size: 0x1000, buffer: new ArrayBuffer(0x1000) }];
    const bench = new QueueBench({ regions });
    bench.ring.offer(bench.ring.chain(0, [{ addr: bench.region.end - 8, len: 16 }]));
    expectRefused(bench, "addressOutOfRange", 0);
  });

  it("addressOutOfRange: a writable buffer in read-only memory, which may well be read", () => {
    const rom = { gpa: 0x10_0000, size: 0x1000, buffer: new ArrayBuffer(0x1000), writable: false };
    const bench = new QueueBench({ regions: [rom] });
    bench.ring.offer(bench.ring.chain(0, [{ addr: rom.gpa, len: 16 }]));
    expect(bench.popReadable()).toBe(0);
    bench.ring.offer(bench.ring.chain(3, [{ addr: rom.gpa, len: 16, flags: WRITE }]));
    expectRefused(bench, "addressOutOfRange", 3, true);
  });

  it("lengthOverflow: lengths that add up to 4 GiB", () => {
    const bench = new QueueBench();
    bench.ring.offer(
      bench.ring.chain(0, [
        { addr: bench.data, len: 16 },
        { addr: bench.data, len: 0xffff_fff0 },
      ]),
    );
    expectRefused(bench, "lengthOverflow", 0);
  });

  it("indirectNotAllowed: INDIRECT without its feature", () => {
    const bench = new QueueBench({ indirect: false });
    bench.ring.table(bench.data, [{ addr: bench.data + 64, len: 4 }]);
    bench.ring.desc(2, { addr: bench.data, len: 16, flags: 4 });
    bench.ring.offer(2);
    expectRefused(bench, "indirectNotAllowed", 2);
  });
});

describe("a refused chain", () => {
  it("does not stand in the way of those behind it", () => {
    const bench = new QueueBench();
    bench.ring.chain(0, [{ addr: 0xffff_0000, len: 4 }]);
    bench.ring.chain(1, buffers(1, bench.data));
    bench.ring.offer(0, 1, 0, 1);
    expect([0, 1, 2, 3, 4].map(() => bench.popReadable())).toEqual([QUEUE_REFUSED, 1, QUEUE_REFUSED, 1, QUEUE_EMPTY]);
    expect(bench.counters).toMatchObject({ chains: 4, stopped: 0 });
    expect(bench.counters.refused.addressOutOfRange).toBe(2);
  });

  it("is shown to the guest with the next publish, not before", () => {
    const bench = new QueueBench();
    bench.ring.chain(0, [{ addr: 0xffff_0000, len: 4 }]);
    bench.ring.offer(0);
    bench.popReadable();
    expect(bench.ring.usedIdx).toBe(0);
    bench.queue.publish();
    expect(bench.usedSince(0)).toEqual([[0, 0]]);
    expect(bench.queue.needsInterrupt()).toBe(true);
  });
});

describe("walking a chain again", () => {
  it("finds the same ranges as long as the guest leaves the chain alone", () => {
    const bench = new QueueBench();
    bench.ring.offer(bench.ring.chain(2, buffers(3, bench.data, 10, WRITE)));
    expect(bench.popWritable(12)).toBe(2);
    const [head, body] = [bench.head.ranges, bench.body.ranges];
    for (let i = 0; i < 3; i++) {
      bench.body.clear();
      expect(bench.queue.walk(2, true, 12, bench.head, bench.body)).toBe(true);
      expect([bench.head.ranges, bench.body.ranges]).toEqual([head, body]);
    }
    expect(bench.counters.chains).toBe(1);
  });

  it("gives a chain back that the guest broke meanwhile", () => {
    const bench = new QueueBench();
    bench.ring.offer(bench.ring.chain(2, buffers(2, bench.data, 10, WRITE)));
    bench.popWritable();
    bench.ring.desc(2, { addr: bench.data, len: 10, flags: WRITE | NEXT, next: 99 });
    bench.body.clear();
    expect(bench.queue.walk(2, true, 0, bench.head, bench.body)).toBe(false);
    bench.queue.publish();
    expect(bench.usedSince(0)).toEqual([[2, 0]]);
    expect(bench.counters.refused.nextOutOfRange).toBe(1);
    expect(bench.body.rangeCount).toBe(0);
  });

  it("is never refused for having been walked too often", () => {
    const bench = new QueueBench({ size: 2 });
    bench.ring.offer(bench.ring.chain(0, buffers(2, bench.data, 10, WRITE)));
    bench.popWritable();
    for (let i = 0; i < 5000; i++) {
      bench.body.clear();
      if (!bench.queue.walk(0, true, 0, bench.head, bench.body)) expect.fail(`refused at ${i}`);
    }
    expect(bench.body.totalBytes).toBe(20);
  });
});
