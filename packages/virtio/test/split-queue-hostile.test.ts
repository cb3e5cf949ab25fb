import { describe, expect, it } from "vitest";
import { QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { QueueBench } from "./support/queue-bench.ts";
import { INDIRECT, NEXT, WRITE } from "./support/raw-ring.ts";
import { WordCounter } from "./support/word-counter.ts";

/** A bench that counts the words it reads of descriptors. */
function counted(options: ConstructorParameters<typeof QueueBench>[0] = {}) {
  const bench = new QueueBench({ indirect: true, ...options });
  const words = new WordCounter(bench.region);
  // The queue takes the counting view.
  bench.queue.start(bench.layout);
  return { bench, words };
}

/** Pops until nothing is left. Answers how many chains there were, refused ones included. */
function drain(bench: QueueBench): number {
  for (let chains = 0; ; chains++) {
    const head = bench.popReadable(12);
    if (head === QUEUE_EMPTY || head === QUEUE_STOPPED) return chains;
    if (head !== QUEUE_REFUSED) bench.queue.addUsed(head, 0);
  }
}

describe("what the guest can change is read once", () => {
  it("each word of each descriptor of a chain", () => {
    const { bench, words } = counted();
    const chain = Array.from({ length: 5 }, (_, i) => ({ addr: bench.data + 100 * i, len: 50 }));
    bench.ring.offer(bench.ring.chain(1, chain));
    words.clear();
    expect(bench.popReadable(75)).toBe(1);
    const first = bench.layout.descTable / 4 + 4;
    expect([...words.reads]).toEqual(Array.from({ length: 20 }, (_, i) => [first + i, 1]));
  });

  it("each word of each descriptor of an indirect table, and of the one that refers to it", () => {
    const { bench, words } = counted();
    bench.ring.table(bench.data, [
      { addr: bench.data + 0x100, len: 7 },
      { addr: bench.data + 0x200, len: 8 },
    ]);
    bench.ring.desc(2, { addr: bench.data, len: 32, flags: INDIRECT });
    bench.ring.offer(2);
    words.clear();
    expect(bench.popReadable()).toBe(2);
    expect(words.total).toBe(12);
    expect([...words.reads.values()].every((count) => count === 1)).toBe(true);
  });

  it("so a descriptor that changes while it is handed out changes nothing", () => {
    const bench = new QueueBench();
    bench.ring.chain(0, [
      { addr: bench.data, len: 10 },
      { addr: bench.data + 100, len: 20 },
    ]);
    bench.ring.offer(0);
    bench.body.onPush = () => {
      bench.body.onPush = null;
      bench.ring.desc(0, { addr: 0xffff_fff0, len: 0xffff_ffff, flags: NEXT | WRITE, next: 0xffff });
    };
    expect(bench.popReadable()).toBe(0);
    expect(bench.body.ranges).toEqual([
      { gpa: bench.data, length: 10 },
      { gpa: bench.data + 100, length: 20 },
    ]);
  });

  it("and one further on that changes is judged by what it says when its turn comes", () => {
    const changes = {
      addressOutOfRange: { addr: 0xffff_fff0, len: 4 },
      lengthOverflow: { addr: 0, len: 0xffff_ffff },
      wrongDirection: { addr: 0, len: 4, flags: WRITE },
      nextOutOfRange: { addr: 0, len: 4, flags: NEXT, next: 8 },
      chainTooLong: { addr: 0, len: 4, flags: NEXT, next: 1 },
      indirectNotAllowed: { addr: 0, len: 16, flags: INDIRECT },
    };
    for (const [cause, change] of Object.entries(changes)) {
      const bench = new QueueBench();
      bench.ring.chain(0, [
        { addr: bench.data, len: 10 },
        { addr: bench.data + 100, len: 20 },
      ]);
      bench.ring.offer(0);
      bench.body.onPush = () => bench.ring.desc(1, change);
      expect(bench.popReadable()).toBe(QUEUE_REFUSED);
      expect(bench.counters.refused).toMatchObject({ [cause]: 1 });
      expect(bench.body.rangeCount).toBe(0);
    }
  });

  it("an available index or entry that changes while chains are walked does not lead beyond the ring", () => {
    const bench = new QueueBench({ size: 4 });
    for (let i = 0; i < 4; i++) bench.ring.desc(i, { addr: bench.data, len: 4 });
    bench.ring.offer(0, 1);
    let pushes = 0;
    bench.body.onPush = () => {
      pushes++;
      bench.ring.setAvailEntry(1, 0xffff);
      bench.ring.availIdx = 0x8000;
    };
    expect([bench.popReadable(), bench.popReadable(), bench.popReadable()]).toEqual([0, QUEUE_STOPPED, QUEUE_STOPPED]);
    expect([pushes, bench.stops]).toEqual([1, ["headOutOfRange"]]);
  });

  it("a guest that resets the queue in the middle of a chain gets nothing written", () => {
    const bench = new QueueBench();
    bench.ring.chain(0, [
      { addr: bench.data, len: 10 },
      { addr: bench.data + 100, len: 20 },
    ]);
    bench.ring.offer(0, 0);
    bench.body.onPush = () => bench.queue.reset();
    const head = bench.popReadable();
    const used = bench.region.bytes.slice(bench.layout.usedRing, bench.data);
    bench.queue.addUsed(head, 30);
    bench.queue.publish();
    expect(firstDifference(bench.region.bytes.subarray(bench.layout.usedRing, bench.data), used)).toBe(-1);
    expect(bench.popReadable()).toBe(QUEUE_EMPTY);
  });
});

describe("the work for what one look at the index showed is linear in the ring", () => {
  /** Words of a descriptor, times the most descriptors visited for each entry of the ring. */
  const WORDS_PER_ENTRY = 4 * 1025;

  it.each([16, 64, 256])("all %i entries name one loop: every one is refused after a lap", (size) => {
    const { bench, words } = counted({ size });
    for (let i = 0; i < size; i++) bench.ring.desc(i, { addr: 0, len: 0, flags: NEXT, next: (i + 1) % size });
    bench.ring.offer(...new Array<number>(size).fill(0));
    words.clear();
    expect(drain(bench)).toBe(size);
    expect(bench.counters.refused.chainTooLong).toBe(size);
    expect(words.total).toBe(4 * size * size);
    expect(words.total).toBeLessThanOrEqual(WORDS_PER_ENTRY * size);
  });

  it("a lap of a ring that is longer than that is cut short, and the ring works on afterwards", () => {
    const size = 2048;
    const bench = new QueueBench({ size });
    for (let i = 0; i < size; i++) bench.ring.desc(i, { addr: i, len: 1, flags: NEXT, next: (i + 1) % size });
    bench.ring.offer(...new Array<number>(size).fill(0));
    expect(drain(bench)).toBe(size);
    expect(bench.counters.refused.chainTooLong).toBe(size);
    expect(bench.head.pushes + bench.body.pushes).toBe((WORDS_PER_ENTRY / 4) * size);
    bench.ring.chain(0, new Array(size).fill({ addr: bench.data, len: 1 }));
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(0);
    expect(bench.body.totalBytes).toBe(size);
  });

  it("indirect tables that loop, one for all entries", () => {
    const size = 64;
    const { bench, words } = counted({ size, dataBytes: 0x10000 });
    for (let i = 0; i < 2000; i++) {
      bench.ring.descAt(bench.data + 16 * i, { addr: 0, len: 0, flags: NEXT, next: (i + 1) % 2000 });
    }
    bench.ring.desc(0, { addr: bench.data, len: 16 * 2000, flags: INDIRECT });
    bench.ring.offer(...new Array<number>(size).fill(0));
    words.clear();
    expect(drain(bench)).toBe(size);
    expect(bench.counters.refused.chainTooLong).toBe(size);
    expect(words.total).toBe(WORDS_PER_ENTRY * size);
  });

  it("a driver that uses all that it may is never refused for it", () => {
    const size = 16;
    const { bench } = counted({ size, dataBytes: 0x10000 });
    bench.ring.table(bench.data, new Array(1024).fill({ addr: bench.data + 0x8000, len: 1 }));
    for (let i = 0; i < size; i++) bench.ring.desc(i, { addr: bench.data, len: 16 * 1024, flags: INDIRECT });
    bench.ring.offer(...Array.from({ length: size }, (_, i) => i));
    for (let i = 0; i < size; i++) {
      expect(bench.popReadable()).toBe(i);
      expect(bench.body.totalBytes).toBe(1024);
    }
  });

  it("a buffer over many regions costs one range for each, and nothing for memory that is not there", () => {
    const regions = Array.from({ length: 64 }, (_, i) => ({
      gpa: 0x100_0000 + 4 * i,
      size: 4,
      buffer: new ArrayBuffer(4),
    }));
    const bench = new QueueBench({ regions });
    bench.ring.chain(0, [{ addr: 0x100_0000, len: 0xffff_0000 }]);
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(QUEUE_REFUSED);
    expect(bench.body.pushes).toBe(64);
  });
});
