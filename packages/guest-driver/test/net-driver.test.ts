import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
} from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { DriverError, GuestMachine, GuestNetDriver, type GuestNetOptions, RingError } from "../src/index.ts";
import { NAIVE_LINE, NAIVE_MAC, NaiveCard, type NaiveCardOptions } from "./support/naive-card.ts";

const ALL = [
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
];

function setUp(options: GuestNetOptions = {}, cardOptions: NaiveCardOptions = {}, buffer?: ArrayBufferLike) {
  const machine = new GuestMachine(buffer === undefined ? {} : { buffer });
  const card = new NaiveCard(machine, cardOptions);
  const driver = GuestNetDriver.probe(machine.ports, machine.ram, options);
  machine.onLine(NAIVE_LINE, () => driver.onInterrupt());
  return { machine, card, driver };
}

/** As `toEqual`, but quick where the bytes are equal. */
function expectBytes(got: Uint8Array | null | undefined, wanted: Uint8Array): void {
  if (got?.length !== wanted.length || got.some((byte, i) => byte !== wanted[i])) expect(got).toEqual(wanted);
}

function frameOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 31) & 0xff);
}

describe("life cycle (3.1.1, 3.1.2)", () => {
  it("resets, acknowledges, negotiates, sets up queues, and says DRIVER_OK last", () => {
    const { card, driver } = setUp();
    driver.start();
    expect(card.statusWrites).toEqual([0, 1, 3, 7]);
    expect(card.rings.every((ring) => ring !== null)).toBe(true);
  });

  it("accepts what both sides have and nothing else", () => {
    const { card, driver } = setUp({ features: [VIRTIO_NET_F_MAC, VIRTIO_F_EVENT_IDX] }, { features: [5, 16, 28] });
    driver.start();
    expect(card.driverFeatures).toBe(1 << 5);
    expect(driver.has(VIRTIO_NET_F_MAC)).toBe(true);
    expect(driver.has(VIRTIO_F_EVENT_IDX)).toBe(false);
  });

  it("has posted its receive buffers when DRIVER_OK is set, and notifies after it", () => {
    const { card, driver } = setUp();
    driver.reset();
    driver.negotiate();
    driver.setUpQueues();
    expect(card.notifications).toEqual([0, 0]);
    driver.goLive();
    expect(card.notifications).toEqual([1, 0]);
    expect(driver.rxRing.outCount).toBe(8);
  });

  it("gives all memory back at a reset", () => {
    const { machine, driver } = setUp({ indirect: "always" }, { features: ALL });
    const before = machine.ram.freeBytes;
    for (let i = 0; i < 3; i++) {
      driver.start();
      expect(machine.ram.freeBytes).toBeLessThan(before);
      driver.reset();
      expect(machine.ram.freeBytes).toBe(before);
    }
  });

  it("refuses to send before it was started", () => {
    const { driver } = setUp();
    expect(() => driver.send(frameOf(60))).toThrow(DriverError);
  });

  it("refuses a device whose reset does nothing", () => {
    const { card, driver } = setUp();
    Object.defineProperty(card, "status", { get: () => 7, set: () => {} });
    expect(() => driver.start()).toThrow(/status is 7 after a reset/);
  });
});

describe("configuration (5.1.4)", () => {
  it("reads address, link and MTU", () => {
    const { card, driver } = setUp({}, { features: ALL, mtu: 9000 });
    driver.start();
    expect([...driver.readMac()]).toEqual(NAIVE_MAC);
    expect(driver.mtu).toBe(9000);
    expect(driver.linkUp).toBe(true);
    card.config[6] = 0;
    expect(driver.linkUp).toBe(false);
  });

  it("writes the address as legacy drivers may", () => {
    const { card, driver } = setUp();
    driver.start();
    driver.writeMac(Uint8Array.of(2, 4, 6, 8, 10, 12));
    expect([...card.config.subarray(0, 6)]).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it("counts interrupts for a change of configuration apart", () => {
    const { machine, card, driver } = setUp();
    driver.start();
    card.setLink(false);
    expect(machine.settle()).toBe(1);
    expect(driver.linkUp).toBe(false);
    expect(driver.counters).toMatchObject({ interrupts: 1, configInterrupts: 1, isrReads: 1, rxFrames: 0 });
  });
});

const MODES: [string, GuestNetOptions, NaiveCardOptions][] = [
  ["legacy: header apart", {}, { features: [5] }],
  ["ANY_LAYOUT: header joined", {}, { features: [5, 27] }],
  ["MRG_RXBUF", {}, { features: [5, 15] }],
  ["MRG_RXBUF with small buffers", { rx: { bufferBytes: 128 } }, { features: [5, 15], queueSize: 64 }],
  [
    "MRG_RXBUF, header apart, pieces",
    { rx: { headerApart: true, pieceBytes: 100 } },
    { features: [5, 15, 27], queueSize: 64 },
  ],
  ["big chains", { rx: { pieceBytes: 199 }, tx: { pieceBytes: 77 } }, { features: [5], queueSize: 64 }],
  ["chains across the header", { rx: { pieceBytes: 7 } }, { features: [27], queueSize: 512 }],
  ["INDIRECT", { rx: { pieceBytes: 500 }, tx: { pieceBytes: 100 } }, { features: [5, 28] }],
  ["INDIRECT always", { indirect: "always" }, { features: [5, 27, 28] }],
  ["EVENT_IDX", {}, { features: [5, 29] }],
  ["everything", { rx: { bufferBytes: 333, pieceBytes: 50 } }, { features: ALL, queueSize: 32 }],
];

describe.each(MODES)("%s", (_name, options, cardOptions) => {
  it("sends each frame as it is", () => {
    const { card, driver } = setUp(options, cardOptions);
    driver.start();
    for (const length of [14, 60, 61, 1000, 1514]) {
      expect(driver.send(frameOf(length, length))).toBe(true);
      expectBytes(card.sent.at(-1), frameOf(length, length));
      expect(card.sentHeaders.at(-1)).toEqual(new Uint8Array(card.headerBytes));
    }
    expect(driver.reapTransmit()).toBeGreaterThan(0);
    expect(driver.txRing.freeCount).toBe(driver.txRing.size);
  });

  it("receives each frame as it is, over and over, and nothing outside of its buffers was written", () => {
    const { machine, card, driver } = setUp(options, cardOptions);
    driver.start();
    for (let round = 0; round < 100; round++) {
      const frame = frameOf(14 + ((round * 331) % 1501), round);
      expect(card.deliver(frame)).toBe(true);
      machine.settle();
      expectBytes(driver.receive(), frame);
    }
    expect(driver.receive()).toBe(null);
    driver.verifyGuards();
    expect(driver.counters.rxFrames).toBe(100);
  });
});

describe("transmit", () => {
  it("keeps ranges in descriptors of their own, at places of their own", () => {
    const { card, driver } = setUp({}, { features: [27] });
    driver.start();
    driver.send([frameOf(14, 1), frameOf(20, 2), frameOf(30, 3)]);
    expect(card.sentChains[0]?.parts.map((part) => part.length)).toEqual([24, 20, 30]);
    const [, second, third] = card.sentChains[0]?.parts ?? [];
    expect(third?.gpa).not.toBe((second?.gpa ?? 0) + 20);
    expect(card.sent[0]).toEqual(Uint8Array.from([...frameOf(14, 1), ...frameOf(20, 2), ...frameOf(30, 3)]));
  });

  it("writes the offload fields where 5.1.6 has them, and zeros again afterwards", () => {
    const { card, driver } = setUp({ tx: { buffers: 1 } });
    driver.start();
    const header = { flags: 1, gsoType: 4, hdrLen: 0x0102, gsoSize: 0x0304, csumStart: 0x0506, csumOffset: 0x0708 };
    driver.send(frameOf(60), { header });
    driver.send(frameOf(60));
    expect([...(card.sentHeaders[0] ?? [])]).toEqual([1, 4, 2, 1, 4, 3, 6, 5, 8, 7]);
    expect(card.sentHeaders[1]).toEqual(new Uint8Array(10));
  });

  it("says false when ring or buffers are full, and goes on when the device has caught up", () => {
    const { card, driver } = setUp({}, { features: [5, 27], queueSize: 8 });
    card.transmitting = false;
    driver.start();
    for (let i = 0; i < 8; i++) expect(driver.send(frameOf(60, i))).toBe(true);
    expect(driver.send(frameOf(60))).toBe(false);
    card.transmit();
    expect(driver.send(frameOf(60))).toBe(true);
  });

  it("refuses a frame that no buffer holds", () => {
    const { driver } = setUp({ tx: { bufferBytes: 100 } });
    driver.start();
    expect(() => driver.send(frameOf(101))).toThrow(/"frame" expected at most 100 bytes, got 101/);
    expect(driver.send(frameOf(100))).toBe(true);
  });

  it("notifies once for a batch", () => {
    const { card, driver } = setUp({}, { queueSize: 32 });
    driver.start();
    expect(driver.sendBatch([1, 2, 3, 4, 5].map((n) => frameOf(60, n)))).toBe(5);
    expect(card.notifications[1]).toBe(1);
    expect(card.sent.map((frame) => frame[0])).toEqual([31, 62, 93, 124, 155]);
  });

  it("does not notify a device that asks not to be, unless told to", () => {
    const { card, driver } = setUp();
    driver.start();
    card.ring(1).usedFlags = 1;
    driver.send(frameOf(60));
    expect(card.notifications[1]).toBe(0);
    expect(driver.counters.kicksSuppressed).toBe(1);
    driver.send(frameOf(60), { kick: "always" });
    expect(card.notifications[1]).toBe(1);
    expect(card.sent.length).toBe(2);
  });

  it.each([
    ["header joined", { features: [27] }, {}],
    ["header apart", { features: [] }, {}],
    ["indirect", { features: [27, 28] }, { indirect: "always" as const }],
  ])("bursts frames: %s", (_name, cardOptions, options) => {
    const { card, driver } = setUp(options, { ...cardOptions, queueSize: 64 });
    driver.start();
    driver.fill(frameOf(200, 9));
    expect(driver.burst(20, 200)).toBe(20);
    expect(card.notifications[1]).toBe(1);
    expect(card.sent).toEqual(Array.from({ length: 20 }, () => frameOf(200, 9)));
    for (let i = 0; i < 100; i++) expect(driver.burst(20, 60)).toBe(20);
    expect(card.sent.length).toBe(2020);
  });

  it("bursts as much as there is room for", () => {
    const { card, driver } = setUp({}, { queueSize: 16 });
    card.transmitting = false;
    driver.start();
    expect(driver.burst(20, 60)).toBe(8);
    expect(driver.burst(20, 60)).toBe(0);
  });
});

describe("receive", () => {
  it("drains in the handler only, so that a lost interrupt is seen", () => {
    const { machine, card, driver } = setUp();
    driver.start();
    card.deliver(frameOf(60));
    expect(driver.receive()).toBe(null);
    machine.settle();
    expect(driver.receive()).toEqual(frameOf(60));
  });

  it("takes many frames with one interrupt", () => {
    const { machine, card, driver } = setUp({}, { queueSize: 64 });
    driver.start();
    for (let i = 0; i < 10; i++) card.deliver(frameOf(60, i));
    machine.settle();
    expect(driver.receiveAll()).toEqual(Array.from({ length: 10 }, (_, i) => frameOf(60, i)));
    expect(driver.counters).toMatchObject({ interrupts: 1, isrReads: 1 });
    expect(machine.interrupts.level(NAIVE_LINE)).toBe(false);
  });

  it.each([
    ["by flag", [5]],
    ["by event", [5, 29]],
  ])("polls without a single interrupt: %s", (_name, features) => {
    const { machine, card, driver } = setUp({ interrupts: "off" }, { features });
    driver.start();
    for (let i = 0; i < 50; i++) {
      card.deliver(frameOf(60, i));
      driver.send(frameOf(60, i));
      expect(driver.receive()).toEqual(frameOf(60, i));
    }
    expect(machine.interrupts.edges(NAIVE_LINE)).toBe(0);
  });

  it("acknowledges only, and asks again once the ring is empty", () => {
    const { machine, card, driver } = setUp({ interrupts: "acknowledge" }, { features: [5, 29] });
    driver.start();
    card.deliver(frameOf(60, 1));
    card.deliver(frameOf(60, 2));
    expect(machine.settle()).toBe(1);
    expect(driver.receiveAll().length).toBe(2);
    card.deliver(frameOf(60, 3));
    expect(machine.settle()).toBe(1);
  });

  it("interrupts for transmitted frames only where asked", () => {
    const quiet = setUp();
    quiet.driver.start();
    quiet.driver.send(frameOf(60));
    expect(quiet.machine.settle()).toBe(0);
    const told = setUp({ txInterrupts: true });
    told.driver.start();
    told.driver.send(frameOf(60));
    expect(told.machine.settle()).toBe(1);
    expect(told.driver.counters.txCompleted).toBe(1);
  });

  it("posts buffers only when asked, without autoRefill", () => {
    const { machine, card, driver } = setUp({ rx: { autoRefill: false } });
    driver.start();
    expect(card.deliver(frameOf(60))).toBe(false);
    expect(driver.postReceive(2)).toBe(2);
    expect(card.deliver(frameOf(60, 1))).toBe(true);
    expect(card.deliver(frameOf(60, 2))).toBe(true);
    expect(card.deliver(frameOf(60, 3))).toBe(false);
    machine.settle();
    expect(driver.receiveAll().length).toBe(2);
  });

  it("reaps without looking, and posts the buffers again with one notification", () => {
    const { card, driver } = setUp({ interrupts: "off" }, { queueSize: 32, features: [27] });
    driver.start();
    for (let i = 0; i < 20; i++) card.deliver(frameOf(64, i));
    expect(driver.reapReceive(15)).toBe(15);
    expect(driver.reapReceive(15)).toBe(5);
    expect(driver.counters).toMatchObject({ rxFrames: 20, rxBytes: 1280, kicks: 3 });
    expect(driver.rxRing.outCount).toBe(32);
  });

  it("finds a frame that was published in part (5.1.6.4)", () => {
    const { machine, card, driver } = setUp({}, { features: [15] });
    driver.start();
    const ring = card.ring(0);
    const chain = ring.next();
    ring.write(chain?.parts ?? [], Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0));
    ring.giveBack(chain?.head ?? 0, 100);
    card.interrupt(0);
    expect(() => machine.settle()).toThrow(/num_buffers is 2, but only 1/);
  });

  it("finds a write outside of its buffers", () => {
    const { machine, card, driver } = setUp();
    driver.start();
    driver.verifyGuards();
    const part = card.ring(0).next()?.parts[1];
    machine.ram.writeUint((part?.gpa ?? 0) + (part?.length ?? 0), 1, 0);
    expect(() => driver.verifyGuards()).toThrow(RingError);
  });

  it("takes buffers that come back empty as unused", () => {
    const { machine, card, driver } = setUp();
    driver.start();
    const ring = card.ring(0);
    ring.giveBack(ring.next()?.head ?? 0, 0);
    card.deliver(frameOf(60));
    machine.settle();
    expect(driver.receive()).toEqual(frameOf(60));
    expect(driver.counters.rxReturned).toBe(1);
    expect(driver.rxRing.outCount).toBe(8);
  });
});

describe("memory of every kind", () => {
  it("works in a SharedArrayBuffer", () => {
    const { machine, card, driver } = setUp({}, {}, new SharedArrayBuffer(4 << 20));
    driver.start();
    driver.send(frameOf(60));
    card.deliver(frameOf(70));
    machine.settle();
    expect(card.sent[0]).toEqual(frameOf(60));
    expect(driver.receive()).toEqual(frameOf(70));
  });

  it("works while the buffer under the memory is replaced, as WebAssembly memory's is when it grows", () => {
    const held = { buffer: new ArrayBuffer(4 << 20) };
    const grow = () => {
      const old = held.buffer;
      held.buffer = structuredClone(old);
      structuredClone(old, { transfer: [old] });
    };
    const machine = new GuestMachine({ buffer: held.buffer, renew: () => held });
    const card = new NaiveCard(machine);
    card.transmitting = false;
    const driver = GuestNetDriver.probe(machine.ports, machine.ram);
    driver.start();
    for (let i = 0; i < 3; i++) {
      grow();
      expect(driver.send(frameOf(60, i))).toBe(true);
      expect(driver.receive()).toBe(null);
      grow();
      expect(driver.reapTransmit()).toBe(0);
    }
    expect(driver.txRing.raw.availIdx).toBe(3);
  });

  it("works with the largest ring", () => {
    const { machine, card, driver } = setUp({}, { queueSize: 32768, features: [5, 27] }, new ArrayBuffer(16 << 20));
    driver.start();
    for (let i = 0; i < 10; i++) {
      driver.send(frameOf(60, i));
      card.deliver(frameOf(60, i));
    }
    machine.settle();
    expect(card.sent.length).toBe(10);
    expect(driver.receiveAll().length).toBe(10);
  });
});
