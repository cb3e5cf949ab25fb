import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { PackedQueue, QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED, QueueCounters } from "../src/index.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { AVAIL, USED } from "./support/raw-packed-ring.ts";
import { INDIRECT, NEXT, WRITE } from "./support/raw-ring.ts";

describe("a packed queue", () => {
  it.each([0, -1, 1.5, 32769, Number.NaN])("refuses size %d", (size) => {
    expect(() => new PackedQueue(new GuestMemory(), size, new QueueCounters())).toThrow(RangeError);
  });

  it("does nothing before it is started, and after a reset", () => {
    const bench = new PackedBench();
    bench.offer(3);
    bench.queue.reset();
    expect([bench.queue.ready, bench.queue.begin(), bench.queue.available()]).toEqual([false, false, 0]);
    expect(bench.popReadable()).toBe(QUEUE_EMPTY);
    expect(bench.queue.enableNotify()).toBe(false);
    bench.queue.addUsed(3, 0);
    bench.queue.publish();
    bench.queue.disableNotify();
    expect(bench.queue.needsInterrupt()).toBe(false);
  });

  it("2.8.10.1 stops at once where a part is misaligned, outside memory, or not to be written", () => {
    const rom = { gpa: 0x100_0000, size: 4096, buffer: new ArrayBuffer(4096), writable: false };
    const cases = [
      [{ descTable: 0x1008 }, "ringMisaligned"],
      [{ availRing: 66 }, "ringMisaligned"],
      [{ usedRing: 130 }, "ringMisaligned"],
      [{ descTable: 0x200_0000 }, "ringOutOfRange"],
      [{ availRing: 0x200_0000 }, "ringOutOfRange"],
      [{ usedRing: 0x200_0000 }, "ringOutOfRange"],
      [{ descTable: rom.gpa }, "ringOutOfRange"],
      [{ usedRing: rom.gpa }, "ringOutOfRange"],
    ] as const;
    for (const [change, error] of cases) {
      const bench = new PackedBench({ regions: [rom] });
      bench.queue.start({ ...bench.layout, ...change });
      expect([bench.queue.error, bench.queue.ready, bench.queue.begin()]).toEqual([error, true, false]);
      expect(bench.popReadable()).toBe(QUEUE_STOPPED);
    }
    const bench = new PackedBench({ regions: [rom] });
    bench.queue.start({ ...bench.layout, availRing: rom.gpa });
    expect(bench.queue.error).toBeNull();
  });
});

describe("2.8.1 wrap counters", () => {
  it.each([1, 2, 3, 5, 7, 8, 100, 256, 1000])("go round and round a ring of %i entries, in batches", (size) => {
    const bench = new PackedBench({ size });
    let next = 0;
    for (let round = 0; round < 40; round++) {
      const batch = 1 + ((round * 7) % size);
      const ids = Array.from({ length: batch }, () => next++ % size);
      for (const id of ids) bench.offer(id);
      expect(bench.queue.available()).toBe(batch);
      for (const id of ids) expect(bench.popReadable()).toBe(id);
      expect(bench.popReadable()).toBe(QUEUE_EMPTY);
      for (const id of ids) bench.queue.addUsed(id, id + 1);
      expect(bench.ring.isUsed).toBe(false);
      bench.queue.publish();
      for (const id of ids) {
        const used = bench.ring.takeUsed(1);
        expect([used?.id, used?.len]).toEqual([id, id + 1]);
      }
      expect(bench.ring.isUsed).toBe(false);
    }
  });

  it("take descriptors that were never written for unavailable: 0, and both flags alike", () => {
    for (const flags of [0, AVAIL | USED, USED]) {
      const bench = new PackedBench();
      bench.ring.slot(0, { addr: bench.data, len: 4, id: 0, flags });
      expect([bench.queue.available(), bench.popReadable(), bench.queue.error]).toEqual([0, QUEUE_EMPTY, null]);
    }
  });

  it("a chain may lie over the end of the ring, in any ring", () => {
    for (const size of [3, 4, 7]) {
      const bench = new PackedBench({ size });
      for (let round = 0; round < 30; round++) {
        const count = 1 + (round % size);
        bench.offer(round % size, count);
        expect(bench.popReadable()).toBe(round % size);
        expect(bench.body.rangeCount).toBe(count);
        bench.queue.addUsed(round % size, 0);
        bench.queue.publish();
        expect(bench.ring.takeUsed(count)?.id).toBe(round % size);
      }
    }
  });
});

describe("2.8.3, 2.8.4 used descriptors", () => {
  it("say WRITE where bytes were written, and how many", () => {
    const bench = new PackedBench();
    for (const [id, length] of [
      [5, 1514],
      [6, 0],
    ] as const) {
      bench.offer(id, 1, WRITE);
      expect(bench.popWritable()).toBe(id);
      bench.queue.addUsed(id, length);
    }
    bench.queue.publish();
    expect(bench.ring.takeUsed(1)).toMatchObject({ id: 5, len: 1514, flags: AVAIL | USED | WRITE });
    expect(bench.ring.takeUsed(1)).toMatchObject({ id: 6, len: 0, flags: AVAIL | USED });
  });

  it("of a batch become visible together: the first one's flags are written last", () => {
    const bench = new PackedBench();
    for (const id of [1, 2, 3]) bench.offer(id);
    for (let i = 0; i < 3; i++) bench.queue.addUsed(bench.popReadable(), 0);
    expect([0, 1, 2].map((slot) => bench.ring.read(slot).flags & USED)).toEqual([0, USED, USED]);
    bench.queue.publish();
    expect([0, 1, 2].map((slot) => bench.ring.read(slot).flags & USED)).toEqual([USED, USED, USED]);
  });

  it("are written in the order of use, each skipping the slots of its own chain (2.8.6)", () => {
    const bench = new PackedBench({ size: 8 });
    bench.offer(0, 3);
    bench.offer(1, 1);
    bench.offer(2, 2);
    expect([bench.popReadable(), bench.popReadable(), bench.popReadable()]).toEqual([0, 1, 2]);
    for (const id of [2, 0, 1]) bench.queue.addUsed(id, 0);
    bench.queue.publish();
    expect([2, 3, 1].map((slots) => bench.ring.takeUsed(slots)?.id)).toEqual([2, 0, 1]);
  });

  it("a chain that is given back twice, or never was out, is ignored", () => {
    const bench = new PackedBench();
    bench.offer(4);
    bench.popReadable();
    for (const id of [3, 4, 4, 8, 70000, -1]) bench.queue.addUsed(id, 1);
    bench.queue.publish();
    expect([bench.ring.takeUsed(1)?.id, bench.ring.takeUsed(1)]).toEqual([4, null]);
  });
});

describe("a chain is walked again", () => {
  it("while it is out, also after its descriptors were overwritten by those that were used before it", () => {
    for (const rounds of [1, 2, 5, 40]) {
      const bench = new PackedBench({ size: 8 });
      bench.ring.offer(7, [
        { addr: bench.data + 1000, len: 10 },
        { addr: bench.data + 2000, len: 20 },
      ]);
      bench.ring.offer(6, [{ addr: bench.data + 3000, len: 30 }]);
      expect([bench.popReadable(), bench.popReadable()]).toEqual([7, 6]);
      for (let round = 0; round < rounds; round++) {
        const id = round % 3;
        bench.offer(id, 1 + (round % 4));
        expect(bench.popReadable()).toBe(id);
        bench.queue.addUsed(id, 0);
        bench.queue.publish();
        for (const [chain, ranges] of [
          [
            7,
            [
              { gpa: bench.data + 1000, length: 10 },
              { gpa: bench.data + 2000, length: 20 },
            ],
          ],
          [6, [{ gpa: bench.data + 3000, length: 30 }]],
        ] as const) {
          bench.body.clear();
          expect(bench.queue.walk(chain, false, 0, bench.head, bench.body)).toBe(true);
          expect(bench.body.ranges).toEqual(ranges);
        }
      }
      bench.queue.addUsed(6, 0);
      bench.queue.addUsed(7, 0);
      bench.offer(1, 2);
      expect(bench.popReadable()).toBe(1);
      expect(bench.queue.walk(1, false, 0, bench.head, bench.body)).toBe(true);
    }
  });

  it("and refused, and given back, where the guest changed it meanwhile", () => {
    const changes = [
      ["wrongDirection", AVAIL | WRITE],
      ["indirectNotAllowed", AVAIL | INDIRECT],
      ["chainTooLong", AVAIL | NEXT],
    ] as const;
    for (const [cause, flags] of changes) {
      const bench = new PackedBench();
      bench.offer(2);
      bench.popReadable();
      bench.ring.setFlags(0, flags);
      bench.body.clear();
      expect(bench.queue.walk(2, false, 0, bench.head, bench.body)).toBe(false);
      expect(bench.counters.refused[cause]).toBe(1);
      bench.queue.publish();
      expect(bench.ring.takeUsed(1)).toMatchObject({ id: 2, len: 0 });
      expect(bench.queue.walk(2, false, 0, bench.head, bench.body)).toBe(false);
    }
  });
});

describe("2.8.7 indirect tables", () => {
  it("are the chain, all of them, whatever flags but WRITE and whatever id they have", () => {
    const bench = new PackedBench({ indirect: true });
    bench.ring.table(bench.data, [
      { addr: bench.data + 1000, len: 10, flags: WRITE | NEXT },
      { addr: bench.data + 2000, len: 0, flags: WRITE | INDIRECT, next: 7 },
      { addr: bench.data + 3000, len: 30, flags: 0xfffa, next: 9 },
    ]);
    bench.ring.offer(3, [{ addr: bench.data, len: 48, flags: INDIRECT }]);
    expect(bench.popWritable(12)).toBe(3);
    expect(bench.head.ranges).toEqual([
      { gpa: bench.data + 1000, length: 10 },
      { gpa: bench.data + 3000, length: 2 },
    ]);
    expect(bench.body.ranges).toEqual([{ gpa: bench.data + 3002, length: 28 }]);
  });

  it("take one slot of the ring", () => {
    const bench = new PackedBench({ indirect: true, size: 3 });
    bench.ring.table(bench.data, new Array(1024).fill({ addr: bench.data, len: 1 }));
    for (const id of [2, 0, 1]) bench.ring.offer(id, [{ addr: bench.data, len: 16 * 1024, flags: INDIRECT }]);
    for (const id of [2, 0, 1]) {
      expect(bench.popReadable()).toBe(id);
      expect(bench.body.rangeCount).toBe(1024);
      bench.queue.addUsed(id, 0);
    }
    bench.queue.publish();
    expect([0, 1, 2].map(() => bench.ring.takeUsed(1)?.id)).toEqual([2, 0, 1]);
  });

  it("WRITE beside INDIRECT means nothing", () => {
    const bench = new PackedBench({ indirect: true });
    bench.ring.table(bench.data, [{ addr: bench.data, len: 4 }]);
    bench.ring.offer(0, [{ addr: bench.data, len: 16, flags: INDIRECT | WRITE }]);
    expect(bench.popReadable()).toBe(0);
  });

  it("are refused by name, and the chain is given back", () => {
    const bench = (indirect = true): PackedBench => new PackedBench({ indirect, dataBytes: 0x10000 });
    const one = (cause: string, descriptors: Parameters<PackedBench["ring"]["offer"]>[1], indirect = true): void => {
      const b = bench(indirect);
      b.ring.table(b.data, [
        { addr: 2n ** 40n, len: 4 },
        { addr: 0, len: 4, flags: WRITE },
      ]);
      b.ring.table(b.data + 64, [
        { addr: 0, len: 0xffff_ffff },
        { addr: 0, len: 1 },
      ]);
      b.ring.offer(5, descriptors);
      expect(b.popReadable()).toBe(QUEUE_REFUSED);
      expect(b.counters.refused).toMatchObject({ [cause]: 1 });
      expect([b.body.rangeCount, b.queue.error]).toEqual([0, null]);
      b.queue.publish();
      expect(b.ring.takeUsed(descriptors.length)).toMatchObject({ id: 5, len: 0 });
    };
    const { data } = bench();
    one("indirectNotAllowed", [{ addr: data, len: 16, flags: INDIRECT }], false);
    one("indirectNotAllowed", [
      { addr: data, len: 16, flags: INDIRECT },
      { addr: data, len: 16 },
    ]);
    one("indirectNotAllowed", [
      { addr: data, len: 16 },
      { addr: data, len: 16, flags: INDIRECT },
    ]);
    one("indirectBadLength", [{ addr: data, len: 0, flags: INDIRECT }]);
    one("indirectBadLength", [{ addr: data, len: 17, flags: INDIRECT }]);
    one("indirectOutOfRange", [{ addr: 2n ** 53n, len: 16, flags: INDIRECT }]);
    one("indirectOutOfRange", [{ addr: 0xdead_0000, len: 16, flags: INDIRECT }]);
    one("chainTooLong", [{ addr: data, len: 16 * 1025, flags: INDIRECT }]);
    one("addressOutOfRange", [{ addr: data, len: 16, flags: INDIRECT }]);
    one("wrongDirection", [{ addr: data + 16, len: 16, flags: INDIRECT }]);
    one("addressOutOfRange", [{ addr: data + 64, len: 16, flags: INDIRECT }]);
  });
});

describe("the base of a packed queue", () => {
  it("is both positions with their wrap counters, and a queue that starts there goes on", () => {
    for (const size of [1, 3, 8]) {
      const bench = new PackedBench({ size, eventIdx: true });
      expect(bench.queue.base).toBe(0x8000_8000);
      for (let used = 0; used < 5 * size; used++) {
        bench.queue.start(bench.layout, bench.queue.base);
        bench.offer(used % size);
        expect(bench.popReadable()).toBe(used % size);
        bench.queue.addUsed(used % size, 0);
        bench.queue.publish();
        expect(bench.ring.takeUsed(1)?.id).toBe(used % size);
        bench.ring.setDriverEvent(2, used % size, 1 - (Math.floor(used / size) % 2));
        expect(bench.queue.needsInterrupt()).toBe(true);
        const position = bench.ring.availSlot | (bench.ring.availWrap << 15);
        expect(bench.queue.base).toBe(((position << 16) | position) >>> 0);
      }
    }
  });

  it("has chains that were taken and not given back taken again", () => {
    const bench = new PackedBench({ size: 4 });
    bench.offer(0);
    bench.offer(3, 2);
    bench.popReadable();
    bench.popReadable();
    expect(bench.queue.base).toBe(0x8000_8003);
    bench.queue.start(bench.layout, bench.queue.base);
    expect([bench.popReadable(), bench.popReadable(), bench.popReadable()]).toEqual([0, 3, QUEUE_EMPTY]);
  });

  it.each([0x8000_8008, 0x8008_8000, -1, 0.5, 2 ** 32, Number.NaN])("%d is none in a ring of 8", (base) => {
    const bench = new PackedBench();
    expect(() => bench.queue.start(bench.layout, base)).toThrow(RangeError);
  });
});
