import { TxResult } from "@vmmkit/ethif";
import { describe, expect, test } from "vitest";
import { balance } from "./support/balance.ts";
import { Bench, numbers } from "./support/bench.ts";

describe("transmit", () => {
  test("answers what the backend answers", () => {
    for (const tx of [{}, { duplicate: 1e-9 }]) {
      const it = new Bench({ tx });
      for (const answer of [TxResult.Complete, TxResult.Failed, TxResult.Enqueued]) {
        it.recorder.answer = answer;
        expect(it.send()).toEqual([answer]);
      }
      it.recorder.completeAll();
      expect(it.card.lent).toBe(0);
      expect(it.backend.stats().tx).toMatchObject({ frames: 3, passed: 2, dropped: { refused: 1 } });
      it.card.verify();
    }
  });

  test("frames wait in the guest's own buffers", () => {
    const it = new Bench({ tx: { delayMs: 10 } });
    expect(it.send(3)).toEqual([TxResult.Enqueued, TxResult.Enqueued, TxResult.Enqueued]);
    expect(it.card.lent).toBe(3);
    it.clock.advance(10);
    expect([it.card.lent, it.card.completed]).toEqual([0, 3]);
    it.card.verify();
  });

  test("the backend is told to flush when frames go by themselves", () => {
    const it = new Bench({ tx: { delayMs: 10 } });
    it.send(3);
    expect(it.recorder.flushes).toBe(1);
    it.clock.advance(10);
    expect(it.recorder.flushes).toBe(2);
  });

  test("frames that the backend refuses when their time has come are counted, and go back", () => {
    const it = new Bench({ tx: { delayMs: 10 } });
    it.send(2);
    it.recorder.answer = TxResult.Failed;
    it.clock.advance(10);
    expect(it.card.lent).toBe(0);
    expect(it.backend.stats().tx).toMatchObject({ passed: 0, dropped: { refused: 2 } });
  });

  test("frames that the backend keeps when their time has come stay lent until it is done", () => {
    const it = new Bench({ tx: { delayMs: 10 } });
    it.recorder.answer = TxResult.Enqueued;
    it.send(2);
    it.clock.advance(10);
    expect([it.card.lent, it.backend.stats().tx.waiting]).toEqual([2, 0]);
    it.recorder.completeAll();
    expect(it.card.lent).toBe(0);
    it.card.verify();
  });

  test("a frame that the backend keeps goes a second time as a copy", () => {
    const it = new Bench({ tx: { duplicate: 1 } });
    it.recorder.answer = TxResult.Enqueued;
    expect(it.send(2)).toEqual([TxResult.Enqueued, TxResult.Enqueued]);
    expect(it.recorder.kept.length).toBe(4);
    expect(it.card.lent).toBe(2);
    it.recorder.completeAll();
    expect([it.card.lent, it.card.completed]).toEqual([0, 2]);
    expect(it.sent()).toEqual([0, 0, 1, 1]);
    it.card.verify();
  });

  test("a frame that is refused once of twice was sent", () => {
    const it = new Bench({ tx: { duplicate: 1 } });
    it.recorder.onSend = () => {
      it.recorder.answer = TxResult.Failed;
    };
    expect(it.send()).toEqual([TxResult.Complete]);
    expect(it.backend.stats().tx).toMatchObject({ passed: 1, duplicated: 1, dropped: { refused: 1 } });
  });

  test("a corrupt frame is a copy, and the guest has its own back at once", () => {
    const it = new Bench({ tx: { corrupt: 1 } });
    it.recorder.answer = TxResult.Enqueued;
    expect(it.send()).toEqual([TxResult.Complete]);
    expect([it.card.lent, it.recorder.kept.length]).toEqual([0, 1]);
    it.recorder.completeAll();
    it.card.verify();
  });

  test("memory for copies is limited, and comes back", () => {
    const it = new Bench({ tx: { corrupt: 1 }, copyBytes: 150 });
    it.recorder.answer = TxResult.Enqueued;
    expect(it.send(3)).toEqual([TxResult.Complete, TxResult.Complete, TxResult.Failed]);
    expect(it.backend.stats().tx.dropped.noMemory).toBe(1);
    it.recorder.completeAll();
    expect(it.send(1)).toEqual([TxResult.Complete]);
  });

  test("without memory for a copy a frame goes once", () => {
    const it = new Bench({ tx: { duplicate: 1 }, copyBytes: 0 });
    it.recorder.answer = TxResult.Enqueued;
    it.send(2);
    expect(it.sent()).toEqual([0, 1]);
    const { tx } = it.backend.stats();
    expect([tx.duplicated, tx.passed, balance(tx)]).toEqual([0, 2, 0]);
  });

  test("a backend that completes a frame before the answer for it is out completes it once", () => {
    const it = new Bench({ tx: { reorder: 1, reorderFrames: 1 } });
    it.recorder.answer = TxResult.Enqueued;
    it.send();
    // The second goes, and the first behind it; at the first the backend is done with both.
    let calls = 0;
    it.recorder.onSend = () => {
      if (++calls !== 2) return;
      it.recorder.kept.shift();
      it.recorder.driver?.callbacks.txComplete(1);
    };
    expect(it.send()).toEqual([TxResult.Complete]);
    expect(it.card.lent).toBe(1);
    it.recorder.completeAll();
    expect([it.card.lent, it.card.completed]).toEqual([0, 1]);
    it.card.verify();
  });

  test("a guest that sends from within a send keeps its order", () => {
    const it = new Bench({ tx: { frames: { perSecond: 1000, burst: 100 } } });
    let depth = 0;
    it.recorder.onSend = () => {
      if (depth++ < 10) it.send();
    };
    it.send();
    expect(it.sent()).toEqual(numbers(11));
    expect(it.card.lent).toBe(0);
    it.card.verify();
  });

  test("a cookie that is not out is refused", () => {
    const it = new Bench();
    expect(() => it.recorder.driver?.callbacks.txComplete(-2)).toThrow('"cookie" expected a frame that is out, got -2');
    expect(() => it.recorder.driver?.callbacks.txComplete(7)).toThrow(RangeError);
  });
});
