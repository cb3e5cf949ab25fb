import { describe, expect, it } from "vitest";
import { QueueBench } from "./support/queue-bench.ts";

/** Takes and gives back `count` chains, and publishes them. */
function use(bench: QueueBench, count: number): void {
  for (let left = count; left > 0; ) {
    const batch = Math.min(left, bench.queue.size);
    bench.ring.offer(...new Array<number>(batch).fill(0));
    for (let i = 0; i < batch; i++) bench.queue.addUsed(bench.popReadable(), 0);
    bench.queue.publish();
    left -= batch;
  }
}

function makeBench(eventIdx: boolean, size = 8): QueueBench {
  const bench = new QueueBench({ size, eventIdx });
  bench.ring.desc(0, { addr: bench.data, len: 4 });
  return bench;
}

describe("2.7.7.2 used buffer notifications, without EVENT_IDX", () => {
  it("flags 0: after something was used", () => {
    const bench = makeBench(false);
    expect(bench.queue.needsInterrupt()).toBe(false);
    use(bench, 1);
    expect(bench.queue.needsInterrupt()).toBe(true);
    expect(bench.queue.needsInterrupt()).toBe(false);
    use(bench, 3);
    expect(bench.queue.needsInterrupt()).toBe(true);
  });

  it("flags 1: none, and none for the same buffers later", () => {
    const bench = makeBench(false);
    bench.ring.availFlags = 1;
    use(bench, 1);
    expect(bench.queue.needsInterrupt()).toBe(false);
    bench.ring.availFlags = 0;
    expect(bench.queue.needsInterrupt()).toBe(false);
    use(bench, 1);
    expect(bench.queue.needsInterrupt()).toBe(true);
  });

  it("used_event is ignored", () => {
    const bench = makeBench(false);
    bench.ring.usedEvent = 0x8000;
    use(bench, 1);
    expect(bench.queue.needsInterrupt()).toBe(true);
  });

  it("what is used but not published is nothing to tell of", () => {
    const bench = makeBench(false);
    bench.ring.offer(0);
    bench.queue.addUsed(bench.popReadable(), 0);
    expect(bench.queue.needsInterrupt()).toBe(false);
    bench.queue.publish();
    expect(bench.queue.needsInterrupt()).toBe(true);
  });

  it("one is owed although 65536 buffers were used since it was last asked for", () => {
    const bench = makeBench(false, 256);
    use(bench, 65536);
    expect(bench.ring.usedIdx).toBe(0);
    expect(bench.queue.needsInterrupt()).toBe(true);
  });
});

describe("2.7.7.2 used buffer notifications, with EVENT_IDX", () => {
  it("used_event 0: after the first buffer, and after the 65537th", () => {
    const bench = makeBench(true, 256);
    bench.ring.usedEvent = 0;
    const told: number[] = [];
    for (let used = 1; used <= 65536 + 300; used++) {
      use(bench, 1);
      if (bench.queue.needsInterrupt()) told.push(used);
    }
    expect(told).toEqual([1, 65537]);
  });

  it("when the element with the index used_event was written, wherever in the batch", () => {
    for (const first of [0, 5, 0x7ffe, 0xfffb]) {
      for (let event = -2; event <= 5; event++) {
        const bench = makeBench(true);
        use(bench, first);
        bench.queue.needsInterrupt();
        bench.ring.usedEvent = (first + event) & 0xffff;
        use(bench, 4);
        expect(bench.queue.needsInterrupt(), `event ${event} after ${first}`).toBe(event >= 0 && event < 4);
        expect(bench.queue.needsInterrupt()).toBe(false);
      }
    }
  });

  it("flags are ignored", () => {
    const bench = makeBench(true);
    bench.ring.availFlags = 1;
    bench.ring.usedEvent = 0;
    use(bench, 1);
    expect(bench.queue.needsInterrupt()).toBe(true);
  });

  it("batches that were published apart count as one when asked about together", () => {
    const bench = makeBench(true);
    bench.ring.usedEvent = 1;
    for (let i = 0; i < 5; i++) use(bench, 2);
    expect(bench.queue.needsInterrupt()).toBe(true);
  });

  it("one is owed although 65536 buffers or more were used since it was last asked for", () => {
    for (const more of [0, 10]) {
      const bench = makeBench(true, 256);
      bench.ring.usedEvent = 300;
      use(bench, 65536 + more);
      expect(bench.queue.needsInterrupt()).toBe(true);
    }
  });
});

describe("2.7.10 available buffer notifications, without EVENT_IDX", () => {
  it("flags go to 1 and back to 0; avail_event stays", () => {
    const bench = makeBench(false);
    bench.queue.disableNotify();
    expect([bench.ring.usedFlags, bench.ring.availEvent]).toEqual([1, 0]);
    expect(bench.queue.enableNotify()).toBe(false);
    expect([bench.ring.usedFlags, bench.ring.availEvent]).toEqual([0, 0]);
  });

  it("what the guest left in flags does not stay", () => {
    const bench = makeBench(false);
    bench.ring.usedFlags = 0xffff;
    bench.queue.disableNotify();
    expect(bench.ring.usedFlags).toBe(1);
    bench.ring.usedFlags = 0xffff;
    bench.queue.enableNotify();
    expect(bench.ring.usedFlags).toBe(0);
  });
});

describe("2.7.10 available buffer notifications, with EVENT_IDX", () => {
  it("2.7.10.2 flags are never set", () => {
    const bench = makeBench(true);
    bench.queue.disableNotify();
    use(bench, 3);
    bench.queue.enableNotify();
    expect(bench.ring.usedFlags).toBe(0);
  });

  it("avail_event is the index of the next chain, around 2^16", () => {
    const bench = makeBench(true, 256);
    for (const count of [1, 5, 0x7ffa, 0x7fff, 1, 1, 7]) {
      use(bench, count);
      expect(bench.queue.enableNotify()).toBe(false);
      expect(bench.ring.availEvent).toBe(bench.ring.availIdx);
    }
    expect(bench.ring.availIdx).toBe(8);
  });

  it("avail_event stays behind while notifications are not wanted, so the guest has passed it", () => {
    const bench = makeBench(true);
    bench.queue.enableNotify();
    bench.ring.offer(0);
    bench.queue.disableNotify();
    bench.queue.addUsed(bench.popReadable(), 0);
    expect(bench.ring.availEvent).toBe(0);
  });

  it("notifyAfter: avail_event is as many chains ahead, around 2^16", () => {
    const bench = makeBench(true, 256);
    for (const count of [1, 0x7ff0, 0x7fff, 12, 1]) {
      use(bench, count);
      for (const after of [1, 64, 256]) {
        bench.queue.notifyAfter(after);
        expect(bench.ring.availEvent).toBe((bench.ring.availIdx + after - 1) & 0xffff);
      }
    }
  });
});

describe("2.7.10 notifyAfter without EVENT_IDX", () => {
  it("is the same as disableNotify", () => {
    const bench = makeBench(false);
    bench.queue.notifyAfter(3);
    expect([bench.ring.usedFlags, bench.ring.availEvent]).toEqual([1, 0]);
  });
});

describe.each([false, true])("asking to be notified, EVENT_IDX %s", (eventIdx) => {
  it("tells of chains that came before the guest could know", () => {
    const bench = makeBench(eventIdx);
    bench.queue.disableNotify();
    bench.ring.offer(0);
    expect(bench.queue.enableNotify()).toBe(true);
    bench.popReadable();
    expect(bench.queue.enableNotify()).toBe(false);
  });

  it("stops the queue where the index is absurd, and then has nothing to tell", () => {
    const bench = makeBench(eventIdx);
    bench.ring.availIdx = 9;
    expect(bench.queue.enableNotify()).toBe(false);
    expect(bench.stops).toEqual(["availIndexJumped"]);
  });

  it("tells whoever watches writes of what it wrote", () => {
    const bench = makeBench(eventIdx);
    const before = bench.region.bytes.slice();
    const seen = new Set<number>();
    bench.memory.writeObserver = (gpa, length) => {
      for (let i = 0; i < length; i++) seen.add(gpa + i);
    };
    bench.ring.offer(0, 0, 0);
    before.set(bench.region.bytes);
    for (let i = 0; i < 3; i++) bench.popReadable();
    bench.queue.disableNotify();
    for (let i = 0; i < before.length; i++) if (bench.region.bytes[i] !== before[i]) expect(seen).toContain(i);
    before.set(bench.region.bytes);
    seen.clear();
    bench.queue.enableNotify();
    let changed = 0;
    for (let i = 0; i < before.length; i++) {
      if (bench.region.bytes[i] === before[i]) continue;
      changed++;
      if (!seen.has(i)) expect.fail(`nobody was told of byte ${i}`);
    }
    expect([changed, seen.size]).toEqual([1, 2]);
  });
});
