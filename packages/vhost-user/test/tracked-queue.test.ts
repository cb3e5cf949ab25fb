import { Frame } from "@vmmkit/ethif";
import { PackedQueue, QUEUE_EMPTY, QUEUE_REFUSED, QueueCounters, SplitQueue } from "@vmmkit/virtio";
import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { InflightRegion, regionBytes } from "../src/inflight-region.ts";
import { PackedInflightRegion, packedRegionBytes } from "../src/packed-inflight-region.ts";
import { PackedRecord } from "../src/packed-record.ts";
import { SplitRecord } from "../src/split-record.ts";
import { TrackedQueue } from "../src/tracked-queue.ts";

const SIZE = 8;
const LAYOUT = { descTable: 0, availRing: 0x400, usedRing: 0x600 };
const BUFFERS = 0x1000;
const NEXT = 1;
const [AVAIL, USED] = [1 << 7, 1 << 15];

/** A driver's rings, and what is given back in them. */
interface Driver {
  readonly memory: GuestMemory;
  readonly queue: TrackedQueue;
  /** A back-end that never ran before, at the same rings and the same record. */
  next(): TrackedQueue;
  /** Makes a chain available. @param bad it lies outside memory */
  give(id: number, descriptors: number, bad?: boolean): void;
  /** Names of chains in the order in which they came back. */
  back(): number[];
}

function packed(): Driver {
  const buffer = new ArrayBuffer(0x4000);
  const view = new DataView(buffer);
  const memory = new GuestMemory([{ gpa: 0, size: 0x4000, buffer }]);
  const record = new ArrayBuffer(packedRegionBytes(SIZE));
  const next = (): TrackedQueue => {
    const queue = new PackedQueue(memory, SIZE, new QueueCounters());
    const tracked = new TrackedQueue(queue, new PackedRecord(memory, new PackedInflightRegion(record, 0, SIZE)));
    tracked.start(LAYOUT);
    return tracked;
  };
  let [slot, used] = [0, 0];
  const lengths = new Map<number, number>();
  return {
    memory,
    queue: next(),
    next,
    give: (id, descriptors, bad = false) => {
      for (let i = 0; i < descriptors; i++, slot++) {
        view.setBigUint64(16 * slot, BigInt(bad ? 0x10_0000 : BUFFERS), true);
        view.setUint32(16 * slot + 8, 64, true);
        view.setUint16(16 * slot + 12, id, true);
        view.setUint16(16 * slot + 14, AVAIL | (i + 1 < descriptors ? NEXT : 0), true);
      }
      lengths.set(id, descriptors);
    },
    back: () => {
      const ids: number[] = [];
      while (used < slot && (view.getUint16(16 * used + 14, true) & USED) !== 0) {
        const id = view.getUint16(16 * used + 12, true);
        ids.push(id);
        used += lengths.get(id) ?? SIZE;
      }
      return ids;
    },
  };
}

function split(): Driver {
  const buffer = new ArrayBuffer(0x4000);
  const view = new DataView(buffer);
  const memory = new GuestMemory([{ gpa: 0, size: 0x4000, buffer }]);
  const record = new ArrayBuffer(regionBytes(SIZE));
  const next = (): TrackedQueue => {
    const queue = new SplitQueue(memory, SIZE, new QueueCounters());
    const tracked = new TrackedQueue(queue, new SplitRecord(memory, new InflightRegion(record, 0, SIZE)));
    const usedIdx = new Uint8Array(2);
    memory.read(LAYOUT.usedRing + 2, usedIdx);
    tracked.start(LAYOUT, usedIdx[0] ?? 0);
    return tracked;
  };
  let [avail, used] = [0, 0];
  return {
    memory,
    queue: next(),
    next,
    // One descriptor each: a head is a name.
    give: (id, _descriptors, bad = false) => {
      view.setBigUint64(16 * id, BigInt(bad ? 0x10_0000 : BUFFERS), true);
      view.setUint32(16 * id + 8, 64, true);
      view.setUint16(LAYOUT.availRing + 4 + 2 * avail++, id, true);
      view.setUint16(LAYOUT.availRing + 2, avail, true);
    },
    back: () => {
      const ids: number[] = [];
      for (; used < view.getUint16(LAYOUT.usedRing + 2, true); used++) {
        ids.push(view.getUint32(LAYOUT.usedRing + 4 + 8 * used, true));
      }
      return ids;
    },
  };
}

const pop = (queue: TrackedQueue): number => queue.pop(false, 12, new Frame(), new Frame());

describe.each([
  ["packed", packed],
  ["split", split],
])("a queue whose chains are on record: %s", (_name, make) => {
  it("killed with a chain refused but not shown to the driver: the next one refuses it again, and takes the others", () => {
    const driver = make();
    driver.give(3, 1);
    driver.give(1, 2, true);
    driver.give(2, 1);
    expect([pop(driver.queue), pop(driver.queue), pop(driver.queue)]).toEqual([3, QUEUE_REFUSED, 2]);
    const second = driver.next();
    expect([pop(second), pop(second), pop(second), pop(second)]).toEqual([3, QUEUE_REFUSED, 2, QUEUE_EMPTY]);
    second.addUsed(2, 0);
    second.publish();
    expect(driver.back()).toEqual([1, 2]);
    const third = driver.next();
    driver.give(4, 1);
    expect([pop(third), pop(third), pop(third)]).toEqual([3, 4, QUEUE_EMPTY]);
    third.addUsed(4, 0);
    third.addUsed(3, 0);
    third.publish();
    expect(driver.back()).toEqual([4, 3]);
    expect(pop(driver.next())).toBe(QUEUE_EMPTY);
  });

  it("a refused chain that the driver has back is out no longer", () => {
    const driver = make();
    driver.give(1, 2, true);
    driver.give(2, 1);
    expect([pop(driver.queue), pop(driver.queue)]).toEqual([QUEUE_REFUSED, 2]);
    driver.queue.publish();
    const second = driver.next();
    expect([pop(second), pop(second), driver.back()]).toEqual([2, QUEUE_EMPTY, [1]]);
  });

  it("killed with chains done but not shown to the driver: the next one has them all", () => {
    const driver = make();
    for (const id of [3, 1, 2]) driver.give(id, 1);
    for (let i = 0; i < 3; i++) pop(driver.queue);
    driver.queue.addUsed(1, 0);
    driver.queue.addUsed(3, 0);
    const second = driver.next();
    expect([pop(second), pop(second), pop(second), pop(second)]).toEqual([3, 1, 2, QUEUE_EMPTY]);
    for (const id of [2, 1, 3]) second.addUsed(id, 0);
    second.publish();
    expect(driver.back()).toEqual([2, 1, 3]);
  });

  it("a chain that the driver spoils while it is out is refused when it is taken again, and comes back once", () => {
    const driver = make();
    driver.give(3, 1);
    driver.give(1, 1);
    expect([pop(driver.queue), pop(driver.queue)]).toEqual([3, 1]);
    // All of memory is where it was, but for the buffers.
    const [region] = driver.memory.regions;
    if (region !== undefined) driver.memory.removeRegion(region);
    driver.memory.addRegion({ gpa: 0, size: BUFFERS, buffer: region?.bytes.buffer.slice(0, BUFFERS) as ArrayBuffer });
    const second = driver.next();
    expect([pop(second), pop(second), pop(second)]).toEqual([QUEUE_REFUSED, QUEUE_REFUSED, QUEUE_EMPTY]);
    second.publish();
    expect(pop(driver.next())).toBe(QUEUE_EMPTY);
  });
});
