import { TxResult } from "@vmmkit/ethif";
import { corruptRing, hostileTarget } from "@vmmkit/guest-driver";
import { CHAIN_ERRORS, type ChainError } from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { makeRig, testFrame } from "./support/rig.ts";

const NOTHING_REFUSED = Object.fromEntries(CHAIN_ERRORS.map((cause) => [cause, 0]));

describe("counters", () => {
  it("are all 0 at first", () => {
    const { card } = makeRig({ start: false });
    const queue = { notifications: 0, interrupts: 0, chains: 0, refused: NOTHING_REFUSED, stopped: 0 };
    const { transmit, receive, transmitQueue, receiveQueue, pairs, control, filtered } = card.counters;
    expect(pairs).toEqual([{ transmit, receive, transmitQueue, receiveQueue }]);
    expect(control).toEqual({ done: 0, refused: 0, malformed: 0 });
    expect(filtered).toEqual({ unicast: 0, multicast: 0, broadcast: 0, vlan: 0 });
    expect({ transmit, receive, transmitQueue, receiveQueue }).toEqual({
      transmit: {
        frames: 0,
        bytes: 0,
        dropped: { failed: 0, tooShort: 0, tooLong: 0, linkDown: 0, checksum: 0, segmentation: 0 },
      },
      receive: {
        frames: 0,
        bytes: 0,
        noBuffers: 0,
        bufferTooSmall: 0,
        dropped: { tooShort: 0, tooLong: 0, offload: 0, noBuffers: 0, linkDown: 0, otherPairFull: 0, reset: 0 },
      },
      transmitQueue: queue,
      receiveQueue: queue,
    });
  });

  it("count what happened, each thing once", () => {
    const { machine, driver, backend, card } = makeRig({
      guest: { features: [], txInterrupts: true, rx: { autoRefill: false, bufferBytes: 1600 } },
    });
    // 3 frames sent in two notifications, of them one failed and one late.
    driver.send(testFrame(100));
    backend.answer = () => (backend.transmits === 2 ? TxResult.Failed : TxResult.Enqueued);
    driver.send(testFrame(200), { kick: "never" });
    driver.send(testFrame(300));
    backend.finish();
    // Too short, too long, link down.
    driver.send(testFrame(13));
    driver.send(testFrame(1519));
    card.setLink(false);
    driver.send(testFrame(60));
    card.setLink(true);
    expect(card.counters.transmit).toEqual({
      frames: 2,
      bytes: 400,
      dropped: { failed: 1, tooShort: 1, tooLong: 1, linkDown: 1, checksum: 0, segmentation: 0 },
    });
    expect(card.counters.transmitQueue).toMatchObject({ notifications: 5, chains: 6, stopped: 0 });
    expect(card.counters.transmitQueue.refused).toEqual(NOTHING_REFUSED);

    // Nothing posted twice, then 2 buffers for 2 frames, one of them after one too short and one too long.
    backend.deliver(testFrame(60));
    backend.deliver(testFrame(60));
    driver.postReceive(2);
    backend.deliver(testFrame(70));
    backend.deliver(testFrame(5));
    backend.deliver(testFrame(1700));
    backend.deliver(testFrame(80));
    expect(card.counters.receive).toEqual({
      frames: 2,
      bytes: 150,
      noBuffers: 2,
      bufferTooSmall: 0,
      dropped: { tooShort: 1, tooLong: 1, offload: 0, noBuffers: 0, linkDown: 0, otherPairFull: 0, reset: 0 },
    });
    expect(card.counters.receiveQueue).toMatchObject({ notifications: 1, interrupts: 2, chains: 2, stopped: 0 });
    machine.settle();
    expect(driver.counters).toMatchObject({ rxFrames: 2, rxBytes: 150 });
  });

  const CAUSES: [string, ChainError][] = [
    ["cycle", "chainTooLong"],
    ["next-beyond-ring", "nextOutOfRange"],
    ["direction-changes", "wrongDirection"],
    ["address-outside", "addressOutOfRange"],
    ["lengths-overflow", "lengthOverflow"],
    ["indirect-nested", "indirectNotAllowed"],
    ["indirect-and-next", "indirectNotAllowed"],
    ["indirect-length-odd", "indirectBadLength"],
    ["indirect-outside", "indirectOutOfRange"],
    ["indirect-next-beyond-table", "nextOutOfRange"],
    ["indirect-cycle", "chainTooLong"],
  ];
  it.each(CAUSES)("chains refused are counted by cause: %s is %s", (name, cause) => {
    const { machine, driver, backend, card } = makeRig({ guest: { rx: { autoRefill: false }, indirect: "chains" } });
    // Buffers of the two halves of 2^32 would be outside memory before they overflow: each cause in its turn.
    corruptRing(hostileTarget(machine.ram, driver.txRing, false), name);
    corruptRing(hostileTarget(machine.ram, driver.rxRing, true), name);
    driver.transport.notify(1);
    backend.deliver(testFrame(60));
    const expected = cause === "lengthOverflow" ? "addressOutOfRange" : cause;
    for (const queue of [card.counters.transmitQueue, card.counters.receiveQueue]) {
      expect(queue.refused).toEqual({ ...NOTHING_REFUSED, [expected]: 1 });
      expect(queue).toMatchObject({ chains: 1, stopped: 0 });
    }
  });

  it("are the card's own objects, and go on after a reset", () => {
    const { driver, card } = makeRig();
    const { transmit } = card.counters;
    driver.send(testFrame(60));
    driver.start();
    driver.send(testFrame(60));
    expect(transmit.frames).toBe(2);
    expect(card.emul.queueCounters[1]).toBe(card.counters.transmitQueue);
  });
});
