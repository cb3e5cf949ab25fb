import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UseOrder } from "../src/queue/use-order.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { QueueBench } from "./support/queue-bench.ts";

/** What both formats have in common here: offer, take, give back, look. */
interface Ring {
  /** Makes chains available. */
  offer(heads: readonly number[]): void;
  pop(): number;
  addUsed(head: number, length: number): void;
  useRun(chains: readonly (readonly [head: number, length: number])[]): void;
  publish(): void;
  /** Used elements that became visible since the last look. */
  takeUsed(): [head: number, length: number][];
}

function splitRing(size: number): Ring {
  const bench = new QueueBench({ size, inOrder: true });
  for (let i = 0; i < size; i++) bench.ring.desc(i, { addr: bench.data, len: 4 });
  let seen = 0;
  return {
    offer: (heads) => bench.ring.offer(...heads),
    pop: () => bench.popReadable(),
    addUsed: (head, length) => bench.queue.addUsed(head, length),
    useRun: (chains) => bench.queue.useRun(Int32Array.from(chains.flat()), chains.length),
    publish: () => bench.queue.publish(),
    takeUsed: () => {
      const used = bench.usedSince(seen);
      seen = bench.ring.usedIdx;
      return used;
    },
  };
}

function packedRing(size: number): Ring {
  const bench = new PackedBench({ size, inOrder: true });
  return {
    offer: (heads) => {
      for (const head of heads) bench.offer(head);
    },
    pop: () => bench.popReadable(),
    addUsed: (head, length) => bench.queue.addUsed(head, length),
    useRun: (chains) => bench.queue.useRun(Int32Array.from(chains.flat()), chains.length),
    publish: () => bench.queue.publish(),
    takeUsed: () => {
      const all: [number, number][] = [];
      for (let used = bench.ring.takeUsed(1); used !== null; used = bench.ring.takeUsed(1))
        all.push([used.id, used.len]);
      return all;
    },
  };
}

describe.each([
  ["2.7.9 split", splitRing],
  ["2.8.8 packed", packedRing],
] as const)("%s: in-order use of descriptors", (_format, make) => {
  it("what is done before its turn waits, with its length", () => {
    const ring = make(8);
    ring.offer([5, 3, 1, 0]);
    const heads = [ring.pop(), ring.pop(), ring.pop(), ring.pop()];
    expect(heads).toEqual([5, 3, 1, 0]);
    ring.addUsed(1, 11);
    ring.addUsed(3, 33);
    ring.publish();
    expect(ring.takeUsed()).toEqual([]);
    ring.addUsed(5, 55);
    ring.publish();
    expect(ring.takeUsed()).toEqual([
      [5, 55],
      [3, 33],
      [1, 11],
    ]);
    ring.addUsed(0, 0);
    ring.publish();
    expect(ring.takeUsed()).toEqual([[0, 0]]);
  });

  it("whatever order a device is done in, the guest sees the order in which it made them available", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3 }).map((power) => 2 ** power),
        fc.array(fc.nat(), { minLength: 1, maxLength: 120 }),
        (size, choices) => {
          const ring = make(size);
          const out: number[] = [];
          const expected: [number, number][] = [];
          const seen: [number, number][] = [];
          let next = 0;
          for (const choice of choices) {
            const busy = expected.length - seen.length;
            if (choice % 2 === 0 && busy < size) {
              const head = next++ % size;
              ring.offer([head]);
              expect(ring.pop()).toBe(head);
              expected.push([head, head + 1]);
              out.push(head);
            } else if (out.length > 0) {
              const [head] = out.splice(choice % out.length, 1);
              ring.addUsed(head ?? 0, (head ?? 0) + 1);
              ring.publish();
              seen.push(...ring.takeUsed());
            }
          }
          for (const head of out) ring.addUsed(head, head + 1);
          ring.publish();
          seen.push(...ring.takeUsed());
          expect(seen).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("in runs too, whether they come in turn or not", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 120 }), (choices) => {
        const ring = make(8);
        const out: number[] = [];
        const expected: [number, number][] = [];
        const seen: [number, number][] = [];
        let next = 0;
        for (const choice of choices) {
          if (choice % 3 > 0 && expected.length - seen.length < 8) {
            const head = next++ % 8;
            ring.offer([head]);
            expect(ring.pop()).toBe(head);
            expected.push([head, head + 1]);
            out.push(head);
          } else {
            const run = out.splice(choice % 2 === 0 ? 0 : choice % (out.length + 1), choice % 5);
            if (choice % 7 === 0) run.reverse();
            ring.useRun(run.map((head) => [head, head + 1]));
            ring.publish();
            seen.push(...ring.takeUsed());
          }
        }
        ring.useRun(out.map((head) => [head, head + 1]));
        ring.publish();
        seen.push(...ring.takeUsed());
        expect(seen).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("a run's chains that are not out, or named twice, are ignored", () => {
    const ring = make(8);
    ring.offer([4, 2]);
    expect([ring.pop(), ring.pop()]).toEqual([4, 2]);
    ring.useRun([
      [4, 1],
      [4, 2],
    ]);
    ring.useRun([[7, 3]]);
    ring.useRun([[2, 4]]);
    ring.publish();
    expect(ring.takeUsed()).toEqual([
      [4, 1],
      [2, 4],
    ]);
  });

  it("what is not out, or done already, is ignored", () => {
    const bench = make(8);
    bench.offer([0, 1]);
    expect([bench.pop(), bench.pop()]).toEqual([0, 1]);
    bench.addUsed(7, 9);
    bench.addUsed(1, 4);
    bench.addUsed(1, 5);
    bench.addUsed(0, 2);
    bench.publish();
    expect(bench.takeUsed()).toEqual([
      [0, 2],
      [1, 4],
    ]);
  });
});

describe("the order of use", () => {
  it("forgets all when it is cleared", () => {
    const order = new UseOrder(4);
    order.take(2);
    order.finish(2, 9);
    order.clear();
    order.finish(2, 9);
    expect(order.next()).toBe(-1);
    order.take(1);
    order.finish(1, 8);
    expect([order.next(), order.lengthBytes(1), order.next()]).toEqual([1, 8, -1]);
  });

  it("takes and passes runs as it does single chains", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 8 })), { maxLength: 60 }), (steps) => {
        const [runs, singles] = [new UseOrder(8), new UseOrder(8)];
        const out: number[] = [];
        let next = 0;
        for (const [takes, count] of steps) {
          if (takes) {
            const heads = Array.from({ length: Math.min(count, 8 - out.length) }, () => next++ % 8);
            // A word before the first, and slots above the name, as `PlainChains.words` has them.
            runs.takeRun(
              Int32Array.from([9, 0, 0, 0, ...heads.flatMap((head) => [head | 0x2_0000, 0, 0, 0])]),
              1,
              heads.length,
            );
            for (const head of heads) singles.take(head);
            out.push(...heads);
          } else {
            const heads = out.splice(0, count);
            const words = Int32Array.from([...heads.flatMap((head) => [head, 5]), 9, 5]);
            // The last one is none that is out.
            expect(runs.pass(words, heads.length + 1)).toBe(heads.length);
            for (const head of heads) {
              singles.finish(head, 5);
              expect(singles.next()).toBe(head);
            }
          }
        }
        for (const head of out) {
          for (const order of [runs, singles]) {
            order.finish(head, 1);
            expect(order.next()).toBe(head);
          }
        }
        expect([runs.next(), singles.next()]).toEqual([-1, -1]);
      }),
    );
  });

  it("says how many wait for their turn", () => {
    const order = new UseOrder(4);
    for (const head of [3, 1, 2]) order.take(head);
    for (const head of [1, 1, 2]) order.finish(head, 7);
    expect(order.waiting).toBe(2);
    order.finish(3, 7);
    const heads = [order.next(), order.next()];
    expect([...heads, order.waiting]).toEqual([3, 1, 1]);
    order.clear();
    expect(order.waiting).toBe(0);
  });

  it("passes none that is done already: it waits for its turn with the length it has", () => {
    const order = new UseOrder(4);
    for (const head of [3, 1]) order.take(head);
    order.finish(1, 7);
    expect(order.pass(Int32Array.of(3, 5, 1, 6), 2)).toBe(1);
    expect([order.next(), order.lengthBytes(1)]).toEqual([1, 7]);
  });
});
