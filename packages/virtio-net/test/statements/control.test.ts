/* What VIRTIO 1.2 asks a device to have done before it gives a control command back (5.1.6.5), statement by statement. */
import * as virtio from "@vmmkit/virtio";
import { afterEach, describe, expect, it, vi } from "vitest";
import { makeRig, testFrame } from "../support/rig.ts";
import { TEST_MAC } from "../support/test-backend.ts";

const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 9);
const FEATURES = [
  virtio.VIRTIO_NET_F_MAC,
  virtio.VIRTIO_NET_F_STATUS,
  virtio.VIRTIO_NET_F_MRG_RXBUF,
  virtio.VIRTIO_NET_F_CTRL_VQ,
  virtio.VIRTIO_NET_F_CTRL_RX,
  virtio.VIRTIO_NET_F_CTRL_MAC_ADDR,
  virtio.VIRTIO_NET_F_GUEST_ANNOUNCE,
  virtio.VIRTIO_NET_F_MQ,
];

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(["split", "packed"] as const)("5.1.6.5 the control queue, %s", (ring) => {
  function rig() {
    const made = makeRig({
      transport: "modern",
      card: { queuePairs: 2 },
      guest: { features: FEATURES, ring, queuePairs: 2 },
    });
    const { driver, backend, card } = made;
    /** Whether a frame to this address passes the filter. */
    const passes = (to: Uint8Array): boolean => {
      const frame = testFrame(100);
      frame.set(to);
      const before = card.counters.filtered.unicast;
      expect(backend.deliver(frame)).toBe(true);
      return card.counters.filtered.unicast === before;
    };
    /** Sends a command, and looks at the very moment at which the driver can see it used. */
    const atUse = <T>(command: () => boolean, look: () => T): T => {
      let seen: { value: T } | null = null;
      let inside = false;
      const store = Atomics.store;
      vi.spyOn(Atomics, "store").mockImplementation(((array: Uint16Array, index: number, value: number) => {
        const hidden = driver.control.ring.usedCount() === 0;
        const result = store(array, index, value);
        if (!inside && hidden && driver.control.ring.usedCount() > 0) {
          inside = true;
          seen = { value: look() };
          inside = false;
        }
        return result;
      }) as typeof Atomics.store);
      expect(command()).toBe(true);
      vi.restoreAllMocks();
      const found = seen as { value: T } | null;
      if (found === null) throw new Error("the command was not given back");
      return found.value;
    };
    return { ...made, passes, atUse };
  }

  it("5.1.6.5.2.1 MAC_TABLE_SET: the table is the new one by the time that the command is used", () => {
    const { driver, passes, atUse } = rig();
    expect(passes(OTHER)).toBe(false);
    expect(
      atUse(
        () => driver.control.setMacTable([OTHER], []),
        () => passes(OTHER),
      ),
    ).toBe(true);
    expect(
      atUse(
        () => driver.control.setMacTable([], []),
        () => passes(OTHER),
      ),
    ).toBe(false);
  });

  it("5.1.6.5.2.1 MAC_ADDR_SET: mac in the configuration is the new one by the time that the command is used", () => {
    const { driver, passes, atUse } = rig();
    const look = () => [driver.readMac(), passes(OTHER), passes(TEST_MAC)];
    expect(atUse(() => driver.control.setMac(OTHER), look)).toEqual([OTHER, true, false]);
  });

  it("5.1.6.5.4.2 ANNOUNCE_ACK: ANNOUNCE in status is clear by the time that the command is used", () => {
    const { driver, card, atUse } = rig();
    expect(card.announce()).toBe(true);
    expect(driver.announceWanted).toBe(true);
    expect(
      atUse(
        () => driver.control.acknowledgeAnnounce(),
        () => driver.announceWanted,
      ),
    ).toBe(false);
    expect(driver.linkUp).toBe(true);
  });

  it("5.1.6.5.6.2 VQ_PAIRS_SET: no frame goes beyond the pairs by the time that the command is used", () => {
    const { driver, backend, atUse } = rig();
    driver.control.setQueuePairs(2);
    const flood = () => {
      for (let i = 0; i < 30; i++) {
        const frame = testFrame(100, i);
        frame.set(TEST_MAC);
        frame.set([8, 0, 0x45, 0, 0, 86, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, i, 1, 2, 3], 12);
        expect(backend.deliver(frame)).toBe(true);
      }
    };
    flood();
    expect(driver.receiveFrom(1).length).toBeGreaterThan(0);
    atUse(() => driver.control.setQueuePairs(1), flood);
    expect(driver.receiveFrom(1)).toEqual([]);
  });
});
