import { type Frame, readFrame, TxResult } from "@vmmkit/ethif";
import { VIRTIO_F_ANY_LAYOUT, VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_NET_TX_QUEUE } from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { fillChain, join, scatter } from "./support/chains.ts";
import { wasmMemory } from "./support/replaceable-memory.ts";
import { LINE, laterTurn, makeRig, type Rig, testFrame } from "./support/rig.ts";

const FRAME = testFrame(60);
/** No MRG_RXBUF: the header has 10 bytes. */
const PLAIN = [VIRTIO_F_ANY_LAYOUT, VIRTIO_F_INDIRECT_DESC];
const HEADER = new Uint8Array(10);

/** Puts a chain of pieces into the transmit ring, header first. */
function sendPieces({ machine, driver }: Rig, lengths: readonly number[], bytes: Uint8Array): number {
  const parts = scatter(machine, lengths);
  fillChain(machine, parts, bytes);
  const head = driver.txRing.addChain(parts, []);
  driver.txRing.publish();
  driver.transport.notify(VIRTIO_NET_TX_QUEUE);
  return head;
}

describe("frames of the guest", () => {
  it("are ranges of guest memory, not copies", () => {
    const { machine, driver, backend } = makeRig();
    const region = machine.vm.memory.regions[0];
    let seen = 0;
    backend.answer = (frame) => {
      seen = frame.rangeCount;
      expect(frame.bytes[0]).toBe(region?.bytes);
      expect(machine.ram.read(frame.gpa[0] ?? 0, 60)).toEqual(FRAME);
      expect(frame.offset[0]).toBe(frame.gpa[0]);
      expect(frame.totalBytes).toBe(60);
      return TxResult.Complete;
    };
    driver.send(FRAME);
    expect(seen).toBe(1);
  });

  it.each([
    ["header and frame in one descriptor", [70]],
    ["the header apart", [10, 60]],
    ["the header and a part of the frame", [30, 40]],
    ["the header in pieces", [1, 2, 3, 4, 60]],
    ["a header that ends inside a descriptor", [4, 16, 50]],
    ["empty descriptors", [0, 10, 0, 0, 60, 0]],
    ["every byte apart", new Array<number>(70).fill(1)],
  ])("begin behind the header, whatever the layout (5.1.6.2): %s", (_what, lengths) => {
    const rig = makeRig({ guest: { features: PLAIN } });
    const head = sendPieces(rig, lengths, join(HEADER, FRAME));
    expect(rig.backend.sent).toEqual([FRAME]);
    expect(rig.driver.txRing.popUsed()).toBe(head);
    expect(rig.driver.txRing.usedLength).toBe(0);
    expect(rig.card.counters.transmit).toMatchObject({ frames: 1, bytes: 60 });
  });

  it("may lie across regions of guest memory that adjoin", () => {
    const rig = makeRig({ guest: { features: PLAIN } });
    const { machine, driver, backend } = rig;
    const end = machine.vm.memory.regions[0]?.end ?? 0;
    machine.vm.memory.addRegion({ gpa: end, size: 4096, buffer: new ArrayBuffer(4096) });
    machine.vm.memory.write(end - 30, join(HEADER, FRAME));
    driver.txRing.addChain([{ gpa: end - 30, length: 70 }], []);
    driver.txRing.publish();
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    expect(backend.sent).toEqual([FRAME]);
  });

  it("carry no offloads where the header asks for none, whatever else it says (5.1.6.2.2)", () => {
    const { driver, backend } = makeRig();
    backend.answer = (frame) => {
      expect([frame.flags, frame.gsoType, frame.hdrLen, frame.gsoSize, frame.csumStart]).toEqual([0, 0, 0, 0, 0]);
      return TxResult.Complete;
    };
    driver.send(FRAME, { header: { flags: 0xfe, gsoSize: 99, hdrLen: 9, csumStart: 70 } });
    expect(backend.sent).toEqual([FRAME]);
  });

  it.each([
    ["no more than a header", [10], "tooShort"],
    ["less than a header", [4], "tooShort"],
    ["nothing at all", [0], "tooShort"],
    ["less than an Ethernet header", [10, 13], "tooShort"],
    ["more than the link carries", [10, 1519], "tooLong"],
  ] as const)("with %s are dropped, counted, and given back", (_what, lengths, cause) => {
    const rig = makeRig({ guest: { features: PLAIN } });
    const head = sendPieces(rig, lengths, new Uint8Array(2000));
    expect(rig.backend.transmits).toBe(0);
    expect(rig.backend.flushes).toBe(0);
    expect(rig.driver.txRing.popUsed()).toBe(head);
    expect(rig.card.counters.transmit).toMatchObject({ frames: 0, bytes: 0 });
    const none = { failed: 0, tooShort: 0, tooLong: 0, linkDown: 0, checksum: 0, segmentation: 0 };
    expect(rig.card.counters.transmit.dropped).toEqual({ ...none, [cause]: 1 });
    sendPieces(rig, [70], join(HEADER, FRAME));
    expect(rig.backend.sent).toEqual([FRAME]);
  });

  it("of 14 and of 1518 bytes pass", () => {
    const { driver, backend } = makeRig();
    driver.send(testFrame(14));
    driver.send(testFrame(1518));
    expect(backend.sent).toEqual([testFrame(14), testFrame(1518)]);
  });
});

describe("Enqueued", () => {
  function enqueued(sent: number, options = {}) {
    const rig = makeRig({ ...options, guest: { txInterrupts: true } });
    rig.backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < sent; i++) rig.driver.send(testFrame(60, i));
    return rig;
  }

  it("keeps the chains until txComplete, and the ranges stay", () => {
    const { machine, driver, backend, card } = enqueued(3);
    machine.settle();
    expect(driver.txRing.usedCount()).toBe(0);
    expect(machine.interrupts.edges(LINE)).toBe(0);
    expect(card.counters.transmit.frames).toBe(3);
    const copies = backend.kept.map((frame) => {
      const bytes = new Uint8Array(frame.totalBytes);
      readFrame(frame, bytes);
      return bytes;
    });
    expect(copies).toEqual([testFrame(60, 0), testFrame(60, 1), testFrame(60, 2)]);
    backend.finish();
    expect(driver.txRing.usedCount()).toBe(1);
    machine.settle();
    expect(driver.counters.interrupts).toBe(1);
  });

  it("lets frames come back in any order", () => {
    const { machine, driver, backend } = enqueued(8);
    const heads = backend.kept.map((_, i) => driver.txRing.raw.readAvail(i));
    for (const index of [3, 0, 5, 4, 1, 2, 1, 0]) backend.finish(index);
    const back = heads.map((_, i) => driver.txRing.raw.readUsed(i).id);
    expect([...back].sort()).toEqual([...heads].sort());
    expect(back[0]).toBe(heads[3]);
    machine.settle();
    driver.reapTransmit();
    expect(driver.counters.txCompleted).toBe(8);
  });

  it("names the frame by its cookie: unknown ones and those that came back are a RangeError", () => {
    const { backend, driver } = enqueued(2);
    const { callbacks } = backend.driver;
    const cookie = backend.kept[0]?.cookie ?? -1;
    callbacks.txComplete(cookie);
    expect(() => callbacks.txComplete(cookie)).toThrow(RangeError);
    expect(() => callbacks.txComplete(cookie)).toThrow(`"cookie" expected a frame that is out, got ${cookie}`);
    for (const unknown of [-1, 2, 1e6, 0.5, Number.NaN]) {
      expect(() => callbacks.txComplete(unknown)).toThrow(RangeError);
    }
    expect(driver.txRing.usedCount()).toBe(1);
  });

  it("may be completed from within rawTx already", () => {
    const { driver, backend } = makeRig();
    backend.answer = (frame) => {
      backend.driver.callbacks.txComplete(frame.cookie);
      return TxResult.Enqueued;
    };
    for (let i = 0; i < 600; i++) expect(driver.send(FRAME)).toBe(true);
    expect(backend.transmits).toBe(600);
    expect(driver.txRing.outCount).toBe(driver.txRing.usedCount());
  });

  it("completed from within rawTx and answered Complete: the chain goes back once", () => {
    const { driver, backend } = makeRig();
    backend.answer = (frame) => {
      backend.driver.callbacks.txComplete(frame.cookie);
      return TxResult.Complete;
    };
    driver.send(FRAME);
    expect(driver.txRing.usedCount()).toBe(1);
  });

  it("as many frames as the ring has: the guest's next one goes out when one comes back", () => {
    const { driver, backend } = enqueued(4, { card: { txQueueSize: 4 } });
    expect(backend.transmits).toBe(4);
    expect(driver.send(testFrame(60, 4))).toBe(false);
    backend.finish(2);
    expect(driver.send(testFrame(60, 4))).toBe(true);
    expect(backend.transmits).toBe(5);
  });

  it("frames of an old driver fill the card: the new driver's wait, and go without another notification", () => {
    const rig = enqueued(4, { card: { txQueueSize: 4 } });
    const { driver, backend } = rig;
    driver.start();
    driver.send(testFrame(60, 10));
    driver.send(testFrame(60, 11), { kick: "never" });
    expect(backend.transmits).toBe(4);
    expect(backend.kept.every((frame) => frame.rangeCount === 0)).toBe(true);
    backend.finish();
    expect(backend.sent.slice(4)).toEqual([testFrame(60, 10)]);
    backend.finish();
    expect(backend.sent.slice(4)).toEqual([testFrame(60, 10), testFrame(60, 11)]);
    expect(driver.txRing.usedCount()).toBe(0);
  });
});

describe("a batch", () => {
  it("is flushed once, when all its frames have been handed over", () => {
    const { driver, backend } = makeRig();
    const at: number[] = [];
    backend.onFlush = () => at.push(backend.transmits);
    driver.burst(10, 60);
    driver.burst(5, 60);
    expect(at).toEqual([10, 15]);
  });

  it("takes what the guest adds meanwhile, without another notification", () => {
    const { driver, backend } = makeRig();
    backend.answer = () => {
      if (backend.transmits < 5) driver.send(FRAME, { kick: "never" });
      return TxResult.Complete;
    };
    driver.send(FRAME);
    expect(backend.transmits).toBe(5);
  });

  it("bears notifications from within rawTx: one batch at a time", () => {
    const { driver, backend } = makeRig();
    let depth = 0;
    backend.answer = () => {
      expect(++depth).toBe(1);
      if (backend.transmits < 5) driver.send(FRAME, { kick: "always" });
      depth--;
      return TxResult.Complete;
    };
    driver.send(FRAME);
    expect(backend.transmits).toBe(5);
  });

  it("ends after as many chains as the ring has, and goes on in a later turn of the event loop", async () => {
    const { driver, backend } = makeRig({ card: { txQueueSize: 16 }, guest: { features: [], txInterrupts: true } });
    // A guest on another core that has new frames as soon as old ones come back.
    const refill = () => {
      driver.reapTransmit();
      while (driver.counters.txFrames < 40 && driver.send(FRAME, { kick: "never" }));
    };
    backend.onIrq = refill;
    for (let i = 0; i < 8; i++) driver.send(FRAME, { kick: "never" });
    driver.transport.notify(VIRTIO_NET_TX_QUEUE);
    expect(backend.transmits).toBe(16);
    expect(driver.counters.txFrames).toBeGreaterThan(16);
    await laterTurn();
    expect(backend.transmits).toBe(32);
    await laterTurn();
    expect(backend.transmits).toBe(40);
    expect(driver.txRing.usedCount()).toBe(driver.txRing.outCount);
  });

  it("goes on in the VMM's own time where there is `defer`", () => {
    const { machine, driver, backend } = makeRig({ card: { txQueueSize: 16 }, machine: { defer: true } });
    driver.burst(16, 60);
    driver.reapTransmit();
    driver.burst(16, 60);
    expect(backend.transmits).toBe(16);
    machine.settle();
    expect(backend.transmits).toBe(32);
  });

  it("a reset before its later turn ends it", async () => {
    const { driver, backend } = makeRig({ card: { txQueueSize: 16 } });
    driver.burst(16, 60);
    driver.reset();
    await laterTurn();
    expect(backend.transmits).toBe(16);
  });
});

describe("a guest that runs inside rawTx", () => {
  it("resets the card: the frame is nobody's, the batch ends", () => {
    const { driver, backend } = makeRig();
    backend.answer = (frame) => {
      driver.reset();
      expect(frame.rangeCount).toBe(0);
      return TxResult.Complete;
    };
    driver.burst(5, 60);
    expect(backend.transmits).toBe(1);
    driver.start();
    backend.answer = () => TxResult.Complete;
    driver.send(FRAME);
    expect(driver.txRing.usedCount()).toBe(1);
    expect(backend.transmits).toBe(2);
  });

  it.each([TxResult.Complete, TxResult.Enqueued, TxResult.Failed])(
    "resets and starts the card: the old frame (%i) does not get into the new ring",
    (result) => {
      const { driver, backend } = makeRig();
      backend.answer = () => {
        if (backend.transmits > 1) return TxResult.Complete;
        driver.start();
        driver.send(testFrame(61));
        return result;
      };
      driver.burst(5, 60);
      expect(backend.sent.map((frame) => frame.length)).toEqual([60, 61]);
      expect(driver.txRing.usedCount()).toBe(1);
      if (result === TxResult.Enqueued) backend.finish();
      expect(driver.txRing.usedCount()).toBe(1);
      expect(driver.txRing.popUsed()).toBeGreaterThanOrEqual(0);
    },
  );

  it("makes guest memory grow: the batch goes on in the new buffer", () => {
    const wasm = wasmMemory(256);
    const { driver, backend, machine } = makeRig({ machine: { buffer: wasm.buffer, renew: () => wasm } });
    backend.answer = () => {
      if (backend.transmits === 3) {
        wasm.replace();
        expect(machine.vm.memory.regions[0]?.detached).toBe(true);
      }
      return TxResult.Complete;
    };
    driver.fill(FRAME);
    driver.burst(8, 60);
    expect(backend.sent).toEqual(new Array(8).fill(FRAME));
    driver.reapTransmit();
    expect(driver.counters.txCompleted).toBe(8);
  });
});

describe.each([
  ["with EVENT_IDX", [VIRTIO_F_EVENT_IDX]],
  ["without EVENT_IDX", []],
])("a backend that throws, %s", (_what, features) => {
  function broken() {
    const rig = makeRig({ guest: { features, txInterrupts: true } });
    const { backend } = rig;
    backend.answer = () => {
      if (backend.transmits === 3) throw new Error("broken backend");
      return TxResult.Complete;
    };
    return rig;
  }

  it("has its error passed on; all chains go back, and the guest is heard again", async () => {
    const { machine, driver, backend, card } = broken();
    expect(() => driver.burst(5, 60)).toThrow("broken backend");
    await laterTurn();
    machine.settle();
    driver.reapTransmit();
    expect(driver.counters.txCompleted).toBe(5);
    expect(card.counters.transmit).toMatchObject({ frames: 4, dropped: { failed: 1 } });
    // The driver notifies because it is asked to.
    const { kicks } = driver.counters;
    driver.send(FRAME);
    expect(driver.counters.kicks).toBe(kicks + 1);
    expect(backend.transmits).toBe(6);
    expect(driver.txRing.usedCount()).toBe(1);
  });

  it("throws in rawTxFlush: likewise", () => {
    const { driver, backend } = makeRig({ guest: { features } });
    backend.onFlush = () => {
      backend.onFlush = () => {};
      throw new Error("broken flush");
    };
    expect(() => driver.burst(5, 60)).toThrow("broken flush");
    expect(driver.txRing.usedCount()).toBe(5);
    const { kicks } = driver.counters;
    driver.send(FRAME);
    expect(driver.counters.kicks).toBe(kicks + 1);
    expect(backend.transmits).toBe(6);
  });

  it("throws in rawHandleIRQ: likewise", () => {
    const { driver, backend } = makeRig({ guest: { features, txInterrupts: true } });
    let calls = 0;
    backend.onIrq = () => {
      if (calls++ === 0) throw new Error("broken interrupt");
    };
    expect(() => driver.burst(5, 60)).toThrow("broken interrupt");
    expect(driver.txRing.usedCount()).toBe(5);
    driver.send(FRAME);
    expect(backend.transmits).toBe(6);
    expect(driver.txRing.usedCount()).toBe(6 - driver.counters.txCompleted);
  });
});

describe("notifications (2.7.10)", () => {
  it.each([
    ["with EVENT_IDX", [VIRTIO_F_EVENT_IDX]],
    ["without EVENT_IDX", []],
  ])("are not asked for while a batch runs, and asked for again at its end, %s", (_what, features) => {
    const { driver, backend, card } = makeRig({ guest: { features } });
    const during: boolean[] = [];
    backend.answer = () => {
      if (backend.transmits === 1) {
        driver.send(FRAME);
        during.push(driver.counters.kicksSuppressed > 0);
      }
      return TxResult.Complete;
    };
    driver.send(FRAME);
    expect(during).toEqual([true]);
    expect(backend.transmits).toBe(2);
    driver.send(FRAME);
    expect(backend.transmits).toBe(3);
    expect(card.counters.transmitQueue.notifications).toBe(2);
  });

  it("frame objects are used again: as many as are out at a time", () => {
    const { driver, backend } = makeRig();
    const objects = new Set<Frame>();
    backend.answer = (frame) => {
      objects.add(frame);
      return TxResult.Enqueued;
    };
    for (let lap = 0; lap < 50; lap++) {
      driver.burst(4, 60);
      for (let i = 0; i < 4; i++) backend.finish();
    }
    expect(backend.transmits).toBe(200);
    expect(objects.size).toBe(4);
  });
});
