import { type Frame, TxResult } from "@vmmkit/ethif";
import { VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_RESET } from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { makeRig, type Rig, testFrame } from "./support/rig.ts";
import { TestBackend } from "./support/test-backend.ts";

const FRAMES = Array.from({ length: 10 }, (_, seed) => testFrame(60 + seed, seed));
/** The frame in the midst of a run with which something happens. */
const ODD = 5;

/**
 * Sends ten frames with one notification, after one that told the queue where memory is: the card takes them as a run.
 * @param happens called while the backend has frame `ODD`; answers what becomes of it
 */
function sendRun(rig: Rig, happens: (frame: Frame) => TxResult): void {
  const { driver, backend } = rig;
  driver.send(testFrame(60));
  backend.sent.length = 0;
  let count = 0;
  backend.answer = (frame) => (count++ === ODD ? happens(frame) : TxResult.Complete);
  expect(driver.sendBatch(FRAMES)).toBe(FRAMES.length);
}

describe.each([
  ["split", {}],
  ["split, tables", { indirect: "always", features: [VIRTIO_F_INDIRECT_DESC] }],
  ["packed", { ring: "packed" }],
] as const)("a run of frames, %s", (_, guest) => {
  function rigOf(): Rig {
    return makeRig({ transport: "modern", guest: { ...guest, interrupts: "off" } });
  }

  it.each([
    ["is Complete", TxResult.Complete, 11, 0],
    ["is Failed", TxResult.Failed, 10, 1],
  ] as const)("goes back to the guest, also where one in its midst %s", (_what, result, frames, failed) => {
    const rig = rigOf();
    sendRun(rig, () => result);
    expect(rig.backend.sent).toEqual(FRAMES);
    expect(rig.driver.reapTransmit()).toBe(11);
    expect(rig.card.counters.transmit).toMatchObject({ frames, dropped: { failed } });
    expect(rig.card.counters.transmitQueue).toMatchObject({ chains: 11, stopped: 0 });
  });

  it("goes back 64 at a time, to a guest that looks while the others are sent", () => {
    const rig = rigOf();
    const { driver, backend } = rig;
    driver.send(testFrame(60));
    driver.reapTransmit();
    const back: number[] = [];
    backend.answer = () => {
      back.push(driver.reapTransmit());
      return TxResult.Complete;
    };
    driver.sendBatch(Array.from({ length: 150 }, () => testFrame(60)));
    expect(back.flatMap((count, index) => (count > 0 ? [[index, count]] : []))).toEqual([
      [64, 64],
      [128, 64],
    ]);
    expect(driver.reapTransmit()).toBe(22);
  });

  it("goes back but for a frame that is Enqueued, until that is done", () => {
    const rig = rigOf();
    sendRun(rig, () => TxResult.Enqueued);
    expect(rig.backend.sent).toEqual(FRAMES);
    expect(rig.driver.reapTransmit()).toBe(10);
    rig.backend.finish();
    expect(rig.driver.reapTransmit()).toBe(1);
    expect(rig.card.counters.transmit.frames).toBe(11);
  });

  it("ends with a backend that throws; the frame counts as failed, and the rest is sent later", async () => {
    const rig = rigOf();
    const broken = (): TxResult => {
      throw new Error("broken");
    };
    expect(() => sendRun(rig, broken)).toThrow("broken");
    expect(rig.driver.reapTransmit()).toBe(7);
    await new Promise((resolve) => setImmediate(resolve));
    expect(rig.backend.sent).toEqual(FRAMES);
    expect(rig.driver.reapTransmit()).toBe(4);
    expect(rig.card.counters.transmit).toMatchObject({ frames: 10, dropped: { failed: 1 } });
  });

  it("knows which frame the backend has: one may be completed before rawTx answers", () => {
    const rig = rigOf();
    const { backend } = rig;
    sendRun(rig, (frame) => {
      backend.driver.callbacks.txComplete(frame.cookie);
      return TxResult.Complete;
    });
    expect(backend.sent).toEqual(FRAMES);
    expect(rig.driver.reapTransmit()).toBe(11);
  });

  it("is sent once where the card is saved in its midst, but for the frame that the backend has", () => {
    const rig = rigOf();
    let outChains = -1;
    sendRun(rig, () => {
      const { queues } = rig.card.save().device as { queues: readonly ({ chains: readonly object[] } | null)[] };
      outChains = queues[1]?.chains.length ?? -1;
      return TxResult.Complete;
    });
    expect(outChains).toBe(1);
    expect(rig.backend.sent).toEqual(FRAMES);
    expect(rig.driver.reapTransmit()).toBe(11);
  });

  it("ends where the guest resets the card in its midst", () => {
    const rig = rigOf();
    sendRun(rig, () => {
      rig.driver.reset();
      rig.driver.start();
      return TxResult.Complete;
    });
    expect(rig.backend.sent).toEqual(FRAMES.slice(0, ODD + 1));
    expect(rig.driver.reapTransmit()).toBe(0);
    rig.backend.answer = () => TxResult.Complete;
    rig.driver.send(testFrame(99));
    expect(rig.backend.sent.at(-1)).toEqual(testFrame(99));
    expect(rig.driver.reapTransmit()).toBe(1);
  });

  it("goes on where guest memory changes in its midst", () => {
    const rig = rigOf();
    const { memory } = rig.machine.vm;
    sendRun(rig, () => {
      const gpa = (memory.regions.at(-1)?.end ?? 0) + 4096;
      memory.addRegion({ gpa, size: 4096, buffer: new ArrayBuffer(4096) });
      return TxResult.Complete;
    });
    expect(rig.backend.sent).toEqual(FRAMES);
    expect(rig.driver.reapTransmit()).toBe(11);
  });

  it("goes on through another backend that is plugged in in its midst", () => {
    const rig = rigOf();
    const other = new TestBackend();
    sendRun(rig, () => {
      rig.card.setBackend(other.funcs);
      return TxResult.Complete;
    });
    rig.card.poll();
    expect(rig.backend.sent).toEqual(FRAMES.slice(0, ODD + 1));
    expect(other.sent).toEqual(FRAMES.slice(ODD + 1));
    expect(rig.driver.reapTransmit()).toBe(11);
  });

  it("is dropped from where the link went down", () => {
    const rig = rigOf();
    sendRun(rig, () => {
      rig.backend.driver.callbacks.linkChange(false);
      return TxResult.Complete;
    });
    expect(rig.backend.sent).toEqual(FRAMES.slice(0, ODD + 1));
    expect(rig.driver.reapTransmit()).toBe(11);
    expect(rig.card.counters.transmit).toMatchObject({ frames: 7, dropped: { linkDown: 4 } });
  });
});

it("a queue that the guest resets in the midst of a run has all that was sent back (RING_RESET)", () => {
  const rig = makeRig({
    transport: "modern",
    guest: { interrupts: "off", features: [VIRTIO_F_RING_RESET] },
  });
  const { state } = rig.card.emul;
  const { raw } = rig.driver.txRing;
  let used = -1;
  rig.driver.send(testFrame(60));
  rig.backend.sent.length = 0;
  let count = 0;
  rig.backend.answer = () => {
    if (count++ === ODD) {
      state.disableQueue(1);
      used = raw.usedIdx;
    }
    return TxResult.Complete;
  };
  rig.driver.sendBatch(FRAMES);
  expect(rig.backend.sent).toEqual(FRAMES.slice(0, ODD + 1));
  // The first frame, those of the run, and the one that the backend had.
  expect(used).toBe(1 + ODD + 1);
});
