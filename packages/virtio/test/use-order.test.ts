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
});
