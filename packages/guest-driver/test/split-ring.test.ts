import { describe, expect, it } from "vitest";
import { allocateRing, GuestMachine, type GuestRingOptions, RingError, SplitRing, seededRandom } from "../src/index.ts";
import { NaiveRing } from "./support/naive-ring.ts";

function setUp(size = 8, options: GuestRingOptions = {}, legacy = true) {
  const { ram } = new GuestMachine({ memoryBytes: 4 << 20 });
  const layout = allocateRing(ram, size, legacy);
  const ring = new SplitRing(ram, layout, options);
  const parts = { avail: layout.availRing, used: layout.usedRing };
  const device = new NaiveRing(ram.region(layout.descTable, 16).bytes.buffer, layout.descTable, size, parts);
  return { ram, ring, device };
}

const part = (gpa: number, length: number) => ({ gpa, length });

describe("2.7.13 supplying buffers", () => {
  it.each([true, false])("shows the device each chain as it was added, legacy layout: %s", (legacy) => {
    const { ring, device } = setUp(16, {}, legacy);
    const head = ring.addChain([part(0x1000, 10), part(0x2000, 60)], [part(0x3001, 7)]);
    expect(device.next()).toBe(null);
    ring.publish();
    expect(device.next()).toEqual({
      head,
      parts: [
        { gpa: 0x1000, length: 10, writable: false },
        { gpa: 0x2000, length: 60, writable: false },
        { gpa: 0x3001, length: 7, writable: true },
      ],
    });
    expect(device.next()).toBe(null);
  });

  it("takes chains as long as the ring, and then says it is full", () => {
    const { ring, device } = setUp(8);
    const parts = Array.from({ length: 8 }, (_, i) => part(0x1000 * (i + 1), i + 1));
    expect(ring.addChain(parts, [])).toBe(0);
    expect(ring.addChain([part(0x1000, 1)], [])).toBe(-1);
    ring.publish();
    expect(device.next()?.parts.map((p) => p.length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("writes addresses above 4 GiB in two halves", () => {
    const { ring } = setUp();
    const head = ring.addChain([part(0x1_2345_6789_abcd, 5)], []);
    expect(ring.raw.readDescriptor(head)).toMatchObject({ addressLow: 0x6789abcd, addressHigh: 0x1_2345 });
  });

  it("2.7.4.2 refuses device-readable behind device-writable, and keeps no descriptor", () => {
    const { ring } = setUp();
    ring.begin();
    ring.writable(0x1000, 1);
    expect(() => ring.readable(0x2000, 1)).toThrow(RingError);
    expect(ring.freeCount).toBe(8);
    expect(ring.addChain([part(0x1000, 1)], [])).toBeGreaterThanOrEqual(0);
  });

  it("refuses a descriptor too many, and keeps none of the chain", () => {
    const { ring } = setUp(2);
    ring.begin();
    ring.readable(0x1000, 1);
    ring.readable(0x2000, 1);
    expect(() => ring.readable(0x3000, 1)).toThrow("the ring is full");
    expect(ring.freeCount).toBe(2);
  });

  it("refuses an empty chain, and a chain begun before the last was ended", () => {
    const { ring } = setUp();
    ring.begin();
    expect(() => ring.end()).toThrow("an empty chain");
    ring.begin();
    ring.readable(0x1000, 1);
    expect(() => ring.begin()).toThrow("not ended");
    expect(ring.freeCount).toBe(8);
  });
});

describe("2.7.5.3 indirect descriptors", () => {
  it("take one descriptor of the ring for a whole chain", () => {
    const { ring, device } = setUp(4, { indirectEntries: 8 });
    const readable = [1, 2, 3].map((n) => part(0x1000 * n, n));
    const writable = [4, 5].map((n) => part(0x1000 * n, n));
    for (let i = 0; i < 4; i++) expect(ring.addChain(readable, writable, { indirectFrom: 0 })).toBe(i);
    expect(ring.freeCount).toBe(0);
    ring.publish();
    for (let i = 0; i < 4; i++) {
      expect(ring.raw.readDescriptor(i)).toMatchObject({ flags: 4, length: 5 * 16 });
      const chain = device.next();
      expect(chain?.parts.map((p) => p.length)).toEqual([1, 2, 3, 4, 5]);
      expect(chain?.parts.map((p) => p.writable)).toEqual([false, false, false, true, true]);
    }
  });

  it("may come behind ordinary ones (2.7.5.3.2)", () => {
    const { ring, device } = setUp(8, { indirectEntries: 4 });
    ring.addChain([part(0x1000, 1), part(0x2000, 2)], [part(0x3000, 3), part(0x4000, 4)], { indirectFrom: 2 });
    expect(ring.freeCount).toBe(5);
    ring.publish();
    expect(device.next()?.parts.map((p) => [p.length, p.writable])).toEqual([
      [1, false],
      [2, false],
      [3, true],
      [4, true],
    ]);
  });

  it("are refused without tables, twice in a chain, beyond the table's end, and without an entry", () => {
    const without = setUp().ring;
    without.begin();
    expect(() => without.indirect()).toThrow("without indirect tables");
    const { ring } = setUp(8, { indirectEntries: 2 });
    ring.begin();
    ring.indirect();
    expect(() => ring.indirect()).toThrow("within an indirect table");
    expect(() => ring.addChain([part(0, 1), part(0, 1), part(0, 1)], [], { indirectFrom: 0 })).toThrow("table is full");
    ring.begin();
    ring.indirect();
    expect(() => ring.end()).toThrow("empty indirect table");
    expect(ring.freeCount).toBe(8);
  });

  it("give their memory back", () => {
    const { ram, ring } = setUp(8, { indirectEntries: 100 });
    const before = ram.freeBytes;
    ring.dispose();
    expect(ram.freeBytes).toBe(before + 4 * 4096);
  });
});

describe("2.7.14 receiving used buffers", () => {
  it("takes chains back in any order", () => {
    const { ring, device } = setUp();
    const heads = [1, 2, 3].map((n) => ring.addChain([], [part(0x1000, 100 * n), part(0x2000, 1)]));
    ring.publish();
    const chains = heads.map(() => device.next()?.head ?? -1);
    expect(chains).toEqual(heads);
    device.giveBack(chains[2] ?? 0, 300);
    device.giveBack(chains[0] ?? 0, 0);
    expect([ring.popUsed(), ring.usedLength]).toEqual([heads[2], 300]);
    expect([ring.popUsed(), ring.usedLength]).toEqual([heads[0], 0]);
    expect(ring.popUsed()).toBe(-1);
    expect(ring.outCount).toBe(1);
    expect(ring.freeCount).toBe(6);
  });

  it("goes on when the 16-bit indices wrap, with a free list in any order", () => {
    const { ring, device } = setUp(8);
    const random = seededRandom(1);
    ring.table.shuffleFree(random);
    const out: { head: number; length: number }[] = [];
    for (let i = 0; i < 70_000; i++) {
      const length = 1 + (i % 100);
      const writable = i % 3 === 0 ? [part(0x1000, length)] : [part(0x1000, length), part(0x2000, 1)];
      while (ring.addChain([], writable) < 0) {
        const [done] = out.splice(Math.floor(random() * out.length), 1);
        device.giveBack(done?.head ?? -1, done?.length ?? 0);
        if (ring.popUsed() !== done?.head) expect.fail(`chain ${i}: head ${done?.head} did not come back`);
      }
      ring.publish();
      const chain = device.next();
      if (chain?.parts[0]?.length !== length) expect.fail(`chain ${i} is ${JSON.stringify(chain)}`);
      out.push({ head: chain.head, length });
    }
    expect(ring.availIdx).toBe(70_000 - 65_536);
    expect(ring.freeCount).toBeLessThan(8);
  });

  it.each([
    ["a head that is not out", 3, 0, "head 3 is not out"],
    ["a head beyond the ring", 8, 0, "head 8 is not out"],
    ["a head of 32 bits", 0xffff_ffff, 0, "head 4294967295 is not out"],
    ["more bytes than there is room (2.7.8.2)", 0, 101, "length 101, but head 0 has room for 100 bytes"],
  ])("finds %s", (_name, head, length, message) => {
    const { ring, device } = setUp();
    ring.addChain([part(0x1000, 50)], [part(0x2000, 100)]);
    ring.publish();
    device.giveBack(head, length);
    expect(() => ring.popUsed()).toThrow(message);
    expect(() => ring.popUsed()).toThrow(RingError);
  });

  it("finds a chain that is given back twice", () => {
    const { ring, device } = setUp();
    const head = ring.addChain([], [part(0x2000, 100)]);
    ring.addChain([], [part(0x2000, 100)]);
    ring.publish();
    device.giveBack(head, 1);
    device.giveBack(head, 1);
    expect(ring.popUsed()).toBe(head);
    expect(() => ring.popUsed()).toThrow("is not out");
  });

  it("finds more chains given back than were out", () => {
    const { ring, device } = setUp();
    const head = ring.addChain([], [part(0x2000, 100)]);
    ring.publish();
    device.giveBack(head, 1);
    device.giveBack(head, 1);
    expect(() => ring.popUsed()).toThrow("used idx is 2 ahead, but only 1 chains were out");
  });

  it("is not led astray by a device that writes into the descriptor table", () => {
    const { ring, device } = setUp();
    const head = ring.addChain([part(0x1000, 1), part(0x2000, 1), part(0x3000, 1)], []);
    ring.publish();
    ring.raw.writeDescriptor(head, { flags: 0xffff, next: 0xffff });
    device.giveBack(head, 0);
    expect(ring.popUsed()).toBe(head);
    expect(ring.freeCount).toBe(8);
  });
});

describe("2.7.10 available buffer notification suppression", () => {
  function add(ring: SplitRing, device: NaiveRing, count: number): void {
    for (let i = 0; i < count; i++) {
      ring.addChain([part(0x1000, 1)], []);
      ring.publish();
      device.giveBack(device.next()?.head ?? -1, 0);
      ring.popUsed();
    }
  }

  it("by flag: notifies unless NO_NOTIFY is set, and never for nothing", () => {
    const { ring, device } = setUp();
    expect(ring.kickNeeded()).toBe(false);
    add(ring, device, 1);
    expect(ring.kickNeeded()).toBe(true);
    expect(ring.kickNeeded()).toBe(false);
    device.usedFlags = 1;
    add(ring, device, 1);
    expect(ring.kickNeeded()).toBe(false);
    device.usedFlags = 0xfffe;
    add(ring, device, 1);
    expect(ring.kickNeeded()).toBe(true);
  });

  it("by event: notifies when entry avail_event was made available, at any index", () => {
    const { ring, device } = setUp(8, { eventIdx: true });
    for (let i = 0; i < 9000; i++) {
      device.usedFlags = i & 1;
      const before = ring.availIdx;
      const count = 1 + (i % 20);
      const event = (before + ((i * 7) % 40)) % 65536;
      device.availEvent = event;
      add(ring, device, count);
      const distance = (event - before + 65536) % 65536;
      if (ring.kickNeeded() !== distance < count) expect.fail(`${before} + ${count}, event ${event}`);
    }
  });

  it("by event: notifies after more chains than the index can count", () => {
    const { ring, device } = setUp(8, { eventIdx: true });
    device.availEvent = 60_000;
    add(ring, device, 65_540);
    expect(ring.unkickedCount).toBe(65_540);
    expect(ring.kickNeeded()).toBe(true);
  });

  it("counts only what is published", () => {
    const { ring } = setUp();
    ring.addChain([part(0x1000, 1)], []);
    expect(ring.kickNeeded()).toBe(false);
    ring.publish();
    expect(ring.kickNeeded()).toBe(true);
  });
});

describe("2.7.7 used buffer notification suppression", () => {
  it("by flag", () => {
    const { ring, device } = setUp();
    ring.disableInterrupts();
    expect(device.availFlags).toBe(1);
    ring.addChain([part(0x1000, 1)], []);
    ring.publish();
    device.giveBack(device.next()?.head ?? -1, 0);
    expect(ring.enableInterrupts()).toBe(true);
    expect(device.availFlags).toBe(0);
    ring.popUsed();
    expect(ring.enableInterrupts()).toBe(false);
  });

  it("by event: next entry, one further on, one that has passed; the flag stays 0", () => {
    const { ring, device } = setUp(8, { eventIdx: true });
    expect(ring.enableInterrupts()).toBe(false);
    expect(device.usedEvent).toBe(0);
    ring.disableInterrupts();
    expect(device.usedEvent).toBe(0xffff);
    for (let i = 0; i < 3; i++) ring.addChain([part(0x1000, 1)], []);
    ring.publish();
    device.giveBack(device.next()?.head ?? -1, 0);
    device.giveBack(device.next()?.head ?? -1, 0);
    ring.popUsed();
    expect(ring.enableInterrupts(2)).toBe(false);
    expect(device.usedEvent).toBe(2);
    expect(ring.enableInterrupts()).toBe(true);
    expect(device.usedEvent).toBe(1);
    expect(device.availFlags).toBe(0);
  });
});

describe("memory", () => {
  it("must be one region's", () => {
    const { ram } = new GuestMachine({ memoryBytes: 1 << 20 });
    ram.memory.addRegion({ gpa: 1 << 20, size: 1 << 20, buffer: new ArrayBuffer(1 << 20) });
    const layout = { size: 8, descTable: 0x10000, availRing: 0x11000, usedRing: 0x10_0000 };
    expect(() => new SplitRing(ram, layout)).toThrow("in different regions");
  });

  it("is cleared for a new ring", () => {
    const { ram } = new GuestMachine({ memoryBytes: 1 << 20 });
    const layout = allocateRing(ram, 8, true);
    ram.bytes(layout.descTable, 8192).fill(0xff);
    const ring = new SplitRing(ram, layout);
    expect([ring.raw.availIdx, ring.raw.usedIdx, ring.raw.usedFlags, ring.raw.readDescriptor(7).flags]).toEqual([
      0, 0, 0, 0,
    ]);
  });
});
