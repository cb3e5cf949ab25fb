/* Chains of both directions: a command to read and an answer to write (VIRTIO 1.2, 2.7.4.2). */
import { describe, expect, it } from "vitest";
import { QUEUE_EMPTY, QUEUE_REFUSED } from "../src/index.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { QueueBench } from "./support/queue-bench.ts";
import { INDIRECT, type RawDescriptor, WRITE } from "./support/raw-ring.ts";

function offer(bench: QueueBench, ...parts: readonly RawDescriptor[]): number {
  const head = bench.ring.chain(0, [...parts]);
  bench.ring.offer(head);
  return bench.queue.popMixed(bench.head, bench.body);
}

describe("2.7.4.2 readable descriptors, then writable ones", () => {
  it("come apart into two lists", () => {
    const bench = new QueueBench();
    const { data } = bench;
    const popped = offer(
      bench,
      { addr: data, len: 2 },
      { addr: data + 16, len: 5 },
      { addr: data + 32, len: 1, flags: WRITE },
      { addr: data + 48, len: 8, flags: WRITE },
    );
    expect(popped).toBe(0);
    expect(bench.head.ranges).toEqual([
      { gpa: data, length: 2 },
      { gpa: data + 16, length: 5 },
    ]);
    expect(bench.body.ranges).toEqual([
      { gpa: data + 32, length: 1 },
      { gpa: data + 48, length: 8 },
    ]);
    expect([bench.head.totalBytes, bench.body.totalBytes]).toEqual([7, 9]);
  });

  it("either part may be missing, and both lists are emptied first", () => {
    const bench = new QueueBench();
    offer(bench, { addr: bench.data, len: 3 });
    expect([bench.head.totalBytes, bench.body.totalBytes]).toEqual([3, 0]);
    offer(bench, { addr: bench.data, len: 4, flags: WRITE });
    expect([bench.head.totalBytes, bench.body.totalBytes]).toEqual([0, 4]);
    expect(bench.queue.popMixed(bench.head, bench.body)).toBe(QUEUE_EMPTY);
  });

  it("a readable descriptor behind a writable one is refused, and the queue goes on", () => {
    const bench = new QueueBench();
    const parts = [
      { addr: bench.data, len: 2 },
      { addr: bench.data, len: 1, flags: WRITE },
      { addr: bench.data, len: 2 },
    ];
    expect(offer(bench, ...parts)).toBe(QUEUE_REFUSED);
    expect(bench.counters.refused).toMatchObject({ wrongDirection: 1 });
    bench.queue.publish();
    expect(bench.usedSince(0)).toEqual([[0, 0]]);
    expect(offer(bench, { addr: bench.data, len: 2 })).toBe(0);
  });

  it("the answer may not lie in read-only memory, the command may", () => {
    const rom = { gpa: 0x100_0000, size: 4096, buffer: new ArrayBuffer(4096), writable: false };
    const bench = new QueueBench({ regions: [rom] });
    const readOnly = { addr: 0x100_0000, len: 2 };
    expect(offer(bench, readOnly, { addr: bench.data, len: 1, flags: WRITE })).toBe(0);
    expect(offer(bench, readOnly, { ...readOnly, flags: WRITE })).toBe(QUEUE_REFUSED);
    expect(bench.counters.refused).toMatchObject({ addressOutOfRange: 1 });
  });
});

describe("2.8.17 likewise in a packed virtqueue", () => {
  const parts = (data: number): RawDescriptor[] => [
    { addr: data, len: 2 },
    { addr: data + 16, len: 5 },
    { addr: data + 32, len: 1, flags: WRITE },
    { addr: data + 48, len: 8, flags: WRITE },
  ];
  const expected = (data: number) => [
    [
      { gpa: data, length: 2 },
      { gpa: data + 16, length: 5 },
    ],
    [
      { gpa: data + 32, length: 1 },
      { gpa: data + 48, length: 8 },
    ],
  ];

  it("in slots of the ring, and in an indirect table", () => {
    const bench = new PackedBench({ indirect: true });
    const { data, ring, queue } = bench;
    ring.offer(3, parts(data));
    expect(queue.popMixed(bench.head, bench.body)).toBe(3);
    expect([bench.head.ranges, bench.body.ranges]).toEqual(expected(data));
    ring.table(data + 0x1000, parts(data));
    ring.offer(2, [{ addr: data + 0x1000, len: 64, flags: INDIRECT }]);
    expect(queue.popMixed(bench.head, bench.body)).toBe(2);
    expect([bench.head.ranges, bench.body.ranges]).toEqual(expected(data));
    expect(queue.popMixed(bench.head, bench.body)).toBe(QUEUE_EMPTY);
  });

  it("a readable descriptor behind a writable one is refused; other chains have one direction as before", () => {
    const bench = new PackedBench({ indirect: true });
    const { data, ring, queue } = bench;
    const wrong = [...parts(data), { addr: data, len: 2 }];
    ring.offer(1, wrong);
    expect(queue.popMixed(bench.head, bench.body)).toBe(QUEUE_REFUSED);
    ring.table(data + 0x1000, wrong);
    ring.offer(2, [{ addr: data + 0x1000, len: 80, flags: INDIRECT }]);
    expect(queue.popMixed(bench.head, bench.body)).toBe(QUEUE_REFUSED);
    queue.addUsed(1, 0);
    queue.publish();
    const after = new PackedBench();
    after.ring.offer(1, parts(after.data));
    expect(after.popReadable()).toBe(QUEUE_REFUSED);
    expect(bench.counters.refused).toMatchObject({ wrongDirection: 2 });
  });
});
