/* A guest that goes on on another card: save and restore. */

import { TxResult } from "@vmmkit/ethif";
import * as virtio from "@vmmkit/virtio";
import { NetDevice, type NetDeviceState } from "@vmmkit/virtio-net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectFrames, testFrame } from "./support/rig.ts";
import { makeStateRig, type StateRig } from "./support/state-rig.ts";
import { TEST_MAC, TestBackend } from "./support/test-backend.ts";

const FEATURES = [
  virtio.VIRTIO_NET_F_CTRL_VQ,
  virtio.VIRTIO_NET_F_CTRL_RX,
  virtio.VIRTIO_NET_F_CTRL_VLAN,
  virtio.VIRTIO_NET_F_CTRL_MAC_ADDR,
  virtio.VIRTIO_NET_F_GUEST_ANNOUNCE,
  virtio.VIRTIO_NET_F_STATUS,
  virtio.VIRTIO_NET_F_MQ,
  virtio.VIRTIO_NET_F_RSS,
  virtio.VIRTIO_NET_F_NOTF_COAL,
  virtio.VIRTIO_F_EVENT_IDX,
];
const CARD = { queuePairs: 2 } as const;
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 9);

function rig(): StateRig {
  const guest = { features: [...FEATURES, virtio.VIRTIO_F_VERSION_1], queuePairs: 2 };
  return makeStateRig({ card: CARD, features: FEATURES, guest });
}

/** Another card, in a process that has the guest's memory. Its driver is the same one: registers lead to the new card. */
function moveTo(from: StateRig, state: unknown) {
  const backend = new TestBackend({ mac: Uint8Array.of(2, 1, 1, 1, 1, 1) });
  const interrupts: number[] = [];
  const hooks = { interrupt: (irq: number) => interrupts.push(irq), lowerIrq: () => {} };
  const device = new NetDevice(from.machine.vm, backend.funcs, hooks, CARD);
  device.restore(state);
  Object.assign(from.driver.transport, { device });
  return { backend, device, interrupts };
}

/** As it travels: text. */
function travel(state: NetDeviceState): unknown {
  return JSON.parse(JSON.stringify(state));
}

function frameTo(mac: Uint8Array, seed: number): Uint8Array {
  const frame = testFrame(100, seed);
  frame.set(mac);
  return frame;
}

describe("save and restore", () => {
  it("the guest goes on where it was: ring positions, features, filters, address, pairs; and announces itself", () => {
    const from = rig();
    const { driver, backend } = from;
    driver.control.setQueuePairs(2);
    driver.control.setMac(OTHER);
    driver.control.setVlan(7, true);
    driver.control.setMacTable([], [Uint8Array.of(1, 2, 3, 4, 5, 6)]);
    driver.control.setCoalescing("tx", 3, 4000);
    for (let i = 0; i < 700; i++) {
      driver.sendOn(i % 2, testFrame(60, i));
      expect(backend.deliver(frameTo(OTHER, i))).toBe(true);
      if (i % 50 === 0) for (const pair of [0, 1]) driver.receiveFrom(pair);
    }
    for (const pair of [0, 1]) driver.receiveFrom(pair);
    const state = travel(from.device.save());
    from.device.close();
    const { backend: next, device, interrupts } = moveTo(from, state);
    expect(device.mac).toEqual(OTHER);
    expect(device.queuePairs).toBe(2);
    expect(interrupts).toContain(-1);
    expect(driver.announceWanted).toBe(true);
    expect(driver.control.acknowledgeAnnounce()).toBe(true);
    expect(device.save()).toEqual({
      ...(state as NetDeviceState),
      isr: 3,
      configGeneration: expect.anything(),
      queues: expect.anything(),
    });
    for (let i = 0; i < 700; i++) {
      expect(driver.sendOn(i % 2, testFrame(60, i))).toBe(true);
      expect(next.sent.pop()).toEqual(testFrame(60, i));
      expect(next.deliver(frameTo(OTHER, i))).toBe(true);
      expect([0, 1].flatMap((pair) => driver.receiveFrom(pair))).toEqual([frameTo(OTHER, i)]);
    }
    expect(next.deliver(frameTo(TEST_MAC, 1))).toBe(true);
    expect(device.counters.filtered.unicast).toBe(1);
  });

  it("a look at it changes nothing: what a backend has stays with it, and the guest goes on here", () => {
    const from = rig();
    const { driver, backend } = from;
    backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < 5; i++) driver.send(testFrame(60, i));
    const rooms = [1, 2, 3].map(() => backend.allocate(200));
    const state = from.device.save();
    expect(state.queues.map((queue) => queue?.chains.length)).toEqual([3, 5, 0, 0, 0]);
    expect(from.device.save()).toEqual(state);
    expect(driver.reapTransmit()).toBe(0);
    while (backend.kept.length > 0) backend.finish();
    expect(driver.reapTransmit()).toBe(5);
    for (const [i, room] of rooms.entries()) if (room !== null) backend.complete([room, frameTo(TEST_MAC, i)]);
    expectFrames(
      driver.receiveFrom(0),
      [0, 1, 2].map((i) => frameTo(TEST_MAC, i)),
    );
    expect(driver.counters.rxReturned).toBe(0);
  });

  it("there, frames that the other backend had are not sent again, and its room is room again", () => {
    const from = rig();
    const { driver, backend } = from;
    backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < 5; i++) driver.send(testFrame(60, i));
    for (let i = 0; i < 3; i++) backend.allocate(200);
    const { backend: next } = moveTo(from, travel(from.device.save()));
    expect(driver.reapTransmit()).toBe(5);
    expect(next.transmits).toBe(0);
    driver.send(testFrame(60, 9));
    expectFrames(next.sent, [testFrame(60, 9)]);
    for (let i = 0; i < 300; i++) {
      expect(next.deliver(frameTo(TEST_MAC, i))).toBe(true);
      expectFrames(driver.receiveFrom(0), [frameTo(TEST_MAC, i)]);
    }
    expect(driver.counters.rxReturned).toBe(0);
  });

  it("receive-side scaling goes with it", () => {
    const from = rig();
    const key = new Uint8Array(40).fill(7);
    from.driver.control.setRss({ hashTypes: 7, table: [1, 1], unclassified: 1, maxTxVq: 1, key });
    const { backend } = moveTo(from, travel(from.device.save()));
    backend.deliver(frameTo(TEST_MAC, 1));
    expect([0, 1].map((pair) => from.driver.receiveFrom(pair).length)).toEqual([0, 1]);
  });

  it("a device that no driver has touched, or one whose driver is not ready yet, can be moved too", () => {
    const from = rig();
    from.driver.reset();
    const fresh = moveTo(from, travel(from.device.save()));
    expect(fresh.device.state.status).toBe(0);
    from.driver.negotiate();
    from.driver.setUpQueues();
    const half = moveTo(from, travel(fresh.device.save()));
    from.driver.goLive();
    from.driver.send(testFrame(60));
    expect(half.backend.transmits).toBe(1);
  });

  it("a queue that had stopped stays stopped until a reset", () => {
    const from = rig();
    const { driver } = from;
    driver.txRing.raw.writeAvailIdx(5000);
    driver.transport.notify(1);
    const { device, backend } = moveTo(from, travel(from.device.save()));
    expect(device.state.status & virtio.VIRTIO_CONFIG_S_NEEDS_RESET).not.toBe(0);
    driver.start();
    driver.send(testFrame(60));
    expect(backend.transmits).toBe(1);
  });
});

describe("a state from outside", () => {
  const good = (): Record<string, unknown> => travel(rig().device.save()) as Record<string, unknown>;
  const layout = { descTable: 0, availRing: 0x1000, usedRing: 0x2000 };
  const positions = { avail: 0, used: 0, unsignalled: 0 };
  const queue = { format: "split", size: 256, layout, error: null, ...positions, chains: [] };
  const FAR = { ...layout, usedRing: 2 ** 40 };

  it.each([
    ["version", 1],
    ["status", 256],
    ["featuresLow", -1],
    ["mac", [1, 2, 3]],
    ["mac", [1, 2, 3, 4, 5, 256]],
    ["vlans", [0]],
    ["modes", null],
    ["unicast", { overflowed: false, bytes: new Array(6 * 65).fill(0) }],
    ["multicast", { overflowed: false, bytes: [1] }],
    ["pairs", 3],
    ["rss", { types: 1, key: [1], table: [2, 0], unclassified: 0, transmitPairs: 1 }],
    ["rss", { types: 1, key: [1], table: [0, 0, 0], unclassified: 0, transmitPairs: 1 }],
    ["rss", { types: 1, key: [1], table: [0], unclassified: 2, transmitPairs: 1 }],
    ["hashing", { types: 1, key: new Array(41).fill(0) }],
    ["coalescing", { receive: {}, transmit: {}, queues: [] }],
    ["queues", []],
    ["queues", [{ ...queue, avail: -1 }, null, null, null, null]],
    ["queues", [{ ...queue, size: 3.5 }, null, null, null, null]],
  ])("with a wrong %s is refused, and the card goes on as it was", (field, value) => {
    const { device, driver, backend } = rig();
    expect(() => device.restore({ ...good(), [field]: value })).toThrow(`"${field}`);
    driver.send(testFrame(60));
    expect(backend.transmits).toBe(1);
  });

  it.each([undefined, null, 5, "state"])("that is %s is refused", (state) => {
    expect(() => rig().device.restore(state)).toThrow(TypeError);
  });

  it.each([
    ["features that are not on offer", { featuresHigh: 0xffff_ffff }],
    ["offloads that were not agreed on", { guestOffloads: 1 }],
    ["a queue that is too large", { queues: [{ ...queue, size: 1024 }, null, null, null, null] }],
    ["a ring that is not in memory", { queues: [{ ...queue, layout: FAR }, null, null, null, null] }],
  ])("with %s leaves a card that goes on as it was", (_what, change) => {
    const { device, driver, backend } = rig();
    const before = device.save();
    expect(() => device.restore({ ...good(), ...change })).toThrow(RangeError);
    expect(device.save()).toEqual(before);
    driver.send(testFrame(60));
    expect(backend.transmits).toBe(1);
  });

  it("with any numbers in it is refused or works, and touches nothing beyond memory", { timeout: 60_000 }, () => {
    const state = good();
    const from = rig();
    const word = fc.oneof(fc.integer({ min: -1, max: 0xffff_ffff }), fc.constantFrom(0, 1, 2 ** 40, 1.5, Number.NaN));
    const anyQueue = fc.record({
      format: fc.constantFrom("split", "packed"),
      size: fc.constantFrom(0, 1, 3, 64, 256),
      layout: fc.record({ descTable: word, availRing: word, usedRing: word }),
      error: fc.constantFrom(null, "ringOutOfRange", "no error"),
      avail: word,
      used: word,
      unsignalled: word,
      chains: fc.constant([]),
    });
    const change = fc.record(
      {
        status: word,
        featuresLow: word,
        isr: word,
        pairs: word,
        queues: fc.array(anyQueue, { minLength: 5, maxLength: 5 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(change, (fields) => {
        try {
          from.device.restore({ ...state, ...fields });
        } catch (error) {
          expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
        }
        from.backend.deliver(frameTo(TEST_MAC, 1));
        for (let queueIndex = 0; queueIndex < 5; queueIndex++) from.device.state.notify(queueIndex);
      }),
      { numRuns: 200 },
    );
  });
});
