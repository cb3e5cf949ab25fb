import { describe, expect, test } from "vitest";
import { balance } from "./support/balance.ts";
import { Bench, numbers } from "./support/bench.ts";

describe("receive", () => {
  test("a batch stays one", () => {
    for (const rx of [{}, { duplicate: 1e-9 }]) {
      const it = new Bench({ rx });
      it.recorder.deliver(it.frame(), it.frame(), it.frame());
      expect(it.received()).toEqual([0, 1, 2]);
      expect(it.card.rxBatches).toBe(1);
    }
  });

  test("frames that go at the same time are one batch", () => {
    const it = new Bench({ rx: { delayMs: 10 } });
    it.bring(5);
    it.clock.advance(10);
    expect(it.received()).toEqual(numbers(5));
    expect(it.card.rxBatches).toBe(1);
  });

  test("frames wait in the guest's own buffers", () => {
    const it = new Bench({ rx: { delayMs: 10 } }, 3);
    it.bring(3);
    expect([it.card.roomsOut, it.card.roomsPosted]).toEqual([3, 0]);
    expect(it.recorder.deliver(it.frame())).toBe(0);
    it.clock.advance(10);
    expect([it.card.roomsOut, it.received()]).toEqual([0, [0, 1, 2]]);
    it.card.post(1, [1600]);
    expect(it.recorder.polls).toBe(1);
    it.card.verify();
  });

  test("a short frame that waits moves out of a long room into a shorter one", () => {
    const it = new Bench({ rx: { delayMs: 10 } }, 0);
    it.card.post(1, [9000]);
    it.card.post(1, [1600]);
    it.bring();
    expect([it.card.roomsOut, it.card.roomsPosted]).toEqual([1, 1]);
    it.bring(1, 9000);
    it.clock.advance(10);
    expect(it.received()).toEqual([0, 1]);
    it.card.verify();
  });

  test("room that is lost frames' comes back, and a backend that wants it is told", () => {
    const it = new Bench({ rx: { drop: 1 } }, 1);
    const { recorder } = it;
    const callbacks = recorder.driver?.callbacks;
    const room = callbacks?.allocateRxBuf(60);
    expect(callbacks?.allocateRxBuf(60)).toBeNull();
    if (room === null || room === undefined) throw new Error("no room");
    callbacks?.rxComplete(1, [room], [60]);
    expect([it.card.roomsPosted, recorder.polls]).toEqual([1, 0]);
    it.clock.advance(0);
    expect(recorder.polls).toBe(1);
    it.bring();
    it.clock.advance(0);
    expect(recorder.polls).toBe(1);
  });

  test("room given back unused comes back at once, also while frames are being given to the guest", () => {
    const it = new Bench({ rx: { duplicate: 1e-9 } }, 2);
    const callbacks = it.recorder.driver?.callbacks;
    let posted = -1;
    it.card.onInterrupt = () => {
      const room = callbacks?.allocateRxBuf(1) ?? null;
      if (room !== null) callbacks?.rxComplete(1, [room], [0]);
      posted = it.card.roomsPosted;
    };
    it.bring();
    expect(posted).toBe(1);
    expect(it.backend.stats().rx.frames).toBe(1);
  });

  test("without room for a second a frame comes once", () => {
    const it = new Bench({ rx: { duplicate: 1 } }, 3);
    it.bring(2);
    expect(it.received()).toEqual([0, 0, 1]);
    const { rx } = it.backend.stats();
    expect([rx.duplicated, rx.passed, balance(rx)]).toEqual([1, 3, 0]);
  });

  test("a frame that comes from within an interrupt waits its turn", () => {
    const it = new Bench({ rx: { duplicate: 1e-9 } });
    let answers = 0;
    it.card.onInterrupt = () => {
      if (answers++ < 5) it.bring(2);
    };
    it.bring();
    expect(it.received()).toEqual(numbers(11));
    it.card.verify();
  });
});
