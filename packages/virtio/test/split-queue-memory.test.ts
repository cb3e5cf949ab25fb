import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { QUEUE_REFUSED, QueueCounters, SplitQueue } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { QueueBench } from "./support/queue-bench.ts";
import { RangeLog } from "./support/range-log.ts";
import { NEXT, RawRing, WRITE } from "./support/raw-ring.ts";

const TWO_32 = 2 ** 32;

describe("buffers", () => {
  it.each([TWO_32, TWO_32 + 0x1000, 2 ** 40, 2 ** 52])("lie at 64-bit addresses: 0x%s", (gpa) => {
    const bench = new QueueBench({ gpa: 4 * TWO_32, regions: [{ gpa, size: 4096, buffer: new ArrayBuffer(4096) }] });
    bench.ring.offer(
      bench.ring.chain(0, [
        { addr: gpa + 100, len: 50 },
        { addr: bench.data, len: 60 },
      ]),
    );
    expect(bench.popReadable(12)).toBe(0);
    expect([...bench.head.ranges, ...bench.body.ranges]).toEqual([
      { gpa: gpa + 100, length: 12 },
      { gpa: gpa + 112, length: 38 },
      { gpa: bench.data, length: 60 },
    ]);
  });

  it("over the border of regions that adjoin are a range for each", () => {
    const start = 0x10_0000;
    const region = (gpa: number, hostAddress: number) => ({
      gpa,
      size: 64,
      buffer: new ArrayBuffer(64),
      hostAddress,
    });
    const regions = [region(start, 0x1000), region(start + 64, 0x5000), region(start + 128, 0)];
    const bench = new QueueBench({ regions });
    bench.ring.offer(bench.ring.chain(0, [{ addr: start + 60, len: 72 }]));
    expect(bench.popReadable()).toBe(0);
    expect(bench.body.ranges).toEqual([
      { gpa: start + 60, length: 4 },
      { gpa: start + 64, length: 64 },
      { gpa: start + 128, length: 4 },
    ]);
    expect(bench.body.hostAddresses).toEqual([0x1000 + 60, 0x5000, 0]);
    expect(bench.body.totalBytes).toBe(72);
  });

  it.each([1, 4, 5, 68, 70, 72])("over a border split a header of %i bytes too", (headBytes) => {
    const start = 0x10_0000;
    const regions = [0, 64, 128].map((at) => ({ gpa: start + at, size: 64, buffer: new ArrayBuffer(64) }));
    const bench = new QueueBench({ regions });
    for (const [i, region] of bench.memory.regions.slice(-3).entries()) region.bytes.fill(i + 1);
    bench.ring.offer(
      bench.ring.chain(0, [
        { addr: start + 60, len: 70 },
        { addr: start, len: 4 },
      ]),
    );
    expect(bench.popReadable(headBytes)).toBe(0);
    const all = [...new Array(4).fill(1), ...new Array(64).fill(2), ...new Array(2).fill(3), 1, 1, 1, 1];
    expect(bench.head.content).toEqual(all.slice(0, headBytes));
    expect(bench.body.content).toEqual(all.slice(headBytes));
  });

  it("over a border into read-only memory or a gap are refused whole", () => {
    const start = 0x10_0000;
    const regions = [
      { gpa: start, size: 64, buffer: new ArrayBuffer(64) },
      { gpa: start + 64, size: 64, buffer: new ArrayBuffer(64), writable: false },
    ];
    const bench = new QueueBench({ regions });
    bench.ring.chain(0, [{ addr: start + 60, len: 8, flags: WRITE }]);
    bench.ring.chain(1, [{ addr: start + 60, len: 69 }]);
    bench.ring.offer(0, 1, 1);
    expect([bench.popWritable(), bench.popReadable(), bench.popReadable(2)]).toEqual(new Array(3).fill(QUEUE_REFUSED));
    expect(bench.body.rangeCount).toBe(0);
    expect(bench.counters.refused.addressOutOfRange).toBe(3);
  });

  it("alternate between regions without being confused", () => {
    const other = { gpa: 0x10_0000, size: 4096, buffer: new ArrayBuffer(4096) };
    const bench = new QueueBench({ size: 64, regions: [other] });
    const chain = Array.from({ length: 64 }, (_, i) => ({ addr: (i % 2 ? other.gpa : bench.data) + i, len: 1 }));
    bench.region.bytes.fill(1, bench.data);
    bench.ring.offer(bench.ring.chain(0, chain));
    bench.popReadable();
    expect(bench.body.content).toEqual(chain.map((_, i) => (i % 2 ? 0 : 1)));
  });
});

describe("memory that changes between batches", () => {
  it("a region that is added is found by the next batch", () => {
    const bench = new QueueBench();
    const plugged = { gpa: 0x10_0000, size: 4096, buffer: new ArrayBuffer(4096) };
    bench.ring.chain(0, [{ addr: plugged.gpa, len: 4 }]);
    bench.ring.offer(0, 0);
    expect(bench.popReadable()).toBe(QUEUE_REFUSED);
    bench.memory.addRegion(plugged);
    expect(bench.queue.begin()).toBe(true);
    expect(bench.popReadable()).toBe(0);
  });

  it("a region that is removed is not found any more, though its chain was sound before", () => {
    const bench = new QueueBench();
    const plugged = bench.memory.addRegion({ gpa: 0x10_0000, size: 4096, buffer: new ArrayBuffer(4096) });
    bench.queue.begin();
    bench.ring.chain(0, [{ addr: plugged.gpa, len: 4 }]);
    bench.ring.offer(0, 0);
    expect(bench.popReadable()).toBe(0);
    bench.memory.removeRegion(plugged);
    expect(bench.queue.begin()).toBe(true);
    expect(bench.popReadable()).toBe(QUEUE_REFUSED);
  });

  it("rings that disappear stop the queue: ringOutOfRange, once, and their memory is left alone", () => {
    const bench = new QueueBench();
    bench.ring.chain(0, [{ addr: bench.data, len: 4 }]);
    bench.ring.offer(0, 0);
    expect(bench.popReadable()).toBe(0);
    bench.memory.removeRegion(bench.region);
    expect([bench.queue.begin(), bench.queue.begin()]).toEqual([false, false]);
    expect(bench.stops).toEqual(["ringOutOfRange"]);
    const before = bench.region.bytes.slice(0, bench.data);
    bench.queue.addUsed(0, 0);
    bench.queue.publish();
    expect(firstDifference(bench.region.bytes.subarray(0, bench.data), before)).toBe(-1);
  });

  it("rings that move with their region work on, at the same index", () => {
    const bench = new QueueBench();
    bench.ring.chain(0, [{ addr: bench.data, len: 4 }]);
    bench.ring.offer(0, 0);
    bench.queue.addUsed(bench.popReadable(), 1);
    bench.queue.publish();
    const copy = bench.region.bytes.slice();
    bench.memory.removeRegion(bench.region);
    const moved = bench.memory.addRegion({ gpa: 0, size: copy.length, buffer: copy.buffer });
    expect(bench.queue.begin()).toBe(true);
    expect(bench.popReadable()).toBe(0);
    bench.queue.addUsed(0, 2);
    bench.queue.publish();
    const ring = new RawRing(new DataView(copy.buffer), 0, bench.layout, 8);
    expect([ring.usedIdx, ring.used(0), ring.used(1)]).toEqual([2, [0, 1], [0, 2]]);
    expect(moved.bytes[0]).toBe(copy[0]);
    expect(bench.ring.usedIdx).toBe(1);
  });

  it("WebAssembly memory that grows keeps rings, indices and buffers", () => {
    interface Memory {
      readonly buffer: ArrayBuffer;
      grow(pages: number): number;
    }
    interface Host {
      readonly WebAssembly: { readonly Memory: new (descriptor: { initial: number }) => Memory };
    }
    const wasm = new (globalThis as unknown as Host).WebAssembly.Memory({ initial: 2 });
    const bench = new QueueBench();
    const renew = () => ({ buffer: wasm.buffer, byteOffset: 0x1000 });
    const memory = new GuestMemory([{ gpa: 0, size: 0x8000, renew, ...renew() }]);
    const queue = new SplitQueue(memory, 8, new QueueCounters());
    const ring = () => new RawRing(new DataView(wasm.buffer, 0x1000), 0, bench.layout, 8);
    const [head, body] = [new RangeLog(), new RangeLog()];
    queue.start(bench.layout);
    for (let i = 0; i < 20; i++) {
      ring().desc(i % 8, { addr: 0x4000 + i, len: 3, flags: NEXT, next: (i + 1) % 8 });
      ring().desc((i + 1) % 8, { addr: 0x5000, len: i + 1 });
      new Uint8Array(wasm.buffer)[0x1000 + 0x4000 + i] = i;
      ring().offer(i % 8);
      if (i % 2 === 0) wasm.grow(1);
      expect(queue.begin()).toBe(true);
      body.clear();
      expect(queue.pop(false, 1, head, body)).toBe(i % 8);
      expect([head.content, body.totalBytes]).toEqual([[i], i + 3]);
      if (i % 3 === 0) wasm.grow(1);
      expect(queue.begin()).toBe(true);
      queue.addUsed(i % 8, i);
      queue.publish();
      expect([ring().usedIdx, ring().used(i)]).toEqual([i + 1, [i % 8, i]]);
      expect(queue.needsInterrupt()).toBe(true);
    }
  });
});
