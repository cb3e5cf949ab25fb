import { describe, expect, it } from "vitest";
import { PackedBench } from "./support/packed-bench.ts";

const ENABLE = 0;
const DISABLE = 1;
const DESC = 2;

/** Takes and gives back chains of `slots` slots, and publishes them. */
function use(bench: PackedBench, count: number, slots = 1): void {
  for (let i = 0; i < count; i++) {
    bench.offer(0, slots);
    bench.queue.addUsed(bench.popReadable(), 0);
    bench.queue.publish();
  }
}

describe("2.8.10 used buffer notifications", () => {
  it.each([false, true])("ENABLE: after something was used and published, EVENT_IDX %s", (eventIdx) => {
    const bench = new PackedBench({ eventIdx });
    expect(bench.queue.needsInterrupt()).toBe(false);
    bench.offer(0);
    bench.queue.addUsed(bench.popReadable(), 0);
    expect(bench.queue.needsInterrupt()).toBe(false);
    bench.queue.publish();
    expect(bench.queue.needsInterrupt()).toBe(true);
    expect(bench.queue.needsInterrupt()).toBe(false);
  });

  it.each([false, true])("DISABLE: none, and none for the same buffers later, EVENT_IDX %s", (eventIdx) => {
    const bench = new PackedBench({ eventIdx });
    bench.ring.setDriverEvent(DISABLE);
    use(bench, 3);
    expect(bench.queue.needsInterrupt()).toBe(false);
    bench.ring.setDriverEvent(ENABLE);
    expect(bench.queue.needsInterrupt()).toBe(false);
  });

  it("DESC without EVENT_IDX, and the reserved value, do not keep interrupts from a driver", () => {
    for (const flags of [DESC, 3]) {
      const bench = new PackedBench();
      bench.ring.setDriverEvent(flags, 5, 1);
      use(bench, 1);
      expect(bench.queue.needsInterrupt()).toBe(true);
    }
    const bench = new PackedBench({ eventIdx: true });
    bench.ring.setDriverEvent(3);
    use(bench, 1);
    expect(bench.queue.needsInterrupt()).toBe(true);
  });

  it("reserved bits of flags are nothing to us", () => {
    const bench = new PackedBench();
    bench.ring.setDriverEvent(0xfffc | DISABLE);
    use(bench, 1);
    expect(bench.queue.needsInterrupt()).toBe(false);
  });

  it.each([1, 3, 8])("DESC: when that descriptor was used with that wrap counter, ring of %i", (size) => {
    for (let first = 0; first < 3 * size; first++) {
      for (let fresh = 1; fresh <= size; fresh++) {
        for (let event = 0; event < 2 * size; event++) {
          const bench = new PackedBench({ size, eventIdx: true });
          use(bench, first);
          bench.queue.needsInterrupt();
          bench.ring.setDriverEvent(DESC, event % size, event < size ? 1 : 0);
          use(bench, fresh);
          const used = Array.from({ length: fresh }, (_, i) => (first + i) % (2 * size));
          if (bench.queue.needsInterrupt() !== used.includes(event)) expect.fail(`${first} ${fresh} ${event}`);
        }
      }
    }
  });

  it("DESC: a descriptor in the middle of a chain counts as used with it", () => {
    for (let event = 0; event < 8; event++) {
      const bench = new PackedBench({ size: 8, eventIdx: true });
      use(bench, 1, 2);
      bench.queue.needsInterrupt();
      bench.ring.setDriverEvent(DESC, event, 1);
      use(bench, 1, 3);
      expect(bench.queue.needsInterrupt()).toBe(event >= 2 && event < 5);
    }
  });

  it("DESC: one is owed after two rounds or more, and a slot that the ring does not have is never used", () => {
    for (const count of [16, 17, 40]) {
      for (const [slot, wanted] of [
        [3, true],
        [8, false],
        [0x7fff, false],
      ] as const) {
        const bench = new PackedBench({ size: 8, eventIdx: true });
        bench.ring.setDriverEvent(DESC, slot, 0);
        use(bench, count);
        expect(bench.queue.needsInterrupt()).toBe(wanted);
      }
    }
  });
});

describe("2.8.10 available buffer notifications", () => {
  it("without EVENT_IDX: DISABLE and ENABLE, whatever the guest left there", () => {
    const bench = new PackedBench();
    bench.ring.setDeviceEvent(0xffff_ffff);
    bench.queue.disableNotify();
    expect(bench.ring.deviceEvent).toEqual({ flags: DISABLE, slot: 0, wrap: 0 });
    expect(bench.queue.enableNotify()).toBe(false);
    expect(bench.ring.deviceEvent).toEqual({ flags: ENABLE, slot: 0, wrap: 0 });
  });

  it("with EVENT_IDX: DISABLE, and DESC for the slot of the next chain with its wrap counter", () => {
    const bench = new PackedBench({ size: 5, eventIdx: true });
    for (let used = 0; used < 25; used++) {
      bench.queue.disableNotify();
      expect(bench.ring.deviceEvent.flags).toBe(DISABLE);
      expect(bench.queue.enableNotify()).toBe(false);
      const { availSlot: slot, availWrap: wrap } = bench.ring;
      expect(bench.ring.deviceEvent).toEqual({ flags: DESC, slot, wrap });
      use(bench, 1);
    }
  });

  it("notifyAfter with EVENT_IDX: DESC for a slot so far ahead, over the end of the ring too", () => {
    for (let after = 1; after <= 5; after++) {
      const bench = new PackedBench({ size: 5, eventIdx: true });
      for (let used = 0; used < 11; used++) {
        bench.queue.notifyAfter(after);
        const at = (used + after - 1) % 10;
        expect(bench.ring.deviceEvent).toEqual({ flags: DESC, slot: at % 5, wrap: at < 5 ? 1 : 0 });
        use(bench, 1);
      }
    }
  });

  it("notifyAfter without EVENT_IDX is the same as disableNotify", () => {
    const bench = new PackedBench();
    bench.queue.notifyAfter(3);
    expect(bench.ring.deviceEvent.flags).toBe(DISABLE);
  });

  it.each([false, true])("tell of chains that came before the guest could know, EVENT_IDX %s", (eventIdx) => {
    const bench = new PackedBench({ eventIdx });
    bench.queue.disableNotify();
    bench.offer(0);
    expect(bench.queue.enableNotify()).toBe(true);
    bench.popReadable();
    expect(bench.queue.enableNotify()).toBe(false);
  });
});

describe("whoever watches writes", () => {
  it("is told of every byte that a batch wrote, over the end of the ring too, and of the device area", () => {
    for (let first = 0; first < 8; first++) {
      const bench = new PackedBench({ size: 8 });
      use(bench, first);
      bench.ring.offer(1, [{ addr: bench.data, len: 4 }]);
      bench.ring.offer(2, [
        { addr: bench.data, len: 4 },
        { addr: bench.data, len: 4 },
      ]);
      bench.ring.offer(3, [{ addr: bench.data, len: 4 }]);
      const before = bench.region.bytes.slice();
      const seen = new Set<number>();
      bench.memory.writeObserver = (gpa, length) => {
        for (let i = 0; i < length; i++) seen.add(gpa + i);
      };
      bench.queue.disableNotify();
      for (let i = 0; i < 3; i++) bench.queue.addUsed(bench.popReadable(), 9);
      bench.queue.publish();
      bench.queue.enableNotify();
      let changed = 0;
      for (let i = 0; i < before.length; i++) {
        if (bench.region.bytes[i] === before[i]) continue;
        changed++;
        if (!seen.has(i)) expect.fail(`nobody was told of byte ${i}`);
      }
      expect(changed).toBeGreaterThan(0);
      expect(seen.size).toBe(4 + 16 * 4);
    }
  });
});
