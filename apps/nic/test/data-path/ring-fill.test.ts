import { PackedQueue, QueueCounters, type QueueLayout, SplitQueue } from "@vmmkit/virtio";
import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { ringFill } from "../../src/data-path/ring-fill.ts";

const SIZE = 8;
const LAYOUT: QueueLayout = { descTable: 0x1000, availRing: 0x2000, usedRing: 0x3000 };
const AVAIL_OF_ROUND_1 = 0x80;
const AVAIL_OF_ROUND_2 = 0x8000;

function memory() {
  const buffer = new ArrayBuffer(0x4000);
  return { guest: new GuestMemory([{ gpa: 0, size: buffer.byteLength, buffer }]), view: new DataView(buffer) };
}

describe("how full a split virtqueue is", () => {
  it.each([
    [0, 0, 0],
    [5, 0, 5],
    [5, 3, 2],
    [1, 0xffff, 2],
    [100, 0, SIZE],
  ])("given %i, back %i: %i", (given, back, fill) => {
    const { guest, view } = memory();
    const queue = new SplitQueue(guest, SIZE, new QueueCounters());
    queue.start(LAYOUT);
    view.setUint16(LAYOUT.availRing + 2, given, true);
    view.setUint16(LAYOUT.usedRing + 2, back, true);
    expect(ringFill(guest, queue, false)).toBe(fill);
  });

  it("one that does not work: 0", () => {
    const { guest } = memory();
    expect(ringFill(guest, new SplitQueue(guest, SIZE, new QueueCounters()), false)).toBe(0);
  });
});

describe("how full a packed virtqueue is", () => {
  function fill(flags: readonly number[], base?: number): number {
    const { guest, view } = memory();
    const queue = new PackedQueue(guest, SIZE, new QueueCounters());
    for (const [slot, value] of flags.entries()) view.setUint16(LAYOUT.descTable + 16 * slot + 14, value, true);
    queue.start(LAYOUT, base);
    return ringFill(guest, queue, true);
  }

  it("descriptors of the driver's, from the next used one on", () => {
    expect(fill([])).toBe(0);
    expect(fill([AVAIL_OF_ROUND_1, AVAIL_OF_ROUND_1, AVAIL_OF_ROUND_1])).toBe(3);
    expect(fill(Array.from({ length: SIZE }, () => AVAIL_OF_ROUND_1))).toBe(SIZE);
  });

  it("beyond the end of the ring the marks are the other way round", () => {
    const flags = [
      AVAIL_OF_ROUND_2,
      AVAIL_OF_ROUND_2,
      0x8080,
      0x8080,
      0x8080,
      0x8080,
      AVAIL_OF_ROUND_1,
      AVAIL_OF_ROUND_1,
    ];
    const at6 = 0x8000 | 6;
    expect(fill(flags, at6 * 0x1_0000 + at6)).toBe(4);
  });
});
