import { describe, expect, it } from "vitest";
import { QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { AVAIL, USED } from "./support/raw-packed-ring.ts";
import { INDIRECT, NEXT, WRITE } from "./support/raw-ring.ts";
import { WordCounter } from "./support/word-counter.ts";

/** Pops until nothing is left. Answers how many chains there were, refused ones included. */
function drain(bench: PackedBench): number {
  for (let chains = 0; ; chains++) {
    const head = bench.popReadable(12);
    if (head === QUEUE_EMPTY || head === QUEUE_STOPPED) return chains;
    if (head !== QUEUE_REFUSED) bench.queue.addUsed(head, 0);
  }
}

describe("a chain that is wrong goes back with length 0, to where its id says", () => {
  const cases = [
    ["wrongDirection", 0, { addr: 0, len: 4, flags: WRITE }],
    ["addressOutOfRange", 0, { addr: 0xdead_0000, len: 4 }],
    // Lengths overflow only together.
    ["lengthOverflow", 1, { addr: 0, len: 0xffff_ffff }],
  ] as const;
  it.each(cases)("%s, from descriptor %i on", (cause, from, bad) => {
    for (let at = from; at < 3; at++) {
      const bench = new PackedBench({ size: 5 });
      const good = { addr: bench.data, len: 4 };
      const chain = [good, good, good].map((part, i) => (i === at ? bad : part));
      bench.ring.offer(4, chain);
      bench.ring.offer(2, [good]);
      expect(bench.popReadable()).toBe(QUEUE_REFUSED);
      expect(bench.counters.refused).toMatchObject({ [cause]: 1 });
      expect(bench.body.rangeCount).toBe(0);
      expect(bench.popReadable()).toBe(2);
      bench.queue.addUsed(2, 0);
      bench.queue.publish();
      expect(bench.ring.takeUsed(3)).toMatchObject({ id: 4, len: 0 });
      expect(bench.ring.takeUsed(1)).toMatchObject({ id: 2, len: 0 });
    }
  });

  it("addresses: high halves, the end of 64 bits, memory that is read-only", () => {
    const rom = { gpa: 0x100_0000, size: 4096, buffer: new ArrayBuffer(4096), writable: false };
    for (const addr of [2n ** 32n, 2n ** 53n, 2n ** 64n - 2n, 0x100_0000n]) {
      const bench = new PackedBench({ regions: [rom] });
      bench.ring.offer(0, [{ addr, len: 4, flags: WRITE }]);
      expect(bench.popWritable()).toBe(QUEUE_REFUSED);
      expect(bench.counters.refused.addressOutOfRange).toBe(1);
    }
  });
});

describe("a ring that is wrong stops the queue", () => {
  it.each([8, 9, 0x7fff, 0xffff])("headOutOfRange: buffer id %i of a ring of 8", (id) => {
    const bench = new PackedBench();
    bench.offer(id, 2);
    expect([bench.popReadable(), bench.popReadable()]).toEqual([QUEUE_STOPPED, QUEUE_STOPPED]);
    expect([bench.stops, bench.counters.stopped, bench.queue.begin()]).toEqual([["headOutOfRange"], 1, false]);
  });

  it("headInUse: the buffer id of a chain that is out", () => {
    const bench = new PackedBench();
    bench.offer(3);
    bench.offer(3);
    expect([bench.popReadable(), bench.popReadable()]).toEqual([3, QUEUE_STOPPED]);
    expect(bench.stops).toEqual(["headInUse"]);
  });

  it.each([1, 2, 5, 8])("chainWithoutEnd: NEXT in all slots of a ring of %i", (size) => {
    const bench = new PackedBench({ size });
    bench.offer(0, size, NEXT);
    expect([bench.popReadable(), bench.stops]).toEqual([QUEUE_STOPPED, ["chainWithoutEnd"]]);
    expect(bench.body.rangeCount).toBe(0);
  });

  it("chainWithoutEnd: a chain that goes on over those that are out", () => {
    const bench = new PackedBench({ size: 4 });
    bench.offer(0, 2);
    expect(bench.popReadable()).toBe(0);
    bench.ring.offer(1, new Array(3).fill({ addr: bench.data, len: 4 }));
    expect([bench.popReadable(), bench.stops]).toEqual([QUEUE_STOPPED, ["chainWithoutEnd"]]);
  });

  it("availIndexJumped: something available where all descriptors are out", () => {
    const bench = new PackedBench({ size: 2 });
    bench.offer(0);
    bench.offer(1);
    expect([bench.popReadable(), bench.popReadable(), bench.popReadable()]).toEqual([0, 1, QUEUE_EMPTY]);
    bench.ring.setFlags(0, USED);
    expect([bench.popReadable(), bench.stops]).toEqual([QUEUE_STOPPED, ["availIndexJumped"]]);
  });

  it("a reset and a start bring it back", () => {
    const bench = new PackedBench();
    bench.offer(99);
    bench.popReadable();
    bench.region.bytes.fill(0, bench.layout.descTable, bench.layout.descTable + 128);
    bench.ring.availSlot = 0;
    bench.queue.start(bench.layout);
    bench.offer(1);
    expect([bench.queue.error, bench.popReadable()]).toEqual([null, 1]);
  });
});

describe("wrap counters that lie", () => {
  it("in the middle of a chain change nothing: it is made available by its first descriptor", () => {
    for (const bits of [0, AVAIL, USED, AVAIL | USED]) {
      const bench = new PackedBench();
      bench.offer(5, 3);
      bench.ring.setFlags(1, NEXT | bits);
      expect([bench.popReadable(), bench.body.rangeCount]).toEqual([5, 3]);
    }
  });

  it("all slots available for ever are taken once, and refused as too many then", () => {
    const bench = new PackedBench({ size: 4 });
    for (let i = 0; i < 4; i++) bench.offer(i);
    expect(bench.queue.available()).toBe(4);
    for (let i = 0; i < 4; i++) expect(bench.popReadable()).toBe(i);
    for (let i = 0; i < 4; i++) bench.ring.setFlags(i, USED);
    expect([bench.queue.available(), bench.popReadable()]).toEqual([0, QUEUE_STOPPED]);
  });
});

describe("what the guest can change is read once", () => {
  it("each word of each descriptor", () => {
    const bench = new PackedBench({ indirect: true });
    const chain = Array.from({ length: 4 }, (_, i) => ({ addr: bench.data + 100 * i, len: 50 }));
    bench.ring.table(bench.data + 1024, chain);
    bench.ring.offer(1, chain);
    bench.ring.offer(2, [{ addr: bench.data + 1024, len: 64, flags: INDIRECT }]);
    expect([bench.popReadable(), bench.popReadable()]).toEqual([1, 2]);
    // Atomics want a real view, so `pop` cannot be counted; the walk of `pop` is this one.
    const words = new WordCounter(bench.region);
    bench.memory.addRegion({ gpa: 0x100_0000, size: 4, buffer: new ArrayBuffer(4) });
    bench.queue.begin();
    bench.queue.walk(1, false, 75, bench.head, bench.body);
    const first = bench.layout.descTable / 4;
    expect([...words.reads].sort(([a], [b]) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => [first + i, 1]));
    words.clear();
    bench.queue.walk(2, false, 75, bench.head, bench.body);
    expect([words.total, new Set(words.reads.values())]).toEqual([4 + 16, new Set([1])]);
  });

  it("a chain that changes while it is handed out changes nothing that was read", () => {
    const bench = new PackedBench();
    bench.offer(1, 2);
    bench.body.onPush = () => {
      bench.body.onPush = null;
      bench.ring.slot(0, { addr: 0xdead_0000, len: 0xffff_ffff, id: 0xffff, flags: NEXT | WRITE });
      bench.ring.setId(1, 6);
    };
    expect(bench.popReadable()).toBe(6);
    expect(bench.body.ranges).toEqual([
      { gpa: bench.data, length: 4 },
      { gpa: bench.data + 16, length: 4 },
    ]);
  });

  it("a guest that resets, or starts over, in the middle of a chain gets nothing written", () => {
    for (const again of [false, true]) {
      const bench = new PackedBench();
      bench.offer(1, 2);
      bench.body.onPush = () => {
        if (again) bench.queue.start(bench.layout);
        else bench.queue.reset();
      };
      const before = bench.region.bytes.slice();
      expect(bench.popReadable()).toBe(QUEUE_EMPTY);
      bench.queue.addUsed(1, 8);
      bench.queue.publish();
      expect(firstDifference(bench.region.bytes, before)).toBe(-1);
    }
  });
});

describe("the work is linear in the ring", () => {
  it("whatever tables its entries share", () => {
    for (const size of [16, 2048]) {
      const bench = new PackedBench({ size, indirect: true, dataBytes: 0x10000 });
      bench.ring.table(bench.data, new Array(2048).fill({ addr: bench.data, len: 1 }));
      for (let id = 0; id < size; id++) {
        const entries = id % 2 === 0 ? 1024 : 2048;
        bench.ring.offer(id, [{ addr: bench.data, len: 16 * entries, flags: INDIRECT }]);
      }
      expect(drain(bench)).toBe(size);
      expect(bench.head.pushes + bench.body.pushes).toBeLessThanOrEqual(1024 * size);
      expect(bench.counters.refused.chainTooLong).toBe(size / 2);
    }
  });
});
