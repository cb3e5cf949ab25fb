/* The control queue itself (VIRTIO 1.2, 5.1.6.5, 5.1.6.6). What its commands do is tested beside their subjects. */
import { corruptRing, hostileTarget, SplitRing } from "@vmmkit/guest-driver";
import * as virtio from "@vmmkit/virtio";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRig, type RigOptions, testFrame } from "./support/rig.ts";

const FEATURES = [
  virtio.VIRTIO_NET_F_CTRL_VQ,
  virtio.VIRTIO_NET_F_CTRL_RX,
  virtio.VIRTIO_NET_F_CTRL_RX_EXTRA,
  virtio.VIRTIO_NET_F_CTRL_VLAN,
  virtio.VIRTIO_NET_F_CTRL_MAC_ADDR,
  virtio.VIRTIO_NET_F_GUEST_ANNOUNCE,
  virtio.VIRTIO_NET_F_STATUS,
  virtio.VIRTIO_F_ANY_LAYOUT,
];
const PROMISC_ON = [virtio.VIRTIO_NET_CTRL_RX, virtio.VIRTIO_NET_CTRL_RX_PROMISC, 1];

function rig(features: readonly number[] = FEATURES, options: RigOptions = {}) {
  const made = makeRig({ guest: { features }, ...options });
  const page = made.machine.ram.alloc(4096);
  /** Sends bytes as descriptors of these lengths. */
  const send = (bytes: readonly number[], lengths: readonly number[], answer: readonly number[]) => {
    made.machine.ram.write(page, Uint8Array.from(bytes));
    const readable = lengths.map((length, i) => {
      const before = lengths.slice(0, i).reduce((sum, other) => sum + other, 0);
      return { gpa: page + before, length };
    });
    const writable = answer.map((length, i) => ({ gpa: page + 2048 + 64 * i, length }));
    return made.driver.control.exchangeRaw(readable, writable);
  };
  return { ...made, page, send };
}

describe("5.1.2 the control queue", () => {
  it("is queue 2 where the driver knows of one pair, and there is none without CTRL_VQ", () => {
    const { driver } = rig();
    expect(driver.control.index).toBe(2);
    expect(driver.transport.readQueueSize(2)).toBe(64);
    const without = makeRig({ card: { without: ["CTRL_VQ"] } });
    expect(without.driver.transport.readQueueSize(2)).toBe(0);
  });

  it("has the size that was asked for", () => {
    const { driver } = rig(FEATURES, { card: { ctrlQueueSize: 16 }, guest: { features: FEATURES } });
    expect(driver.transport.readQueueSize(2)).toBe(16);
    expect(() => makeRig({ card: { ctrlQueueSize: 3 } })).toThrow('"ctrlQueueSize"');
  });
});

describe("5.1.6.5 a command", () => {
  it.each([
    ["as the legacy interface wants it", [2, 1], [1]],
    ["in one descriptor", [3], [1]],
    ["byte by byte", [1, 1, 1], [1]],
    ["with room for more than the answer", [2, 1], [4, 4]],
  ])("is understood %s", (_how, lengths, answer) => {
    const { send, driver, card } = rig();
    const last = send(PROMISC_ON, lengths, answer);
    expect(driver.control.writtenBytes).toBe(1);
    expect(card.counters.control).toEqual({ done: 1, refused: 0, malformed: 0 });
    if (answer.length === 1) expect(last).toBe(virtio.VIRTIO_NET_OK);
  });

  it.each([
    ["an unknown class", [9, 0, 1]],
    ["an unknown command", [0, 9, 1]],
    ["too little data", [0, 0]],
    ["too much data", [0, 0, 1, 0]],
    ["no command", [0]],
    ["a mode that is neither on nor off", [0, 0, 2]],
    ["one of a feature that is not there", [4, 0, 1, 0]],
  ])("is answered with VIRTIO_NET_ERR: %s", (_what, bytes) => {
    const { send, driver, card } = rig();
    expect(send(bytes, [bytes.length], [1])).toBe(virtio.VIRTIO_NET_ERR);
    expect(card.counters.control).toEqual({ done: 0, refused: 1, malformed: 0 });
    expect(driver.control.setRxMode("promisc", true)).toBe(true);
  });

  it("is refused where its feature was not negotiated", () => {
    const { driver } = rig([virtio.VIRTIO_NET_F_CTRL_VQ]);
    expect(driver.control.setRxMode("promisc", true)).toBe(false);
    expect(driver.control.setRxMode("nobcast", true)).toBe(false);
    expect(driver.control.setVlan(1, true)).toBe(false);
    expect(driver.control.setMac(Uint8Array.of(2, 0, 0, 0, 0, 1))).toBe(false);
    expect(driver.control.acknowledgeAnnounce()).toBe(false);
  });

  it("without room for the answer, or without anything to read, changes nothing", () => {
    const { send, card, driver } = rig();
    send(PROMISC_ON, [2, 1], []);
    expect(driver.control.writtenBytes).toBe(0);
    expect(send([], [], [1])).toBe(virtio.VIRTIO_NET_ERR);
    expect(card.counters.control).toEqual({ done: 0, refused: 1, malformed: 1 });
    expect(card.counters.filtered.unicast).toBe(0);
  });

  it("is not looked at before DRIVER_OK, and done then", () => {
    const { machine, driver, card } = rig();
    driver.reset();
    driver.negotiate();
    driver.setUpQueues();
    const gpa = machine.ram.alloc(4096);
    machine.ram.write(gpa, Uint8Array.from(PROMISC_ON));
    const { ring } = driver.control;
    ring.begin();
    ring.readable(gpa, 3);
    ring.writable(gpa + 64, 1);
    ring.end();
    ring.publish();
    driver.transport.notify(2);
    expect(card.counters.control.done).toBe(0);
    driver.goLive();
    expect(card.counters.control.done).toBe(1);
  });

  it("interrupts a driver that wants it", () => {
    const { machine, driver } = rig();
    driver.control.setRxMode("promisc", true);
    machine.settle();
    expect(driver.counters.interrupts).toBe(1);
    driver.control.ring.disableInterrupts();
    driver.control.setRxMode("promisc", false);
    machine.settle();
    expect(driver.counters.interrupts).toBe(1);
  });
});

describe("a hostile control queue", () => {
  it.each(["cycle", "address-outside", "lengths-overflow", "next-beyond-ring"])("%s: the chain comes back", (name) => {
    const { machine, driver, card, send } = rig();
    const { ring } = driver.control;
    if (!(ring instanceof SplitRing)) throw new Error("the ring is packed");
    corruptRing(hostileTarget(machine.ram, ring, false), name);
    driver.transport.notify(2);
    expect(driver.control.ring.popUsed()).toBeGreaterThanOrEqual(0);
    expect(driver.control.ring.usedLength).toBe(0);
    expect(card.counters.control.done).toBe(0);
    expect(send(PROMISC_ON, [2, 1], [1])).toBe(virtio.VIRTIO_NET_OK);
  });

  it("survives any bytes in any layout, and the card goes on", { timeout: 60_000 }, () => {
    const { send, driver, backend, card } = rig();
    const known = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 6 }));
    const bytes = fc.tuple(known, fc.uint8Array({ maxLength: 200 })).map(([head, data]) => [...head, ...data]);
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
    let commands = 0;
    fc.assert(
      fc.property(
        bytes,
        cuts,
        fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 2 }),
        (command, sizes, answer) => {
          const lengths: number[] = [];
          let left = command.length;
          for (const size of sizes) {
            const length = Math.min(size, left);
            if (length > 0) lengths.push(length);
            left -= length;
          }
          send(command, lengths, answer);
          commands++;
          expect(driver.control.writtenBytes).toBe(answer.length === 0 ? 0 : 1);
        },
      ),
      { numRuns: 300 },
    );
    const { done, refused, malformed } = card.counters.control;
    expect(done + refused + malformed).toBe(commands);
    driver.control.setRxMode("nouni", false);
    expect(driver.control.setRxMode("promisc", true)).toBe(true);
    expect(backend.deliver(testFrame(60))).toBe(true);
    driver.onInterrupt();
    expect(driver.receiveAll()).toHaveLength(1);
  });
});
