/* The carrier (VIRTIO 1.2, 5.1.4: `status`). */
import { VIRTIO_NET_F_STATUS } from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { LINE, laterTurn, makeRig, testFrame } from "./support/rig.ts";

const FRAME = testFrame(60);

describe("link down and up", () => {
  it("interrupts a guest that negotiated STATUS, and the configuration says how it is", () => {
    const { machine, driver, card } = makeRig();
    expect(driver.linkUp).toBe(true);
    card.setLink(false);
    expect(card.linkUp).toBe(false);
    machine.settle();
    expect(driver.linkUp).toBe(false);
    card.setLink(true);
    machine.settle();
    expect(driver.linkUp).toBe(true);
    expect(driver.counters).toMatchObject({ interrupts: 2, configInterrupts: 2 });
  });

  it("is silent where nothing changed", () => {
    const { machine, card, backend } = makeRig();
    card.setLink(true);
    backend.driver.callbacks.linkChange(true);
    expect(machine.interrupts.calls(LINE)).toBe(0);
  });

  it("does not interrupt a guest that did not negotiate STATUS, nor one that is not running", () => {
    for (const rig of [makeRig({ guest: { features: [] } }), makeRig({ start: false })]) {
      rig.card.setLink(false);
      rig.card.setLink(true);
      expect(rig.machine.interrupts.edges(LINE)).toBe(0);
      expect(rig.driver.transport.readIsr()).toBe(0);
    }
  });

  it("comes from the backend too, and may be down from the start", () => {
    const { machine, backend, driver, card } = makeRig({ link: { linkUp: false } });
    expect(card.linkUp).toBe(false);
    expect(driver.linkUp).toBe(false);
    backend.driver.callbacks.linkChange(true);
    machine.settle();
    expect(driver.linkUp).toBe(true);
    expect(driver.counters.configInterrupts).toBe(1);
  });

  it("outlives a reset of the card", () => {
    const { driver, card } = makeRig();
    card.setLink(false);
    driver.start();
    expect(driver.linkUp).toBe(false);
  });

  it.each([
    ["STATUS negotiated", [VIRTIO_NET_F_STATUS]],
    ["STATUS not negotiated", []],
  ])("while it is down frames of both directions are dropped and counted, %s", (_what, features) => {
    const { machine, driver, backend, card } = makeRig({ guest: { features } });
    card.setLink(false);
    for (let i = 0; i < 600; i++) {
      expect(driver.send(FRAME)).toBe(true);
      expect(backend.deliver(FRAME)).toBe(true);
    }
    expect(backend.deliver(testFrame(70_000))).toBe(true);
    machine.settle();
    expect(backend.transmits).toBe(0);
    expect(driver.receive()).toBe(null);
    expect(card.counters.transmit.dropped.linkDown).toBe(600);
    expect(card.counters.receive.dropped.linkDown).toBe(601);
    expect(card.counters.receive.noBuffers).toBe(0);
    card.setLink(true);
    driver.send(FRAME);
    backend.deliver(FRAME);
    machine.settle();
    expect(backend.sent).toEqual([FRAME]);
    expect(driver.receiveAll()).toEqual([FRAME]);
    expect(card.counters.transmit.frames).toBe(1);
    expect(card.counters.receive.frames).toBe(1);
  });

  it("a frame whose room was handed out before it went down is dropped, and its buffer is not lost", () => {
    const { machine, driver, backend, card } = makeRig({ guest: { rx: { autoRefill: false } } });
    driver.postReceive(1);
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    card.setLink(false);
    backend.complete([room, FRAME]);
    expect(card.counters.receive.dropped.linkDown).toBe(1);
    card.setLink(true);
    expect(backend.deliver(FRAME)).toBe(true);
    machine.settle();
    expect(driver.receiveAll()).toEqual([FRAME]);
  });

  it("a frame whose room was handed out while it was down is dropped although it is up again", () => {
    const { backend, card } = makeRig();
    card.setLink(false);
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    expect(room.gpa[0]).toBe(0);
    expect(room.hostAddress[0]).toBe(0);
    card.setLink(true);
    backend.complete([room, FRAME]);
    expect(card.counters.receive).toMatchObject({ frames: 0, dropped: { linkDown: 1 } });
  });

  it("a backend that waits for room when it goes down is called: its frames can be dropped", () => {
    const { driver, backend, card } = makeRig({ guest: { rx: { autoRefill: false } } });
    expect(backend.deliver(FRAME)).toBe(false);
    backend.onPoll = () => backend.deliver(FRAME);
    card.setLink(false);
    expect(card.counters.receive.dropped.linkDown).toBe(1);
    expect(driver.rxRing.usedCount()).toBe(0);
  });

  it("a backend with all frames out while it is down goes on when it gives one back", async () => {
    const { backend, card } = makeRig({ card: { rxQueueSize: 4 } });
    card.setLink(false);
    const rooms = [0, 1, 2, 3].map(() => backend.allocate(60));
    expect(backend.allocate(60)).toBe(null);
    const { polls } = backend;
    const [first] = rooms;
    if (!first) throw new Error("no room");
    backend.complete([first, FRAME]);
    await laterTurn();
    expect(backend.polls).toBe(polls + 1);
  });
});
