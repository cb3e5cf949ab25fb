import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { DeviceQueues, queueFeatures } from "../src/device-queues.ts";
import { PackedQueue } from "../src/queue/packed-queue.ts";
import { QueueStateError } from "../src/queue/queue-state.ts";
import { SplitQueue } from "../src/queue/split-queue.ts";
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC } from "../src/spec.ts";

const LAYOUT = { descTable: 0x1000, availRing: 0x2000, usedRing: 0x3000 };

function make(): { queues: DeviceQueues; stopped: string[] } {
  const memory = new GuestMemory([{ gpa: 0, size: 0x8000, buffer: new ArrayBuffer(0x8000) }]);
  const stopped: string[] = [];
  const queues = new DeviceQueues(memory, [16, 8], (index, error) => stopped.push(`${index} ${error}`));
  return { queues, stopped };
}

describe("the queues of a device", () => {
  it("are split ones of their largest size at first", () => {
    const { all, counters } = make().queues;
    expect(all.map((queue) => [queue instanceof SplitQueue, queue.size])).toEqual([
      [true, 16],
      [true, 8],
    ]);
    expect(counters).toHaveLength(2);
  });

  it("are other objects only where the size or the format is another one", () => {
    const { queues } = make();
    const [first] = queues.all;
    expect(queues.fitting(0, 16, false)).toBe(first);
    const smaller = queues.fitting(0, 4, false);
    expect([smaller.size, queues.all[0] === smaller]).toEqual([4, true]);
    expect(queues.fitting(0, 4, true)).toBeInstanceOf(PackedQueue);
  });

  it("tell by number when they stop, and count it where the queue before did", () => {
    const { queues, stopped } = make();
    queues.fitting(1, 4, false).start({ ...LAYOUT, descTable: 0x1001 });
    expect(stopped).toEqual(["1 ringMisaligned"]);
    expect(queues.counters[1]?.stopped).toBe(1);
  });

  it("come back as they were saved, and a state that cannot be names the queue", () => {
    const { queues } = make();
    const features = queueFeatures(0, 0);
    const queue = queues.fitting(1, 4, false);
    queue.start(LAYOUT, 7);
    const state = queue.save();
    const restored = queues.prepare(1, state, features);
    expect(queues.all[1]).toBe(queue);
    expect([restored().size, restored().base, restored().layout]).toEqual([4, 7, LAYOUT]);
    expect(queues.prepare(0, null, features)().ready).toBe(false);
    expect(() => queues.prepare(1, { ...state, avail: 0x1_0000 }, features)).toThrow(QueueStateError);
    expect(() => queues.prepare(1, { ...state, avail: 0x1_0000 }, features)).toThrow(/^"queues\[1\]" refused/);
  });

  it("are told of the three features that are theirs", () => {
    expect(queueFeatures(2 ** VIRTIO_F_INDIRECT_DESC, 0)).toEqual({ indirect: true, eventIdx: false, inOrder: false });
    const high = 2 ** (VIRTIO_F_IN_ORDER - 32);
    expect(queueFeatures(2 ** VIRTIO_F_EVENT_IDX, high)).toEqual({ indirect: false, eventIdx: true, inOrder: true });
  });
});
