import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { QUEUE_EMPTY, QueueCounters, SplitQueue } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { QueueBench } from "./support/queue-bench.ts";
import { RangeLog } from "./support/range-log.ts";

describe("a queue", () => {
  it.each([0, 3, 12, -8, 2.5, 65536, Number.NaN])("of %d entries is refused by name", (size) => {
    const make = () => new SplitQueue(new GuestMemory(), size, new QueueCounters());
    expect(make).toThrow(RangeError);
    expect(make).toThrow(`got ${size}`);
  });

  it("does nothing before it is started, and does not throw", () => {
    const queue = new SplitQueue(new GuestMemory(), 8, new QueueCounters());
    const list = new RangeLog();
    expect([queue.ready, queue.error, queue.layout]).toEqual([false, null, null]);
    expect([queue.begin(), queue.available(), queue.needsInterrupt(), queue.enableNotify()]).toEqual([
      false,
      0,
      false,
      false,
    ]);
    expect(queue.pop(true, 0, list, list)).toBe(QUEUE_EMPTY);
    queue.addUsed(0, 0);
    queue.publish();
    queue.disableNotify();
  });

  it("says where its rings are until it is reset", () => {
    const bench = new QueueBench();
    expect(bench.queue.ready).toBe(true);
    expect(bench.queue.layout).toEqual(bench.layout);
    bench.queue.reset();
    expect([bench.queue.ready, bench.queue.layout]).toEqual([false, null]);
  });

  it("starts again at index 0, whatever it did before", () => {
    const bench = new QueueBench();
    bench.ring.desc(0, { addr: bench.data, len: 16 });
    bench.ring.offer(0, 0, 0);
    for (let i = 0; i < 3; i++) bench.queue.addUsed(bench.popReadable(), 0);
    bench.queue.publish();
    bench.region.bytes.fill(0, 0, bench.data);
    bench.queue.start(bench.layout);
    bench.ring.desc(5, { addr: bench.data, len: 32 });
    bench.ring.offer(5);
    expect(bench.popReadable()).toBe(5);
    bench.queue.addUsed(5, 0);
    bench.queue.publish();
    expect([bench.ring.usedIdx, bench.ring.used(0)]).toEqual([1, [5, 0]]);
  });
});

describe("chains that are out when the guest resets the queue", () => {
  it("2.6.1 are given back to nobody: not a byte of the old rings changes", () => {
    const bench = new QueueBench();
    bench.ring.desc(0, { addr: bench.data, len: 16 });
    bench.ring.offer(0);
    expect(bench.popReadable()).toBe(0);
    bench.queue.reset();
    const before = bench.region.bytes.slice();
    bench.queue.addUsed(0, 16);
    bench.queue.publish();
    bench.queue.disableNotify();
    expect(bench.queue.enableNotify()).toBe(false);
    expect(firstDifference(bench.region.bytes, before)).toBe(-1);
  });

  it("do not count for the queue that is placed next, so the guest cannot offer more than it has", () => {
    const bench = new QueueBench({ size: 4 });
    bench.ring.desc(0, { addr: bench.data, len: 16 });
    bench.ring.offer(0);
    bench.popReadable();
    bench.queue.start(bench.layout);
    bench.queue.addUsed(0, 0);
    bench.queue.addUsed(0, 0);
    bench.ring.availIdx = 5;
    expect(bench.queue.available()).toBe(0);
    expect(bench.stops).toEqual(["availIndexJumped"]);
  });
});
