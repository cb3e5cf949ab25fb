/* What VIRTIO 1.2 asks of a device with packed virtqueues (2.8), statement by statement, where no other test looks at it. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { QUEUE_REFUSED } from "../src/index.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { WRITE } from "./support/raw-ring.ts";

const SLOT_BYTES = 16;

describe("2.8.15 the packed descriptor ring", () => {
  it("2.8.15 a device-readable buffer where a writable one belongs is refused, and so the other way round", () => {
    for (const writable of [false, true]) {
      const bench = new PackedBench();
      bench.offer(3, 2, writable ? WRITE : 0);
      const before = bench.region.bytes.slice(bench.data);
      expect(writable ? bench.popReadable() : bench.popWritable()).toBe(QUEUE_REFUSED);
      bench.queue.publish();
      expect(bench.ring.takeUsed(2)).toMatchObject({ id: 3, len: 0 });
      expect([...bench.region.bytes.subarray(bench.data)]).toEqual([...before]);
    }
  });

  it("2.8.15 a descriptor does not change once its USED bit has, until the driver makes it available again", () => {
    const size = 8;
    const bench = new PackedBench({ size });
    const start = bench.layout.descTable;
    const ring = () => [...bench.region.bytes.subarray(start, start + SLOT_BYTES * size)];
    /** The ring as it was when a batch became visible: the flags of its first descriptor are stored last. */
    let visible: number[] = [];
    const store = Atomics.store;
    const spy = vi.spyOn(Atomics, "store").mockImplementation(((array: Uint16Array, index: number, value: number) => {
      const result = store(array, index, value);
      const at = array.byteOffset + index * array.BYTES_PER_ELEMENT - start;
      if (at >= 0 && at < SLOT_BYTES * size) visible = ring();
      return result;
    }) as typeof Atomics.store);
    try {
      for (let round = 0; round < 5; round++) {
        const counts = [1 + (round % 3), 2, 1];
        for (const [id, count] of counts.entries()) bench.offer(id, count);
        for (const id of counts.keys()) expect(bench.popReadable()).toBe(id);
        bench.queue.addUsed(2, 7);
        bench.queue.publish();
        expect(ring()).toEqual(visible);
        // A second batch, out of order, leaves what the first one wrote.
        const first = SLOT_BYTES * bench.ring.usedSlot;
        const written = visible.slice(first, first + SLOT_BYTES);
        bench.queue.addUsed(0, 8);
        bench.queue.addUsed(1, 9);
        bench.queue.publish();
        expect(ring()).toEqual(visible);
        expect(visible.slice(first, first + SLOT_BYTES)).toEqual(written);
        for (const id of [2, 0, 1]) expect(bench.ring.takeUsed(counts[id] ?? 0)?.id).toBe(id);
      }
    } finally {
      spy.mockRestore();
    }
  });

  it("2.8.15 no byte of the buffers changes, and of the ring only the slots that are used", () => {
    const bench = new PackedBench();
    bench.offer(0, 3);
    bench.offer(1, 2);
    const before = bench.region.bytes.slice();
    expect([bench.popReadable(), bench.popReadable()]).toEqual([0, 1]);
    bench.queue.addUsed(1, 5);
    bench.queue.publish();
    const changed = [...bench.region.bytes].flatMap((byte, i) => (byte === before[i] ? [] : [i]));
    const { descTable, usedRing } = bench.layout;
    for (const at of changed) {
      const inSlot0 = at >= descTable && at < descTable + SLOT_BYTES;
      expect(inSlot0 || (at >= usedRing && at < usedRing + 4)).toBe(true);
    }
    expect(changed.length).toBeGreaterThan(0);
  });
});

describe("2.8.18 lists of descriptors", () => {
  it("2.8.18 are used in the order in which they were made available, whatever the cut", () => {
    const cuts = fc.array(fc.nat(40), { minLength: 1, maxLength: 16 });
    fc.assert(
      fc.property(cuts, fc.nat(60), fc.integer({ min: 0, max: 15 }), (lengths, headBytes, start) => {
        const bench = new PackedBench({ size: 16, dataBytes: 4096 });
        // Somewhere in the ring, so that lists lie over its end as well.
        for (let i = 0; i < start; i++) {
          bench.offer(0);
          bench.queue.addUsed(bench.popReadable(), 0);
          bench.queue.publish();
          bench.ring.takeUsed(1);
        }
        const bytes = Array.from({ length: lengths.reduce((a, b) => a + b, 0) }, (_, i) => (i * 7 + 1) & 0xff);
        bench.region.bytes.set(bytes, bench.data);
        let addr = bench.data;
        const list = lengths.map((len) => {
          addr += len;
          return { addr: addr - len, len };
        });
        bench.ring.offer(5, list);
        bench.head.clear();
        expect(bench.popReadable(headBytes)).toBe(5);
        expect(bench.head.content).toEqual(bytes.slice(0, headBytes));
        expect(bench.body.content).toEqual(bytes.slice(headBytes));
      }),
    );
  });
});
