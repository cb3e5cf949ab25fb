/* Resets, queues that go away, and drivers that follow each other (VIRTIO 1.2, 2.4, 3.3.1, 4.1.4.10). */
import { TxResult } from "@vmmkit/ethif";
import { GuestNetDriver } from "@vmmkit/guest-driver";
import {
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_NET_RX_QUEUE,
  VIRTIO_NET_TX_QUEUE,
} from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { LINE, makeRig, type Rig, testFrame } from "./support/rig.ts";
import { TEST_MAC } from "./support/test-backend.ts";

const FRAME = testFrame(60);

function expectTraffic({ machine, backend, driver }: Rig): void {
  const before = backend.sent.length;
  driver.send(testFrame(61));
  expect(backend.sent.slice(before)).toEqual([testFrame(61)]);
  expect(backend.deliver(testFrame(62))).toBe(true);
  machine.settle();
  expect(driver.receiveAll()).toEqual([testFrame(62)]);
}

describe("a reset while frames are out", () => {
  it("transmit: the frames become empty, their cookies are good once, and they are in nobody's ring", () => {
    const rig = makeRig();
    const { driver, backend } = rig;
    backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < 5; i++) driver.send(FRAME);
    const cookies = backend.kept.map((frame) => frame.cookie);
    driver.start();
    for (const frame of backend.kept) expect([frame.rangeCount, frame.totalBytes]).toEqual([0, 0]);
    for (let i = 0; i < 5; i++) backend.finish();
    expect(driver.txRing.usedCount()).toBe(0);
    for (const cookie of cookies) expect(() => backend.driver.callbacks.txComplete(cookie)).toThrow(RangeError);
    backend.answer = () => TxResult.Complete;
    expectTraffic(rig);
  });

  it("receive: the rooms become empty, what is filled is dropped and counted, and nothing reaches the new driver", () => {
    const rig = makeRig();
    const { driver, backend, card, machine } = rig;
    const rooms = [0, 1, 2].map(() => backend.allocate(1000));
    const [a, b, c] = rooms;
    if (!a || !b || !c) throw new Error("no room");
    driver.start();
    for (const room of [a, b, c]) expect([room.rangeCount, room.totalBytes]).toEqual([0, 0]);
    backend.complete([a, FRAME], [b, FRAME]);
    backend.giveBack(c);
    expect(() => backend.giveBack(c)).toThrow(RangeError);
    expect(card.counters.receive).toMatchObject({ frames: 0, dropped: { reset: 2 } });
    expect(driver.rxRing.usedCount()).toBe(0);
    machine.settle();
    expect(driver.receive()).toBe(null);
    expectTraffic(rig);
  });

  it("and no driver after it: frames come back to a card that rests", () => {
    const { driver, backend, machine } = makeRig();
    backend.answer = () => TxResult.Enqueued;
    driver.send(FRAME);
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    driver.reset();
    backend.finish();
    backend.complete([room, FRAME]);
    expect(backend.allocate(60)).toBe(null);
    expect(machine.interrupts.level(LINE)).toBe(false);
    expect(driver.transport.readIsr()).toBe(0);
  });

  it("a raised line goes down, and the reason is forgotten", () => {
    const { driver, backend, machine } = makeRig();
    backend.deliver(FRAME);
    expect(machine.interrupts.level(LINE)).toBe(true);
    driver.reset();
    expect(machine.interrupts.level(LINE)).toBe(false);
    expect(driver.transport.readIsr()).toBe(0);
  });

  it("many times over, with frames out each time: nothing wears out", () => {
    const rig = makeRig({ card: { rxQueueSize: 16, txQueueSize: 16 } });
    const { driver, backend, machine } = rig;
    backend.answer = () => TxResult.Enqueued;
    for (let life = 0; life < 100; life++) {
      driver.start();
      for (let i = 0; i < 8; i++) driver.send(FRAME);
      const rooms = [backend.allocate(100), backend.allocate(100)];
      driver.reset();
      while (backend.kept.length > 0) backend.finish();
      for (const room of rooms) if (room !== null) backend.giveBack(room);
    }
    expect(backend.transmits).toBe(800);
    backend.answer = () => TxResult.Complete;
    driver.start();
    expectTraffic(rig);
    expect(machine.interrupts.level(LINE)).toBe(false);
  });
});

describe("drivers that follow each other", () => {
  it("may choose other features: the header's length follows (iPXE, then an operating system)", () => {
    const rig = makeRig({ guest: { features: [VIRTIO_F_ANY_LAYOUT] } });
    const { machine, backend } = rig;
    expectTraffic(rig);
    for (const features of [undefined, [], [VIRTIO_F_EVENT_IDX], undefined]) {
      const driver = GuestNetDriver.probe(machine.ports, machine.ram, features === undefined ? {} : { features });
      rig.driver.reset();
      driver.start();
      const before = backend.sent.length;
      driver.send(testFrame(61));
      expect(backend.sent.slice(before)).toEqual([testFrame(61)]);
      expect(backend.deliver(testFrame(62))).toBe(true);
      driver.onInterrupt();
      expect(driver.receiveAll()).toEqual([testFrame(62)]);
      driver.reset();
    }
  });

  it("find the backend's address again, whatever the one before wrote", () => {
    const { driver, card } = makeRig();
    driver.writeMac(Uint8Array.of(2, 4, 6, 8, 10, 12));
    driver.start();
    expect(driver.readMac()).toEqual(TEST_MAC);
    expect(card.mac).toEqual(TEST_MAC);
  });

  it("find the counters going on", () => {
    const rig = makeRig();
    expectTraffic(rig);
    rig.driver.start();
    expectTraffic(rig);
    expect(rig.card.counters.transmit.frames).toBe(2);
    expect(rig.card.counters.receive.frames).toBe(2);
  });

  it("need no ACKNOWLEDGE, and may place their queues before their features", () => {
    const rig = makeRig({ start: false });
    const { driver } = rig;
    driver.reset();
    driver.setUpQueues();
    driver.transport.writeDriverFeatures(0, 0);
    driver.postReceive(8);
    driver.transport.writeStatus(VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK);
    expect(driver.transport.readStatus()).toBe(6);
    expectTraffic(rig);
  });
});

describe("a queue that the guest takes away without a reset", () => {
  const guest = { features: [VIRTIO_F_ANY_LAYOUT], rx: { autoRefill: false } };

  it("transmit: frames that are out are nobody's, also in a queue that is put in its place", () => {
    const rig = makeRig({ guest, card: { txQueueSize: 4 } });
    const { driver, backend, card } = rig;
    backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < 4; i++) driver.send(FRAME);
    const { descTable } = driver.txRing.layout;
    driver.transport.writeQueue(VIRTIO_NET_TX_QUEUE, 0, 0, 0);
    expect(backend.kept.every((frame) => frame.rangeCount === 0)).toBe(true);
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    const raw = driver.txRing.raw;
    for (const index of [raw.layout.availRing, raw.layout.usedRing]) rig.machine.ram.writeUint(index, 4, 0);
    driver.transport.writeQueue(VIRTIO_NET_TX_QUEUE, descTable, 0, 0);
    for (let i = 0; i < 4; i++) backend.finish();
    expect(raw.usedIdx).toBe(0);
    expect(card.emul.virtq[VIRTIO_NET_TX_QUEUE]?.error).toBe(null);
    raw.writeAvailIdx(1);
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    expect(backend.transmits).toBe(5);
  });

  it("receive: likewise, and chains that were kept for later are forgotten", () => {
    const rig = makeRig({ guest, card: { rxQueueSize: 4 } });
    const { driver, backend, machine, card } = rig;
    driver.postReceive(4);
    const [a, b] = [backend.allocate(60), backend.allocate(60)];
    if (a === null || b === null) throw new Error("no room");
    backend.giveBack(b);
    const { layout, raw } = driver.rxRing;
    for (const moves of [0, 1, 2]) {
      if (moves !== 1) driver.transport.writeQueue(VIRTIO_NET_RX_QUEUE, 0, 0, 0);
      for (const index of [layout.availRing, layout.usedRing]) machine.ram.writeUint(index, 4, 0);
      driver.transport.writeQueue(VIRTIO_NET_RX_QUEUE, layout.descTable, 0, 0);
      expect(a.rangeCount).toBe(0);
      expect(backend.allocate(60)).toBe(null);
    }
    backend.complete([a, FRAME]);
    expect(raw.usedIdx).toBe(0);
    expect(card.counters.receive.dropped.reset).toBe(1);
    raw.writeAvailIdx(1);
    driver.transport.notify(VIRTIO_NET_RX_QUEUE);
    expect(backend.deliver(FRAME)).toBe(true);
    expect(backend.deliver(FRAME)).toBe(false);
    expect(raw.usedIdx).toBe(1);
  });

  it("over and over, with chains in hand: no more chains are taken than the queue has", () => {
    const rig = makeRig({ guest, card: { rxQueueSize: 4 } });
    const { driver, backend, card } = rig;
    driver.postReceive(4);
    const { layout } = driver.rxRing;
    for (let i = 0; i < 50; i++) {
      const rooms = [backend.allocate(60), backend.allocate(60), backend.allocate(60)];
      driver.transport.writeQueue(VIRTIO_NET_RX_QUEUE, layout.descTable, 0, 0);
      for (const room of rooms) if (room !== null) backend.giveBack(room);
    }
    let rooms = 0;
    while (backend.allocate(60) !== null) rooms++;
    expect(rooms).toBe(4);
    expect(card.emul.virtq[VIRTIO_NET_RX_QUEUE]?.error).toBe(null);
  });
});
