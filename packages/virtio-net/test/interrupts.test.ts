/* When the guest is interrupted, and how often (VIRTIO 1.2, 2.7.7). */
import { TxResult } from "@vmmkit/ethif";
import { VIRTIO_F_ANY_LAYOUT, VIRTIO_F_EVENT_IDX, VIRTIO_NET_TX_QUEUE } from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { LINE, makeRig, testFrame } from "./support/rig.ts";

const FRAME = testFrame(60);
const EVENTS: [string, readonly number[]][] = [
  ["with EVENT_IDX", [VIRTIO_F_EVENT_IDX]],
  ["without EVENT_IDX", []],
];

describe.each(EVENTS)("frames that left, %s", (_what, features) => {
  it("one interrupt a notification, however many frames", () => {
    const { machine, driver, card } = makeRig({ guest: { features, txInterrupts: true } });
    for (let i = 1; i <= 5; i++) {
      driver.burst(50, 60);
      machine.settle();
      expect(machine.interrupts.edges(LINE)).toBe(i);
    }
    expect(card.counters.transmitQueue).toMatchObject({ notifications: 5, interrupts: 5, chains: 250 });
  });

  it("none at all for a driver that reclaims by itself", () => {
    const { machine, driver, card } = makeRig({ guest: { features } });
    for (let i = 0; i < 20; i++) driver.burst(50, 60);
    expect(machine.interrupts.edges(LINE)).toBe(0);
    expect(card.counters.transmitQueue.interrupts).toBe(0);
  });

  it("one for a batch too where the backend completes it in rawTxFlush", () => {
    const { machine, driver, backend } = makeRig({ guest: { features, txInterrupts: true } });
    backend.answer = () => TxResult.Enqueued;
    backend.onFlush = () => {
      while (backend.kept.length > 0) backend.finish();
    };
    driver.burst(50, 60);
    expect(backend.irqs).toEqual([1]);
    machine.settle();
    expect(driver.counters.txCompleted).toBe(50);
  });

  it("with `defer`, one for all notifications of the guest's time slice, and only then", () => {
    const { machine, driver, backend, card } = makeRig({
      machine: { defer: true },
      guest: { features, txInterrupts: true },
    });
    for (let i = 0; i < 100; i++) driver.send(FRAME);
    expect(backend.transmits).toBe(100);
    expect(machine.interrupts.edges(LINE)).toBe(0);
    machine.settle();
    expect(machine.interrupts.edges(LINE)).toBe(1);
    expect(card.counters.transmitQueue).toMatchObject({ interrupts: 1 });
    driver.send(FRAME);
    machine.settle();
    expect(machine.interrupts.edges(LINE)).toBe(2);
  });

  it("with `defer`, late completions are gathered too", () => {
    const { machine, driver, backend } = makeRig({
      machine: { defer: true },
      guest: { features, txInterrupts: true },
    });
    backend.answer = () => TxResult.Enqueued;
    driver.burst(50, 60);
    machine.settle();
    expect(machine.interrupts.edges(LINE)).toBe(0);
    while (backend.kept.length > 0) backend.finish();
    machine.settle();
    expect(machine.interrupts.edges(LINE)).toBe(1);
    expect(driver.counters.txCompleted).toBe(50);
  });

  it("with `defer`, none where the guest has asked for none meanwhile", () => {
    const { machine, driver } = makeRig({ machine: { defer: true }, guest: { features, txInterrupts: true } });
    driver.send(FRAME);
    driver.txRing.disableInterrupts();
    // By the event index, having seen what is there is what says so.
    driver.reapTransmit();
    driver.txRing.disableInterrupts();
    const wanted = features.length > 0;
    if (wanted) driver.txRing.raw.writeUsedEvent(0x8000);
    machine.settle();
    expect(machine.interrupts.edges(LINE)).toBe(0);
  });

  it("with `defer`, none after a reset or a close", () => {
    const { machine, driver, card } = makeRig({ machine: { defer: true }, guest: { features, txInterrupts: true } });
    driver.send(FRAME);
    driver.start();
    machine.settle();
    driver.send(FRAME);
    card.close();
    machine.settle();
    expect(machine.interrupts.edges(LINE)).toBe(0);
  });
});

describe.each(EVENTS)("frames that arrived, %s", (_what, features) => {
  it("interrupt at once, also with `defer`", () => {
    const { machine, backend } = makeRig({ machine: { defer: true }, guest: { features } });
    backend.deliver(FRAME);
    expect(machine.interrupts.edges(LINE)).toBe(1);
  });

  it("with `defer`, one at once and one for all that follow in the guest's time slice", () => {
    const { machine, driver, backend } = makeRig({ machine: { slices: true }, guest: { features } });
    for (let slice = 1; slice <= 3; slice++) {
      for (let i = 0; i < 10; i++) {
        backend.deliver(FRAME);
        // The handler is entered at the next instruction.
        if (machine.interrupts.level(LINE)) driver.onInterrupt();
      }
      expect(machine.interrupts.edges(LINE)).toBe(2 * slice - 1);
      machine.endSlice();
      expect(machine.interrupts.edges(LINE)).toBe(2 * slice);
      driver.onInterrupt();
      machine.endSlice();
      expect(driver.receiveAll()).toHaveLength(10);
    }
  });

  it("with `defer` and `gatherInterrupts: false`, each at once", () => {
    const card = { gatherInterrupts: false };
    const { machine, driver, backend } = makeRig({ card, machine: { slices: true }, guest: { features } });
    for (let i = 1; i <= 10; i++) {
      backend.deliver(FRAME);
      driver.onInterrupt();
      expect(machine.interrupts.edges(LINE)).toBe(i);
    }
  });

  it("with `defer`, no second one where the slice brought one frame", () => {
    const { machine, driver, backend, card } = makeRig({ machine: { slices: true }, guest: { features } });
    for (let slice = 1; slice <= 3; slice++) {
      backend.deliver(FRAME);
      driver.onInterrupt();
      machine.endSlice();
      expect(machine.interrupts.edges(LINE)).toBe(slice);
    }
    expect(card.counters.receiveQueue.interrupts).toBe(3);
  });

  it("cost one interrupt until the guest has seen it", () => {
    const { machine, driver, backend } = makeRig({ guest: { features } });
    for (let i = 0; i < 50; i++) backend.deliver(FRAME);
    expect(machine.interrupts.edges(LINE)).toBe(1);
    machine.settle();
    expect(driver.receiveAll()).toHaveLength(50);
    backend.deliver(FRAME);
    expect(machine.interrupts.edges(LINE)).toBe(2);
  });

  it("cost none for a driver that polls", () => {
    const { machine, driver, backend, card } = makeRig({ guest: { features, interrupts: "off" } });
    for (let i = 0; i < 50; i++) {
      backend.deliver(FRAME);
      expect(driver.receive()).toEqual(FRAME);
    }
    expect(machine.interrupts.edges(LINE)).toBe(0);
    expect(card.counters.receiveQueue.interrupts).toBe(0);
  });

  it("given back without a byte cost none: the guest would find nothing", () => {
    const { machine, backend, card } = makeRig({ guest: { features } });
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    backend.giveBack(room);
    backend.deliver(testFrame(3));
    expect(machine.interrupts.edges(LINE)).toBe(0);
    expect(card.counters.receiveQueue.interrupts).toBe(0);
  });
});

describe("EVENT_IDX (2.7.7.2)", () => {
  it("the guest names the entry that it wants to hear of: one interrupt, when that one is used", () => {
    const { machine, driver, backend } = makeRig({
      guest: { features: [VIRTIO_F_EVENT_IDX], interrupts: "acknowledge" },
    });
    driver.rxRing.enableInterrupts(10);
    for (let i = 1; i <= 30; i++) {
      backend.deliver(FRAME);
      expect(machine.interrupts.edges(LINE)).toBe(i >= 10 ? 1 : 0);
    }
  });

  it("also where the index wraps between the last look and now", () => {
    const { machine, driver, backend } = makeRig({
      card: { rxQueueSize: 16, txQueueSize: 16 },
      guest: { features: [VIRTIO_F_EVENT_IDX, VIRTIO_F_ANY_LAYOUT], interrupts: "acknowledge" },
    });
    driver.rxRing.disableInterrupts();
    for (let i = 0; i < 65_530; i++) {
      if (!backend.deliver(FRAME)) throw new Error("no room");
      driver.reapReceive(1);
      if (i % 1000 === 0) driver.rxRing.disableInterrupts();
    }
    machine.settle();
    const before = machine.interrupts.edges(LINE);
    driver.rxRing.enableInterrupts(10);
    for (let i = 1; i <= 12; i++) {
      backend.deliver(FRAME);
      expect(machine.interrupts.edges(LINE) - before).toBe(i >= 10 ? 1 : 0);
    }
  });
});

describe("rawHandleIRQ", () => {
  it("is told which: the queue, or -1 for the configuration", () => {
    const { driver, backend, card } = makeRig({ guest: { txInterrupts: true } });
    driver.send(FRAME);
    backend.deliver(FRAME);
    card.setLink(false);
    expect(backend.irqs).toEqual([1, 0, -1]);
  });

  it("is asked for nothing by a notification that finds nothing", () => {
    const { driver, backend } = makeRig({ guest: { features: [], txInterrupts: true } });
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    driver.transport.notify(0);
    expect(backend.irqs).toEqual([]);
    expect(backend.flushes).toBe(0);
  });

  it("the queue that stopped is told of by a configuration interrupt (2.1.2)", () => {
    const lines: string[] = [];
    const { driver, backend } = makeRig({ card: { name: "net7", log: (line) => lines.push(line) } });
    driver.txRing.raw.writeAvailIdx(0x4000);
    for (let i = 0; i < 5; i++) driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    expect(backend.irqs).toEqual([-1]);
    expect(lines).toEqual(["net7: queue 1 stopped: availIndexJumped; the guest has to reset the device"]);
    // The other queue goes on.
    expect(backend.deliver(FRAME)).toBe(true);
  });
});
