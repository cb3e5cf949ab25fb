/* Chains of both directions: a command to read and an answer to write (VIRTIO 1.2, 2.7.4.2). */
import { describe, expect, it } from "vitest";
import { QUEUE_EMPTY, QUEUE_REFUSED } from "../src/index.ts";
import { QueueBench } from "./support/queue-bench.ts";
import { type RawDescriptor, WRITE } from "./support/raw-ring.ts";

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
