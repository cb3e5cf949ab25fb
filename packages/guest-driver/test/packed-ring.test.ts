import { describe, expect, it } from "vitest";
import {
  allocatePackedRing,
  checkPackedLayout,
  freePackedRing,
  GuestMachine,
  type GuestRingOptions,
  PackedRing,
  RingError,
} from "../src/index.ts";

const AVAIL = 0x80;
const USED = 0x8000;
const NEXT = 1;
const WRITE = 2;

function setUp(size = 4, options: GuestRingOptions = {}) {
  const { ram } = new GuestMachine({ memoryBytes: 4 << 20 });
  const layout = allocatePackedRing(ram, size);
  const ring = new PackedRing(ram, layout, options);
  const at = (slot: number): number => layout.descTable + 16 * slot;
  return {
    ram,
    ring,
    layout,
    read: (slot: number) => ({
      addr: ram.readUint(at(slot), 4) + 2 ** 32 * ram.readUint(at(slot) + 4, 4),
      len: ram.readUint(at(slot) + 8, 4),
      id: ram.readUint(at(slot) + 12, 2),
      flags: ram.readUint(at(slot) + 14, 2),
    }),
    /** What a device writes when it has used a chain. */
    use: (slot: number, id: number, len: number, flags: number) => {
      ram.writeUint(at(slot) + 8, 4, len);
      ram.writeUint(at(slot) + 12, 2, id);
      ram.writeUint(at(slot) + 14, 2, flags);
    },
    deviceEvent: (desc: number, flags: number) => {
      ram.writeUint(layout.usedRing, 2, desc);
      ram.writeUint(layout.usedRing + 2, 2, flags);
    },
  };
}

function addOne(ring: PackedRing, gpa = 0x1000): number {
  ring.begin();
  ring.writable(gpa, 100);
  return ring.end();
}

describe("2.8.21 supplying buffers", () => {
  it("writes a chain into slots one behind the other, the id into the last, the first one's flags at publish", () => {
    const { ring, read } = setUp(4);
    ring.begin();
    ring.readable(0x1_2345_6789_abcd, 10);
    ring.readable(0x2000, 20);
    ring.writable(0x3000, 30);
    const id = ring.end();
    expect(read(0)).toMatchObject({ addr: 0x1_2345_6789_abcd, len: 10, flags: 0 });
    expect(read(1)).toMatchObject({ addr: 0x2000, len: 20, flags: AVAIL | NEXT });
    expect(read(2)).toEqual({ addr: 0x3000, len: 30, id, flags: AVAIL | WRITE });
    ring.publish();
    expect(read(0).flags).toBe(AVAIL | NEXT);
    expect([ring.freeCount, ring.outCount]).toEqual([1, 1]);
  });

  it("inverts the wrap counter at the end of the ring, in the middle of a chain too", () => {
    const { ring, read, use } = setUp(3);
    ring.begin();
    ring.readable(0x1000, 1);
    ring.readable(0x1000, 1);
    const first = ring.end();
    ring.publish();
    use(0, first, 0, AVAIL | USED);
    expect(ring.popUsed()).toBe(first);
    ring.begin();
    ring.readable(0x1000, 1);
    ring.readable(0x2000, 2);
    ring.end();
    ring.publish();
    expect([read(2).flags, read(0).flags]).toEqual([AVAIL | NEXT, USED]);
  });

  it("refuses what a driver must not do, and keeps no slot of it", () => {
    const { ring } = setUp(2, { indirectEntries: 1 });
    const wrong: (() => void)[] = [
      () => ring.end(),
      () => ring.begin(),
      () => {
        ring.readable(0x1000, 1);
        ring.indirect();
      },
      () => {
        ring.writable(0x1000, 1);
        ring.readable(0x1000, 1);
      },
      () => {
        ring.readable(0x1000, 1);
        ring.readable(0x1000, 1);
        ring.readable(0x1000, 1);
      },
      () => {
        ring.indirect();
        ring.end();
      },
      () => {
        ring.indirect();
        ring.readable(0x1000, 1);
        ring.readable(0x1000, 1);
      },
    ];
    for (const action of wrong) {
      ring.begin();
      expect(action).toThrow(RingError);
      expect([ring.freeCount, ring.outCount]).toEqual([2, 0]);
    }
    expect(() => ring.readable(0x1000, 1)).toThrow("no chain was begun");
  });
});

describe("2.8.22 receiving used buffers", () => {
  it("refuses what a device must not do", () => {
    const cases: [id: number, len: number, message: string][] = [
      [7, 0, "buffer id 7 is not out"],
      [0, 0, "buffer id 0 is not out"],
      [3, 101, "has room for 100"],
    ];
    for (const [id, len, message] of cases) {
      const { ring, use } = setUp();
      expect(addOne(ring)).toBe(3);
      ring.publish();
      use(0, id, len, AVAIL | USED | WRITE);
      expect(() => ring.popUsed()).toThrow(message);
    }
    const { ring, use } = setUp();
    use(0, 0, 0, AVAIL | USED);
    expect(() => ring.popUsed()).toThrow("no chain is out");
  });

  it("2.8.4 takes no length without WRITE", () => {
    const { ring, use } = setUp();
    const id = addOne(ring);
    ring.publish();
    use(0, id, 0xffff_ffff, AVAIL | USED);
    expect([ring.popUsed(), ring.usedLength]).toEqual([id, 0]);
  });

  it("2.8.8 in order, one used descriptor may stand for a batch", () => {
    const { ring, use } = setUp(4, { inOrder: true });
    const ids = [addOne(ring), addOne(ring), addOne(ring)];
    ring.publish();
    use(0, ids[2] ?? 0, 7, AVAIL | USED | WRITE);
    expect(ids.map(() => [ring.popUsed(), ring.usedLength])).toEqual([
      [ids[0], 100],
      [ids[1], 100],
      [ids[2], 7],
    ]);
    expect([ring.popUsed(), ring.freeCount]).toEqual([-1, 4]);
  });
});

describe("2.8.10 event suppression", () => {
  it("notifies by the device's wish: always, never, or when a slot was made available", () => {
    for (let event = 0; event < 8; event++) {
      const { ring, deviceEvent } = setUp(4, { eventIdx: true });
      addOne(ring);
      ring.publish();
      expect(ring.kickNeeded()).toBe(true);
      deviceEvent((event % 4) | (event < 4 ? 0x8000 : 0), 2);
      addOne(ring);
      addOne(ring);
      ring.publish();
      expect(ring.kickNeeded()).toBe(event === 1 || event === 2);
      expect(ring.kickNeeded()).toBe(false);
    }
    const { ring, deviceEvent } = setUp();
    deviceEvent(0, 1);
    addOne(ring);
    expect(ring.unkickedCount).toBe(1);
    ring.publish();
    expect(ring.kickNeeded()).toBe(false);
    expect(ring.unkickedCount).toBe(0);
  });
});

describe("a packed ring's memory", () => {
  it("is given back as it was taken", () => {
    const { ram } = new GuestMachine({ memoryBytes: 4 << 20 });
    const before = ram.freeBytes;
    const layout = allocatePackedRing(ram, 100);
    const ring = new PackedRing(ram, layout, { indirectEntries: 3 });
    ring.dispose();
    freePackedRing(ram, layout);
    expect(ram.freeBytes).toBe(before);
  });

  it.each([
    [{ size: 0 }, "size"],
    [{ size: 32769 }, "size"],
    [{ descTable: 0x1008 }, "descTable"],
    [{ availRing: 2 }, "availRing"],
    [{ usedRing: 6 }, "usedRing"],
  ])("is refused as %o", (change, name) => {
    const sound = { size: 3, descTable: 0x1000, availRing: 4, usedRing: 8 };
    expect(checkPackedLayout(sound)).toBe(sound);
    expect(() => checkPackedLayout({ ...sound, ...change })).toThrow(name);
  });
});
