/*
 * A guest in an emulator, seen at every moment: whatever it sends and gets, in whatever slices, with whatever luck in the
 * trials of `AdaptivePoll`, nothing waits for a wake-up that does not come.
 */
import { TxResult } from "@vmmkit/ethif";
import { VIRTIO_F_ANY_LAYOUT, VIRTIO_F_EVENT_IDX, VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1 } from "@vmmkit/virtio";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LINE, makeRig, type Rig, type RigTransport, testFrame } from "./support/rig.ts";

const FRAME = testFrame(60);
const QUEUES: [string, RigTransport, readonly number[]][] = [
  ["split, without EVENT_IDX", "legacy", [VIRTIO_F_ANY_LAYOUT]],
  ["split, with EVENT_IDX", "legacy", [VIRTIO_F_ANY_LAYOUT, VIRTIO_F_EVENT_IDX]],
  ["packed, without EVENT_IDX", "modern", [VIRTIO_F_VERSION_1, VIRTIO_F_RING_PACKED]],
  ["packed, with EVENT_IDX", "modern", [VIRTIO_F_VERSION_1, VIRTIO_F_RING_PACKED, VIRTIO_F_EVENT_IDX]],
];

/** What happens in one slice of the guest: frames that it sends, answers to each, frames from elsewhere behind it. */
const slice = fc.record({
  sends: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 60 })),
  answers: fc.boolean(),
  /** Whether the guest takes interrupts only when the slice is over. */
  masked: fc.boolean(),
  arrivals: fc.integer({ min: 0, max: 3 }),
  lastsMs: fc.integer({ min: 0, max: 3 }),
  again: fc.integer({ min: 1, max: 60 }),
});
type Slice = typeof slice extends fc.Arbitrary<infer T> ? T : never;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe.each(QUEUES)("a guest in time slices, %s", (_what, transport, features) => {
  function makeWorld(): Rig {
    const size = { rxQueueSize: 32, txQueueSize: 32 };
    const rig = makeRig({ transport, card: size, machine: { slices: true }, guest: { features, txInterrupts: true } });
    rig.backend.copies = false;
    return rig;
  }

  it("has every frame sent and every answer received when a slice is over", () => {
    fc.assert(
      fc.property(fc.array(slice, { minLength: 1, maxLength: 12 }), (slices) => {
        const { machine, driver, backend } = makeWorld();
        let [sent, due, got] = [0, 0, 0];
        const takeInterrupts = (): void => {
          while (machine.interrupts.level(LINE)) driver.onInterrupt();
          got += driver.receiveAll().length;
        };
        const deliver = (): void => {
          if (backend.deliver(FRAME)) due++;
        };
        const run = ({ sends, answers, masked, arrivals, lastsMs }: Slice): void => {
          backend.answer = () => {
            if (answers) deliver();
            return TxResult.Complete;
          };
          for (let i = 0; i < sends; i++) {
            if (driver.send(FRAME)) sent++;
            if (!masked) takeInterrupts();
          }
          vi.setSystemTime(Date.now() + lastsMs);
          machine.endSlice();
          expect(backend.transmits).toBe(sent);
          takeInterrupts();
          for (let i = 0; i < arrivals; i++) deliver();
          machine.endSlice();
          takeInterrupts();
          expect(got).toBe(due);
        };
        for (const one of slices) for (let i = 0; i < one.again; i++) run(one);
        driver.reapTransmit();
        expect(driver.counters.txCompleted).toBe(sent);
      }),
      { numRuns: 40 },
    );
  });

  it("notifies seldom under load, and has room in its ring all the time", () => {
    const { machine, driver, backend, card } = makeWorld();
    // Only the event index lets the guest keep quiet and be heard before its ring is full.
    const frames = features.includes(VIRTIO_F_EVENT_IDX) ? 100 : 10;
    let refused = 0;
    for (let ms = 0; ms < 400; ms++) {
      for (let i = 0; i < frames; i++) if (!driver.send(FRAME)) refused++;
      vi.setSystemTime(Date.now() + 1);
      machine.endSlice();
      machine.settle();
    }
    const { notifications } = card.counters.transmitQueue;
    expect(refused).toBe(0);
    expect(notifications).toBeLessThan(0.4 * backend.transmits);
  });

  it("is answered at once where it sends a frame now and then", () => {
    const { machine, driver, backend } = makeWorld();
    backend.answer = () => {
      backend.deliver(FRAME);
      return TxResult.Complete;
    };
    for (let i = 1; i <= 100; i++) {
      driver.send(FRAME);
      expect(backend.transmits).toBe(i);
      expect(machine.interrupts.level(LINE)).toBe(true);
      driver.onInterrupt();
      expect(driver.receiveAll()).toHaveLength(1);
      for (let ms = 0; ms < 2; ms++) {
        vi.setSystemTime(Date.now() + 1);
        machine.endSlice();
        machine.settle();
      }
    }
  });
});
