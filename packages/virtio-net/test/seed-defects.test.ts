/*
 * What was wrong in the C original (its network and device emulation), one test for each. The names say what the
 * original does; the tests say that this card does not.
 */
import { type Frame, TxResult } from "@vmmkit/ethif";
import { corruptRing, hostileTarget, type PortWidth } from "@vmmkit/guest-driver";
import {
  VIRTIO_CONFIG_S_NEEDS_RESET,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_RX_QUEUE,
  VIRTIO_NET_TX_QUEUE,
  VIRTIO_PCI_ISR_CONFIG,
  VIRTIO_PCI_ISR_QUEUE,
  VIRTIO_PCI_QUEUE_NUM,
  VIRTIO_PCI_QUEUE_SEL,
  VIRTQ_DESC_F_WRITE,
} from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { expectFrames, LINE, makeRig, type Rig, testFrame } from "./support/rig.ts";

const FRAME = testFrame(60);

/** A frame goes out and another comes in: the card works. */
function expectTraffic({ machine, backend, driver }: Rig): void {
  const before = backend.sent.length;
  expect(driver.send(testFrame(61))).toBe(true);
  expect(backend.sent.slice(before)).toEqual([testFrame(61)]);
  expect(backend.deliver(testFrame(62))).toBe(true);
  machine.settle();
  expect(driver.receive()).toEqual(testFrame(62));
}

describe("defects of the seed", () => {
  it("truncated RX chains walk on (`!desc.flags & NEXT`): a short chain ends where it ends", () => {
    const rig = makeRig({ guest: { features: [VIRTIO_F_ANY_LAYOUT], rx: { autoRefill: false } } });
    const { backend, driver, machine, card } = rig;
    const page = machine.ram.alloc(4096);
    const ring = driver.rxRing;
    ring.begin();
    ring.writable(page, 40);
    const head = ring.end();
    // Behind the end of the chain lies what the seed walked into: the index of another writable descriptor, and one
    // of length 0 that leads to itself.
    ring.raw.writeDescriptor(head, { next: 5 });
    ring.raw.writeDescriptor(5, { addressLow: page + 2048, length: 2000, flags: VIRTQ_DESC_F_WRITE, next: 6 });
    ring.raw.writeDescriptor(6, { addressLow: page, length: 0, flags: VIRTQ_DESC_F_WRITE, next: 6 });
    ring.publish();
    expect(backend.deliver(testFrame(1000))).toBe(true);
    expect(card.counters.receive.dropped.tooLong).toBe(1);
    expect(machine.ram.read(page + 40, 4056)).toEqual(new Uint8Array(4056));
    // The chain was not given back: it still takes a frame that fits.
    expect(backend.deliver(testFrame(30))).toBe(true);
    expect(ring.popUsed()).toBe(head);
    expect(ring.usedLength).toBe(40);
    expect(machine.ram.read(page + 10, 30)).toEqual(testFrame(30));
  });

  it.each(["self-loop", "cycle", "cycle-behind-first", "zero-length-cycle"])("cyclic TX chains hang: %s", (name) => {
    const rig = makeRig();
    const { driver, machine, backend, card } = rig;
    const head = corruptRing(hostileTarget(machine.ram, driver.txRing, false), name);
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    expect(driver.txRing.popUsed()).toBe(head);
    expect(driver.txRing.usedLength).toBe(0);
    expect(backend.transmits).toBe(0);
    expect(card.counters.transmitQueue.refused.chainTooLong).toBe(1);
    expectTraffic(rig);
  });

  it.each([VIRTIO_NET_RX_QUEUE, VIRTIO_NET_TX_QUEUE])("descriptor index beyond the ring: head, queue %i", (queue) => {
    const rig = makeRig({ guest: { rx: { autoRefill: false } } });
    const { driver, machine, backend, card } = rig;
    const ring = queue === VIRTIO_NET_RX_QUEUE ? driver.rxRing : driver.txRing;
    corruptRing(hostileTarget(machine.ram, ring, queue === VIRTIO_NET_RX_QUEUE), "head-beyond-ring");
    driver.transport.notify(queue);
    if (queue === VIRTIO_NET_RX_QUEUE) expect(backend.deliver(FRAME)).toBe(false);
    expect(card.emul.virtq[queue]?.error).toBe("headOutOfRange");
    expect(driver.transport.readStatus() & VIRTIO_CONFIG_S_NEEDS_RESET).not.toBe(0);
    expect(ring.usedCount()).toBe(0);
    driver.start();
    driver.postReceive(8);
    expectTraffic(rig);
  });

  it("descriptor index beyond the ring: in a chain", () => {
    const rig = makeRig();
    const { driver, machine, backend, card } = rig;
    const target = hostileTarget(machine.ram, driver.txRing, false);
    for (const name of ["next-beyond-ring", "next-0xffff"]) {
      corruptRing(target, name);
      driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    }
    expect(driver.txRing.usedCount()).toBe(2);
    expect(backend.transmits).toBe(0);
    expect(card.counters.transmitQueue.refused.nextOutOfRange).toBe(2);
    expectTraffic(rig);
  });

  it("wrong-direction descriptors: what the device may only read it does not write, and the other way round", () => {
    const rig = makeRig({ guest: { rx: { autoRefill: false } } });
    const { driver, machine, backend, card } = rig;
    const tx = hostileTarget(machine.ram, driver.txRing, false);
    const rx = hostileTarget(machine.ram, driver.rxRing, true);
    for (const name of ["wrong-direction", "direction-changes"]) {
      corruptRing(tx, name);
      corruptRing(rx, name);
    }
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    driver.transport.notify(VIRTIO_NET_RX_QUEUE);
    expect(backend.deliver(FRAME)).toBe(false);
    expect(backend.transmits).toBe(0);
    expect(machine.ram.read(rx.page, 4096)).toEqual(new Uint8Array(4096));
    expect(card.counters.transmitQueue.refused.wrongDirection).toBe(2);
    expect(card.counters.receiveQueue.refused.wrongDirection).toBe(2);
    expect(driver.rxRing.usedCount()).toBe(2);
    driver.start();
    driver.postReceive(8);
    expectTraffic(rig);
  });

  it("used index re-read from the guest: the guest cannot steer it", () => {
    const { driver, machine, backend } = makeRig({ guest: { rx: { autoRefill: false } } });
    const { raw } = driver.txRing;
    driver.send(FRAME);
    expect(raw.usedIdx).toBe(1);
    raw.writeUsedIdx(0x1234);
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    raw.writeUsed(1, { id: 0xdead, length: 0xbeef });
    driver.txRing.begin();
    driver.txRing.readable(machine.ram.alloc(4096), 100);
    const head = driver.txRing.end();
    driver.txRing.publish();
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    expect(backend.transmits).toBe(2);
    expect(raw.usedIdx).toBe(2);
    expect(raw.readUsed(1)).toEqual({ id: head, length: 0 });
  });

  it("ISR constant 1: it says why, reading clears it, and the line goes down", () => {
    const { driver, machine, backend, card } = makeRig({ guest: { features: [VIRTIO_NET_F_STATUS] } });
    const { transport } = driver;
    expect(transport.readIsr()).toBe(0);
    backend.deliver(FRAME);
    expect(machine.interrupts.level(LINE)).toBe(true);
    expect(transport.readIsr()).toBe(VIRTIO_PCI_ISR_QUEUE);
    expect(machine.interrupts.level(LINE)).toBe(false);
    expect(transport.readIsr()).toBe(0);
    card.setLink(false);
    expect(transport.readIsr()).toBe(VIRTIO_PCI_ISR_CONFIG);
    expect(machine.interrupts.level(LINE)).toBe(false);
    card.setLink(true);
    backend.deliver(FRAME);
    expect(transport.readIsr()).toBe(VIRTIO_PCI_ISR_QUEUE | VIRTIO_PCI_ISR_CONFIG);
  });

  it("a failed transmit leaks its chain: it goes back, however many fail", () => {
    const rig = makeRig({ card: { txQueueSize: 16 } });
    const { driver, backend, card } = rig;
    backend.answer = () => TxResult.Failed;
    for (let i = 0; i < 100; i++) expect(driver.send(FRAME)).toBe(true);
    expect(driver.txRing.usedCount()).toBe(driver.txRing.outCount);
    expect(card.counters.transmit).toMatchObject({ frames: 0, bytes: 0, dropped: { failed: 100 } });
    backend.answer = () => TxResult.Complete;
    expectTraffic(rig);
  });

  it("unknown register, width or queue number aborts: every one of them is answered", () => {
    const rig = makeRig({ start: false });
    const { driver, machine, card } = rig;
    const widths: readonly PortWidth[] = [1, 2, 4];
    for (let offset = -3; offset < 36; offset++) {
      for (const width of widths) {
        for (const value of [0xffff_ffff, 0x5555_5555, 0]) {
          machine.ports.out(card.iobase + offset, width, value);
          const read = machine.ports.in(card.iobase + offset, width);
          expect(read).toBeGreaterThanOrEqual(0);
          expect(read).toBeLessThan(2 ** (8 * width));
        }
      }
    }
    for (const queue of [3, 4, 0x7fff, 0xffff]) {
      machine.ports.out(card.iobase + VIRTIO_PCI_QUEUE_SEL, 2, queue);
      expect(machine.ports.in(card.iobase + VIRTIO_PCI_QUEUE_NUM, 2)).toBe(0);
      driver.transport.writeQueue(queue, 0x10_0000, 0, 0);
      driver.transport.notify(queue);
    }
    driver.start();
    expectTraffic(rig);
  });

  it("MAC written by the guest aborts: it is the card's address from then on", () => {
    const rig = makeRig();
    const { driver, machine, card } = rig;
    driver.writeMac(Uint8Array.of(2, 4, 6, 8, 10, 12));
    expect([...driver.readMac()]).toEqual([2, 4, 6, 8, 10, 12]);
    expect([...card.mac]).toEqual([2, 4, 6, 8, 10, 12]);
    // The width and the offset at which the seed ended.
    machine.ports.out(card.iobase + 0x14, 4, 0x0403_0201);
    expect([...card.mac]).toEqual([1, 2, 3, 4, 10, 12]);
    expectTraffic(rig);
  });

  it.each([
    ["none", []],
    ["no MAC", [VIRTIO_F_INDIRECT_DESC]],
  ])("features other than MAC abort: a driver that takes %s", (_name, features) => {
    const rig = makeRig({ guest: { features } });
    rig.driver.transport.writeDriverFeatures(0, 0xffff_ffff);
    expectTraffic(rig);
  });

  it("features other than MAC abort: a driver that takes more than there are", () => {
    const rig = makeRig({ start: false });
    const { driver, card } = rig;
    driver.reset();
    driver.transport.writeDriverFeatures(0, 0xffff_ffff);
    expect(card.emul.state.driverFeaturesLow).toBe(driver.transport.readDeviceFeatures(0));
    driver.start();
    expectTraffic(rig);
  });

  it("status 0 does not reset the rings: the next driver starts at index 0", () => {
    const rig = makeRig({ card: { txQueueSize: 16, rxQueueSize: 16 } });
    const { driver, backend, machine } = rig;
    for (let i = 0; i < 40; i++) expectTraffic(rig);
    driver.transport.writeStatus(0);
    expect(driver.transport.readStatus()).toBe(0);
    for (const queue of [VIRTIO_NET_RX_QUEUE, VIRTIO_NET_TX_QUEUE]) {
      machine.ports.out(rig.card.iobase + VIRTIO_PCI_QUEUE_SEL, 2, queue);
      expect(machine.ports.in(rig.card.iobase + 8, 4)).toBe(0);
    }
    expect(backend.deliver(FRAME)).toBe(false);
    driver.start();
    for (let i = 0; i < 40; i++) expectTraffic(rig);
  });

  it("TX runs before DRIVER_OK: nothing leaves until then, and then it does", () => {
    const { driver, backend, card } = makeRig({ start: false });
    driver.reset();
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    driver.negotiate();
    driver.setUpQueues();
    driver.send(FRAME, { kick: "always" });
    expect(backend.transmits).toBe(0);
    expect(driver.txRing.usedCount()).toBe(0);
    expect(card.counters.transmitQueue.notifications).toBe(2);
    driver.goLive();
    expect(backend.sent).toEqual([FRAME]);
  });

  it.each(["address-outside", "address-crosses-end", "address-high", "address-above-4g", "address-wraps"])(
    "bad guest addresses go unnoticed: %s",
    (name) => {
      const rig = makeRig({ guest: { rx: { autoRefill: false } } });
      const { driver, machine, backend, card } = rig;
      corruptRing(hostileTarget(machine.ram, driver.txRing, false), name);
      corruptRing(hostileTarget(machine.ram, driver.rxRing, true), name);
      driver.transport.notify(VIRTIO_NET_TX_QUEUE);
      expect(backend.deliver(FRAME)).toBe(false);
      expect(backend.transmits).toBe(0);
      expect(driver.txRing.usedCount()).toBe(1);
      expect(driver.rxRing.usedCount()).toBe(1);
      expect(card.counters.transmitQueue.refused.addressOutOfRange).toBe(1);
      expect(card.counters.receiveQueue.refused.addressOutOfRange).toBe(1);
      driver.start();
      driver.postReceive(8);
      expectTraffic(rig);
    },
  );

  it("RX without buffers uncounted: it is counted, nothing is lost, and the backend is told of new ones", () => {
    const { driver, machine, backend, card } = makeRig({ guest: { rx: { autoRefill: false } } });
    expect(backend.deliver(FRAME)).toBe(false);
    expect(backend.deliver(FRAME)).toBe(false);
    expect(card.counters.receive.noBuffers).toBe(2);
    const before = backend.polls;
    backend.onPoll = () => expect(backend.deliver(FRAME)).toBe(true);
    driver.postReceive(1);
    expect(backend.polls).toBe(before + 1);
    machine.settle();
    expect(driver.receiveAll()).toEqual([FRAME]);
  });

  it.each([1500, 9000, 65535])("frames over 2048 bytes cut: whole at MTU %i, both ways", (mtu) => {
    const { driver, machine, backend, card } = makeRig({
      link: { mtu },
      guest: { tx: { bufferBytes: 70_000, buffers: 4 } },
    });
    const longest = testFrame(mtu + 18);
    expect(driver.mtu).toBe(mtu);
    driver.send(longest);
    expectFrames(backend.sent, [longest]);
    expect(backend.deliver(longest)).toBe(true);
    machine.settle();
    expectFrames([driver.receive()], [longest]);
    // And what is too long is dropped whole, and counted.
    driver.send(testFrame(mtu + 19));
    expect(backend.deliver(testFrame(mtu + 19))).toBe(true);
    machine.settle();
    expect(backend.transmits).toBe(1);
    expect(driver.receive()).toBe(null);
    expect(card.counters.transmit.dropped.tooLong).toBe(1);
    expect(card.counters.receive.dropped.tooLong).toBe(1);
  });

  it("one allocation and one interrupt per packet: the same frame object for all, one interrupt for a batch", () => {
    const { driver, machine, backend, card } = makeRig({ guest: { txInterrupts: true } });
    const objects = new Set<Frame>();
    backend.answer = (frame) => {
      objects.add(frame);
      return TxResult.Complete;
    };
    for (let burst = 0; burst < 10; burst++) {
      const edges = machine.interrupts.edges(LINE);
      expect(driver.burst(100, 60)).toBe(100);
      machine.settle();
      expect(machine.interrupts.edges(LINE) - edges).toBeLessThanOrEqual(1);
    }
    expect(backend.transmits).toBe(1000);
    expect(objects.size).toBe(1);
    expect(card.counters.transmitQueue.interrupts).toBe(10);
    expect(backend.flushes).toBe(10);
  });

  it("one interrupt per packet: none for a driver that wants none", () => {
    for (const features of [[], undefined]) {
      const { driver, machine, backend } = makeRig({ guest: features === undefined ? {} : { features } });
      driver.burst(100, 60);
      driver.burst(100, 60);
      machine.settle();
      expect(backend.transmits).toBe(200);
      expect(machine.interrupts.edges(LINE)).toBe(0);
    }
  });
});
