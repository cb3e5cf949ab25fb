/* Another backend below a guest that runs, and announcements (VIRTIO 1.2, 5.1.6.5.4). */
import { TxResult } from "@vmmkit/ethif";
import * as virtio from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { expectFrames, makeRig, testFrame } from "./support/rig.ts";
import { TestBackend } from "./support/test-backend.ts";

const FEATURES = [
  virtio.VIRTIO_NET_F_CTRL_VQ,
  virtio.VIRTIO_NET_F_GUEST_ANNOUNCE,
  virtio.VIRTIO_NET_F_STATUS,
  virtio.VIRTIO_NET_F_MAC,
  virtio.VIRTIO_F_ANY_LAYOUT,
];

describe("5.1.6.5.4 gratuitous packet sending", () => {
  it("5.1.6.5.4.2 the guest is asked until it acknowledges", () => {
    const { card, driver, machine } = makeRig({ guest: { features: FEATURES } });
    expect(card.announce()).toBe(true);
    machine.settle();
    expect(driver.counters.configInterrupts).toBe(1);
    expect([driver.announceWanted, driver.linkUp]).toEqual([true, true]);
    expect(driver.control.acknowledgeAnnounce()).toBe(true);
    expect([driver.announceWanted, driver.linkUp]).toEqual([false, true]);
  });

  it("nobody is asked who cannot answer, or is not there", () => {
    expect(makeRig({ start: false }).card.announce()).toBe(false);
    for (const missing of [virtio.VIRTIO_NET_F_GUEST_ANNOUNCE, virtio.VIRTIO_NET_F_STATUS]) {
      const features = FEATURES.filter((feature) => feature !== missing);
      expect(makeRig({ guest: { features } }).card.announce()).toBe(false);
    }
  });

  it("a reset ends the request", () => {
    const { card, driver } = makeRig({ guest: { features: FEATURES } });
    card.announce();
    driver.start();
    expect(driver.announceWanted).toBe(false);
  });
});

describe("another backend below a guest that runs", () => {
  it("carries its frames from then on, and the guest announces itself there", () => {
    const { card, driver, backend, machine } = makeRig({ guest: { features: FEATURES } });
    driver.send(testFrame(60, 1));
    const next = new TestBackend({ mac: Uint8Array.of(2, 9, 9, 9, 9, 9) });
    const mac = driver.readMac();
    card.setBackend(next.funcs);
    machine.settle();
    expect(driver.announceWanted).toBe(true);
    expect(driver.readMac()).toEqual(mac);
    expect([card.emulDriverFuncs, card.linkUp]).toEqual([next.funcs, true]);
    driver.send(testFrame(60, 2));
    expectFrames(backend.sent, [testFrame(60, 1)]);
    expectFrames(next.sent, [testFrame(60, 2)]);
    expect(next.deliver(testFrame(70, 3))).toBe(true);
    machine.settle();
    expectFrames(driver.receiveAll(), [testFrame(70, 3)]);
  });

  it("the guest sees the link go and come", () => {
    const { card, driver, machine, backend } = makeRig({ guest: { features: FEATURES } });
    const seen: boolean[] = [];
    const next = new TestBackend({ linkUp: false });
    machine.settle();
    backend.onIrq = () => seen.push(driver.linkUp);
    next.onIrq = () => seen.push(driver.linkUp);
    card.setBackend(next.funcs);
    expect([seen, card.linkUp]).toEqual([[false, false], false]);
    next.driver.callbacks.linkChange(true);
    expect(seen).toEqual([false, false, true]);
  });

  it("what the old one still had is taken back, and what it does with it has no effect", () => {
    const { card, driver, backend } = makeRig({ guest: { features: FEATURES, rx: { buffers: 8 } } });
    backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < 5; i++) driver.send(testFrame(60, i));
    const rooms = [1, 2, 3].map(() => backend.allocate(100));
    const next = new TestBackend();
    card.setBackend(next.funcs);
    expect(driver.reapTransmit()).toBe(5);
    expect(backend.kept.map(({ rangeCount }) => rangeCount)).toEqual([0, 0, 0, 0, 0]);
    expect(rooms.map((room) => room?.rangeCount)).toEqual([0, 0, 0]);

    const received = () => card.counters.receive.frames;
    while (backend.kept.length > 0) backend.finish();
    for (const room of rooms) if (room !== null) backend.driver.callbacks.rxComplete(1, [room], [60]);
    expect(backend.allocate(60)).toBe(null);
    backend.driver.callbacks.linkChange(false);
    backend.driver.raiseIrq(0);
    expect([received(), card.linkUp]).toEqual([0, true]);

    // All buffers are there for the new one, and each frame arrives once.
    const frames = Array.from({ length: 8 }, (_, i) => testFrame(100, i));
    for (const frame of frames) expect(next.deliver(frame)).toBe(true);
    driver.onInterrupt();
    expectFrames(driver.receiveAll(), frames);
  });

  it("may come while the old one sends", () => {
    const { card, driver, backend } = makeRig({ guest: { features: FEATURES } });
    const next = new TestBackend();
    backend.answer = () => {
      if (card.emulDriverFuncs === backend.funcs) card.setBackend(next.funcs);
      return TxResult.Complete;
    };
    for (let i = 0; i < 4; i++) driver.send(testFrame(60, i), { kick: "never" });
    driver.kick();
    expect([backend.transmits, next.transmits]).toEqual([1, 3]);
    expect(driver.reapTransmit()).toBe(4);
  });

  it("is refused where the guest was promised more, and the old one goes on", () => {
    const { card, driver, backend } = makeRig({ guest: { features: FEATURES } });
    expect(() => card.setBackend(new TestBackend({ mtu: 1000 }).funcs)).toThrow('"mtu" of the backend expected 1500');
    const { rawTx: _gone, ...incomplete } = new TestBackend().funcs;
    expect(() => card.setBackend(incomplete as never)).toThrow('"backend.rawTx" expected a function');
    driver.send(testFrame(60));
    expect([backend.transmits, card.linkUp]).toEqual([1, true]);
    card.close();
    expect(() => card.setBackend(new TestBackend().funcs)).toThrow("closed");
  });
});
