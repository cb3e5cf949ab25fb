import { describe, expect, it } from "vitest";
import { QUEUE_EMPTY, QUEUE_STOPPED } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { QueueBench } from "./support/queue-bench.ts";

const SIZES = [1, 2, 4, 8, 256, 1024, 32768];

/** A bench whose every descriptor is a chain of one buffer, as long as its index says. */
function filled(size: number): QueueBench {
  const bench = new QueueBench({ size, dataBytes: Math.max(4096, size) });
  for (let i = 0; i < size; i++) bench.ring.desc(i, { addr: bench.data, len: i + 1 });
  return bench;
}

describe("2.7.6 the available ring", () => {
  it.each(SIZES)("is taken in order, index after index around 2^16 and more, with %i entries", (size) => {
    const bench = filled(size);
    const laps = size >= 1024 ? 2.5 : 1.1;
    const chains = Math.max(3 * size, Math.ceil(laps * 65536));
    let offered = 0;
    let taken = 0;
    while (taken < chains) {
      // A different number each time, so that batches begin and end everywhere.
      const batch = 1 + ((offered * 7) % size);
      const heads = Array.from({ length: batch }, (_, i) => ((offered + i) * 5) & (size - 1));
      offered += batch;
      bench.ring.offer(...heads);
      for (const head of heads) {
        const got = bench.popReadable();
        if (got !== head || bench.body.totalBytes !== head + 1) expect.fail(`chain ${taken}: ${got}, not ${head}`);
        bench.queue.addUsed(got, taken);
        taken++;
      }
      if (bench.popReadable() !== QUEUE_EMPTY) expect.fail(`something behind chain ${taken}`);
      bench.queue.publish();
      if (bench.ring.usedIdx !== (taken & 0xffff)) expect.fail(`used index ${bench.ring.usedIdx} after ${taken}`);
    }
    expect(bench.ring.availIdx).toBe(offered & 0xffff);
    expect(bench.counters.chains).toBe(taken);
    expect(bench.queue.error).toBeNull();
  });

  it.each(SIZES)("may offer all of %i entries at once, at any index", (size) => {
    const bench = filled(size);
    const heads = Array.from({ length: size }, (_, i) => size - 1 - i);
    for (let lap = 0; lap < 4; lap++) {
      bench.ring.offer(...heads);
      expect(bench.queue.available()).toBe(size);
      const got = heads.map(() => bench.popReadable());
      expect(got).toEqual(heads);
      for (const head of got) bench.queue.addUsed(head, 0);
      bench.queue.publish();
    }
  });

  it("shows a chain that comes while a batch is under way", () => {
    const bench = filled(8);
    bench.ring.offer(3);
    expect(bench.popReadable()).toBe(3);
    bench.ring.offer(4, 5);
    expect([bench.popReadable(), bench.popReadable(), bench.popReadable()]).toEqual([4, 5, QUEUE_EMPTY]);
  });

  it("counts what is there and not taken", () => {
    const bench = filled(8);
    expect(bench.queue.available()).toBe(0);
    bench.ring.offer(1, 2, 3);
    expect(bench.queue.available()).toBe(3);
    bench.popReadable();
    expect(bench.queue.available()).toBe(2);
  });

  it("is not written by the device", () => {
    const bench = filled(8);
    bench.ring.offer(1, 2, 3);
    const part = () => bench.region.bytes.slice(bench.layout.descTable, bench.layout.usedRing);
    const before = part();
    for (let i = 0; i < 3; i++) bench.queue.addUsed(bench.popReadable(), 9);
    bench.queue.publish();
    bench.queue.disableNotify();
    bench.queue.enableNotify();
    expect(firstDifference(part(), before)).toBe(-1);
  });
});

describe("2.7.8 the used ring", () => {
  it("gets the head of each chain and the bytes written, in the order they are given back", () => {
    const bench = filled(8);
    bench.ring.offer(0, 1, 2, 3);
    const heads = [0, 1, 2, 3].map(() => bench.popReadable());
    expect(heads).toEqual([0, 1, 2, 3]);
    for (const [head, length] of [
      [2, 0],
      [0, 0xffff_ffff],
      [3, 1514],
    ] as const) {
      bench.queue.addUsed(head, length);
    }
    bench.queue.publish();
    expect(bench.usedSince(0)).toEqual([
      [2, 0],
      [0, 0xffff_ffff],
      [3, 1514],
    ]);
    bench.queue.addUsed(1, 60);
    bench.queue.publish();
    expect(bench.usedSince(3)).toEqual([[1, 60]]);
  });

  it("2.7.8.2 has its index moved by publish only, after the elements are there", () => {
    const bench = filled(8);
    bench.ring.offer(5, 6);
    bench.queue.addUsed(bench.popReadable(), 10);
    bench.queue.addUsed(bench.popReadable(), 20);
    expect(bench.ring.usedIdx).toBe(0);
    expect([bench.ring.used(0), bench.ring.used(1)]).toEqual([
      [5, 10],
      [6, 20],
    ]);
    bench.queue.publish();
    expect(bench.ring.usedIdx).toBe(2);
    bench.queue.publish();
    expect(bench.ring.usedIdx).toBe(2);
  });

  it("keeps our index, not what the guest writes there", () => {
    const bench = filled(8);
    bench.ring.offer(1);
    bench.queue.addUsed(bench.popReadable(), 0);
    bench.queue.publish();
    bench.ring.usedIdx = 0x4321;
    bench.ring.offer(2);
    bench.queue.addUsed(bench.popReadable(), 0);
    bench.queue.publish();
    expect([bench.ring.usedIdx, bench.ring.used(1)]).toEqual([2, [2, 0]]);
  });

  it("is told to whoever watches writes: elements and index", () => {
    const bench = filled(8);
    const seen: [number, number][] = [];
    bench.memory.writeObserver = (gpa, length) => seen.push([gpa, length]);
    bench.queue.publish();
    expect(seen).toEqual([]);
    bench.ring.offer(1);
    bench.queue.addUsed(bench.popReadable(), 0);
    bench.queue.publish();
    expect(seen).toEqual([[bench.layout.usedRing, 6 + 8 * 8]]);
  });
});

describe("the queue stops, by name, with nothing taken or given back", () => {
  function expectStopped(bench: QueueBench, error: string): void {
    expect([bench.queue.error, bench.stops]).toEqual([error, [error]]);
    expect(bench.counters.stopped).toBe(1);
    // From now on nothing works, and nobody is told again, until the queue is started anew.
    const before = bench.region.bytes.slice(bench.layout.usedRing, bench.data);
    expect(bench.queue.begin()).toBe(false);
    expect([bench.queue.available(), bench.queue.needsInterrupt(), bench.queue.enableNotify()]).toEqual([
      0,
      false,
      false,
    ]);
    expect(bench.popReadable()).toBe(QUEUE_STOPPED);
    bench.queue.publish();
    expect(firstDifference(bench.region.bytes.subarray(bench.layout.usedRing, bench.data), before)).toBe(-1);
    expect(bench.stops).toHaveLength(1);
    bench.region.bytes.fill(0, bench.layout.availRing, bench.data);
    bench.queue.start(bench.layout);
    bench.ring.desc(0, { addr: bench.data, len: 1 });
    bench.ring.offer(0);
    expect([bench.queue.error, bench.queue.begin(), bench.popReadable()]).toEqual([null, true, 0]);
  }

  it.each([8, 9, 0x7fff, 0xffff])("headOutOfRange: the ring of 8 names descriptor %i", (head) => {
    const bench = filled(8);
    bench.ring.offer(head);
    expect(bench.popReadable()).toBe(QUEUE_STOPPED);
    expect(bench.counters.chains).toBe(0);
    expectStopped(bench, "headOutOfRange");
  });

  it("headOutOfRange: what came before it has been taken", () => {
    const bench = filled(8);
    bench.ring.offer(2, 8, 3);
    expect([bench.popReadable(), bench.popReadable()]).toEqual([2, QUEUE_STOPPED]);
    expectStopped(bench, "headOutOfRange");
  });

  it.each(SIZES)("availIndexJumped: one more than %i entries", (size) => {
    const bench = filled(size);
    bench.ring.availIdx = size + 1;
    expect(bench.popReadable()).toBe(QUEUE_STOPPED);
    expectStopped(bench, "availIndexJumped");
  });

  it("availIndexJumped: the index goes back (2.7.6.1)", () => {
    const bench = filled(8);
    bench.ring.offer(1, 2);
    bench.queue.addUsed(bench.popReadable(), 0);
    bench.queue.addUsed(bench.popReadable(), 0);
    bench.ring.availIdx = 1;
    expect(bench.queue.available()).toBe(0);
    expectStopped(bench, "availIndexJumped");
  });

  it("availIndexJumped: chains that are out count, given back or not published", () => {
    const bench = filled(4);
    bench.ring.offer(0, 1, 2, 3);
    for (let i = 0; i < 4; i++) bench.popReadable();
    expect(bench.queue.available()).toBe(0);
    bench.queue.addUsed(0, 0);
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(0);
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(QUEUE_STOPPED);
    expectStopped(bench, "availIndexJumped");
  });

  it("an index put right afterwards does not wake it", () => {
    const bench = filled(8);
    bench.ring.availIdx = 100;
    expect(bench.popReadable()).toBe(QUEUE_STOPPED);
    bench.ring.availIdx = 1;
    expect(bench.queue.available()).toBe(0);
    expect(bench.popReadable()).toBe(QUEUE_STOPPED);
  });

  it("ringMisaligned: a part that does not lie on its multiple (2.7.1)", () => {
    for (const part of [{ descTable: 8 }, { availRing: 0x1001 }, { usedRing: 0x2002 }]) {
      const bench = filled(8);
      bench.queue.start({ descTable: 0, availRing: 0x1000, usedRing: 0x2000, ...part });
      expectStopped(bench, "ringMisaligned");
    }
  });

  it("ringOutOfRange: a part outside memory, partly or wholly", () => {
    const end = filled(8).region.end;
    for (const part of [
      { descTable: end },
      { descTable: end - 112 },
      { availRing: end - 20 },
      { usedRing: end - 68 },
      { usedRing: 2 ** 44 },
    ]) {
      const bench = filled(8);
      bench.queue.start({ ...bench.layout, ...part });
      expectStopped(bench, "ringOutOfRange");
    }
  });

  it("ringOutOfRange: each part may end with memory, to the byte", () => {
    const bench = filled(8);
    const end = bench.region.end;
    for (const part of [{ descTable: end - 128 }, { availRing: end - 22 }, { usedRing: end - 72 }]) {
      bench.queue.start({ ...bench.layout, ...part });
      expect(bench.queue.error).toBeNull();
    }
  });

  it("ringOutOfRange: the used ring in read-only memory; the others may be", () => {
    const rom = { gpa: 0x10_0000, size: 0x1000, buffer: new ArrayBuffer(0x1000), writable: false };
    const bench = new QueueBench({ regions: [rom] });
    bench.queue.start({ ...bench.layout, descTable: rom.gpa, availRing: rom.gpa + 0x800 });
    expect(bench.queue.error).toBeNull();
    bench.queue.start({ ...bench.layout, usedRing: rom.gpa });
    expectStopped(bench, "ringOutOfRange");
  });
});
