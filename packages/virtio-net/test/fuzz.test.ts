/*
 * A hostile guest and a moody backend. Whatever they do: nothing throws, nothing is written but used rings and
 * buffers that were offered, work is bounded, and a reset brings everything back. A failure prints its seed and the
 * shortest sequence that shows it.
 */
import { TxResult } from "@vmmkit/ethif";
import {
  CORRUPTIONS,
  corruptRing,
  GuestNetDriver,
  hostileTarget,
  scribbleRing,
  seededRandom,
} from "@vmmkit/guest-driver";
import { VIRTIO_F_ANY_LAYOUT, VIRTIO_NET_F_MRG_RXBUF } from "@vmmkit/virtio";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ENTRIES, FuzzWorld, RAM_BYTES, ROM_BYTES, type Step, TABLE_GPA, type Trick } from "./support/fuzz-world.ts";
import { expectFrames, makeRig, type Rig, testFrame } from "./support/rig.ts";

const u32 = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff));
const u16 = fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 1, ENTRIES, 0x7fff, 0x8000, 0xffff));
const width = fc.constantFrom(1 as const, 2 as const, 4 as const);
const queue = fc.nat(1);
const index = fc.nat(ENTRIES - 1);
/** Mostly memory, its borders, and what lies behind. */
const address = fc.oneof(
  { weight: 6, arbitrary: fc.nat(RAM_BYTES - 1) },
  { weight: 2, arbitrary: fc.constantFrom(0xb000, 0xb800, TABLE_GPA, TABLE_GPA + 2) },
  { weight: 1, arbitrary: fc.integer({ min: RAM_BYTES - 64, max: RAM_BYTES + ROM_BYTES + 64 }) },
  { weight: 1, arbitrary: u32 },
);
const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat(2048) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 10, 12, 16, 32, 128, 4096) },
  { weight: 1, arbitrary: u32 },
);
/** In a zone of its own; now and then in the ROM, or over its border. */
const partAddress = fc.oneof(
  { weight: 15, arbitrary: fc.integer({ min: 0xc000, max: 0xf000 }) },
  { weight: 1, arbitrary: fc.integer({ min: RAM_BYTES - 100, max: RAM_BYTES + 100 }) },
);
const partLength = fc.oneof(
  fc.integer({ min: 10, max: 200 }),
  fc.integer({ min: 200, max: 2000 }),
  fc.constantFrom(0, 10, 12),
);
const flags = fc.oneof({ weight: 8, arbitrary: fc.nat(7) }, { weight: 1, arbitrary: u16 });
const tricks: Trick[] = [
  "nothing",
  "nothing",
  "nothing",
  "finishes",
  "delivers",
  "notifies",
  "unplugs",
  "grows",
  "resets",
];
const result = fc.constantFrom<TxResult>(TxResult.Complete, TxResult.Enqueued, TxResult.Failed);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("in" as const), offset: fc.integer({ min: -4, max: 40 }), width }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("out" as const),
      offset: fc.integer({ min: -4, max: 40 }),
      width,
      value: u32,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("poke" as const), gpa: fc.nat(0x8000), width, value: u32 }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("descriptor" as const),
      queue,
      index,
      address,
      high: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: u32 }),
      length,
      flags,
      next: fc.oneof({ weight: 8, arbitrary: index }, { weight: 1, arbitrary: u16 }),
      table: fc.boolean(),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant("chain" as const),
      queue,
      first: index,
      indirect: fc.boolean(),
      parts: fc.array(fc.record({ gpa: partAddress, length: partLength }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("offer" as const),
      queue,
      head: fc.oneof({ weight: 20, arbitrary: index }, { weight: 1, arbitrary: u16 }),
      ahead: fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: u16 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("notify" as const), queue }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("move" as const), queue, page: fc.integer({ min: 0, max: 7 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("grow" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("allocate" as const),
      size: fc.oneof(fc.integer({ min: 14, max: 1518 }), fc.integer({ min: 1, max: 70_000 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("complete" as const),
      index: fc.nat(20),
      length: fc.oneof(fc.integer({ min: 14, max: 1518 }), fc.nat(4096)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("finish" as const), index: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("answer" as const), result, trick: fc.constantFrom(...tricks) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("link" as const), up: fc.constantFrom(true, true, true, false) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("poll" as const) }) },
);

/** What a driver does first: features, both rings, DRIVER_OK. */
function startUp(features: number, receivePage: number, transmitPage: number): Step[] {
  const out = (offset: number, size: 1 | 2 | 4, value: number): Step => ({ do: "out", offset, width: size, value });
  return [
    out(18, 1, 0),
    out(18, 1, 3),
    out(4, 4, features),
    out(14, 2, 0),
    out(8, 4, receivePage),
    out(14, 2, 1),
    out(8, 4, transmitPage),
    out(18, 1, 7),
  ];
}

/** The same through the modern registers. */
function startUpModern(features: number, receivePage: number, transmitPage: number): Step[] {
  const out = (offset: number, size: 1 | 2 | 4, value: number): Step => ({ do: "out", offset, width: size, value });
  return [
    ...[0, 1, 3].map((status) => out(0x14, 1, status)),
    out(8, 4, 0),
    out(12, 4, (features & MODERN_FEATURES) >>> 0),
    out(8, 4, 1),
    out(12, 4, VERSION_1_AND_RING_RESET),
    out(0x14, 1, 11),
    { do: "move", queue: 0, page: receivePage },
    { do: "move", queue: 1, page: transmitPage },
    out(0x14, 1, 15),
  ];
}
/** MTU, MAC, MRG_RXBUF, STATUS, INDIRECT_DESC, EVENT_IDX. */
const MODERN_FEATURES = 0x3001_8028;
const VERSION_1_AND_RING_RESET = 0x101;
const features = fc.oneof(fc.constantFrom(0xffff_ffff, 0), u32);
const page = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 7 }) }, { weight: 1, arbitrary: u32 });
const life = fc.tuple(features, page, page, fc.array(step, { maxLength: 60, size: "max" }));

/** The card in the hands of a decent driver. */
function expectRecovery({ machine, backend, card, driver: own }: Rig): void {
  card.setLink(true);
  backend.copies = true;
  backend.answer = () => TxResult.Complete;
  const driver = new GuestNetDriver(own.transport, machine.ram, {
    rx: { buffers: 4, bufferBytes: 256 },
    tx: { buffers: 4, bufferBytes: 256 },
  });
  driver.start();
  backend.sent.length = 0;
  for (let i = 0; i < 3 * ENTRIES; i++) {
    expect(driver.send(testFrame(60, i))).toBe(true);
    expectFrames(backend.sent, [testFrame(60, i)]);
    backend.sent.length = 0;
    expect(backend.deliver(testFrame(61, i))).toBe(true);
    // Interrupts behind the first wait until the guest has run for a while.
    machine.endSlice();
    driver.onInterrupt();
    expectFrames(driver.receiveAll(), [testFrame(61, i)]);
  }
  expect(card.emul.virtq.map(({ error }) => error)).toEqual([null, null, null]);
  driver.verifyGuards();
  driver.reset();
}

describe("a hostile guest", { timeout: 120_000 }, () => {
  it.each([
    ["legacy", startUp],
    ["modern", startUpModern],
  ] as const)(
    "that writes whatever it likes into %s registers and rings, over several lives of the card",
    (kind, begin) => {
      fc.assert(
        fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), (lives) => {
          const world = new FuzzWorld(kind);
          for (const [bits, receivePage, transmitPage, steps] of lives) {
            for (const each of begin(bits, receivePage, transmitPage)) world.run(each);
            for (const each of steps) world.run(each);
          }
          world.drain();
          expectRecovery(world.rig);
        }),
        { numRuns: 300 },
      );
    },
  );

  it("whose driver breaks its rings now and then, and scribbles over them while frames are out", () => {
    const event = fc.record({
      corruption: fc.option(fc.constantFrom(...CORRUPTIONS.map(({ name }) => name)), { freq: 2 }),
      receive: fc.boolean(),
      scribbles: fc.nat(12),
      seed: fc.integer({ min: 1, max: 0x7fff_ffff }),
      frames: fc.nat(5),
      result,
    });
    const modes = fc.constantFrom<readonly number[] | undefined>(
      undefined,
      [],
      [VIRTIO_F_ANY_LAYOUT],
      [VIRTIO_NET_F_MRG_RXBUF],
    );
    fc.assert(
      fc.property(modes, fc.array(event, { minLength: 1, maxLength: 10 }), (wanted, events) => {
        const guest = { indirect: "always", rx: { buffers: 8, autoRefill: false }, tx: { buffers: 8 } } as const;
        const rig = makeRig({
          machine: { memoryBytes: 1 << 20, defer: true },
          card: { rxQueueSize: 16, txQueueSize: 16 },
          guest: wanted === undefined ? guest : { ...guest, features: wanted },
          start: false,
        });
        for (const each of events) {
          rig.driver.start();
          rig.driver.postReceive(4);
          breakOnce(rig, each);
        }
        while (rig.backend.kept.length > 0) rig.backend.finish();
        rig.driver.reset();
        rig.machine.settle();
        expectRecovery(rig);
      }),
      { numRuns: 150 },
    );
  });

  interface BreakEvent {
    readonly corruption: string | null;
    readonly receive: boolean;
    readonly scribbles: number;
    readonly seed: number;
    readonly frames: number;
    readonly result: TxResult;
  }

  /** Frames out, rooms out; the rings are broken; and everybody goes on as if nothing had happened. */
  function breakOnce({ machine, driver, backend, card }: Rig, event: BreakEvent): void {
    backend.answer = () => event.result;
    const ring = event.receive ? driver.rxRing : driver.txRing;
    for (let i = 0; i < event.frames; i++) driver.send(testFrame(60));
    const rooms = [backend.allocate(60), backend.allocate(1500)];
    const target = hostileTarget(machine.ram, ring, event.receive);
    const indirect = CORRUPTIONS.find(({ name }) => name === event.corruption)?.indirect === true;
    const possible = !indirect || ring.table.indirectEntries > 0;
    const needed = event.corruption === "single-bytes" ? 40 : 4;
    if (event.corruption !== null && possible && ring.freeCount >= needed) corruptRing(target, event.corruption);
    scribbleRing(target, seededRandom(event.seed), event.scribbles);
    const before = card.counters.transmitQueue.chains + card.counters.receiveQueue.chains;
    driver.transport.notify(1);
    driver.transport.notify(0);
    for (let i = 0; i < 20; i++) backend.deliver(testFrame(60 + i));
    for (const room of rooms) if (room !== null) backend.complete([room, testFrame(Math.min(50, room.totalBytes))]);
    while (backend.kept.length > 0) backend.finish();
    const taken = card.counters.transmitQueue.chains + card.counters.receiveQueue.chains - before;
    expect(taken).toBeLessThanOrEqual(23 * 16);
    machine.ram.free(target.page, 1);
  }
});

describe("a hostile guest, in the large", { timeout: 60_000 }, () => {
  it("chains that share their tails: the work is that of the ring, and ends", () => {
    const { driver, backend, card, machine } = makeRig({
      card: { txQueueSize: 1024 },
      guest: { features: [VIRTIO_F_ANY_LAYOUT] },
    });
    const { raw } = driver.txRing;
    const page = machine.ram.alloc(4096);
    for (let i = 0; i < 1024; i++) {
      raw.writeDescriptor(i, { addressLow: page, length: 1, flags: i < 1023 ? 1 : 0, next: i + 1 });
      raw.writeAvail(i, i);
    }
    raw.writeAvailIdx(1024);
    driver.transport.notify(1);
    expect(card.counters.transmitQueue.chains).toBe(1024);
    expect(backend.transmits).toBe(1024 - 23);
    expect(card.counters.transmit.dropped.tooShort).toBe(23);
  });

  it("one chain made available again and again: taken as often, and never more than the ring at a time", () => {
    const { driver, backend, card } = makeRig({ card: { txQueueSize: 16 } });
    backend.answer = () => TxResult.Enqueued;
    driver.send(testFrame(60));
    const { raw } = driver.txRing;
    for (let i = 0; i < 16; i++) raw.writeAvail(i, raw.readAvail(0));
    raw.writeAvailIdx(16);
    driver.transport.notify(1);
    expect(backend.transmits).toBe(16);
    raw.writeAvailIdx(17);
    driver.transport.notify(1);
    expect(backend.transmits).toBe(16);
    expect(card.emul.virtq[1]?.error).toBe(null);
    backend.finish();
    expect(backend.transmits).toBe(17);
    raw.writeAvailIdx(19);
    backend.finish();
    expect(card.emul.virtq[1]?.error).toBe("availIndexJumped");
  });
});
