import { TxResult } from "@vmmkit/ethif";
import { describe, expect, test } from "vitest";
import { Bench, numbers } from "./support/bench.ts";

describe("the link", () => {
  test("goes and comes as the test says, and the guest is told once each time", () => {
    const it = new Bench();
    it.backend.setLink(false);
    it.backend.setLink(false);
    expect(it.card.linkChanges).toEqual([false]);
    expect(it.send(2)).toEqual([TxResult.Failed, TxResult.Failed]);
    it.bring(2);
    expect([it.sent(), it.received()]).toEqual([[], []]);
    expect(it.backend.stats()).toMatchObject({
      linkUp: false,
      tx: { dropped: { linkDown: 2 } },
      rx: { dropped: { linkDown: 2 } },
    });
    expect(it.card.roomsOut).toBe(0);
    it.backend.setLink(true);
    expect(it.card.linkChanges).toEqual([false, true]);
    it.send();
    it.bring();
    expect([it.sent(), it.received()]).toEqual([[4], [5]]);
  });

  test("that goes takes along what waits", () => {
    const it = new Bench({ tx: { delayMs: 10 }, rx: { delayMs: 10, reorder: 1 } });
    it.send(3);
    it.bring(2);
    it.backend.setLink(false);
    expect([it.card.lent, it.card.roomsOut, it.clock.pending]).toEqual([0, 0, 0]);
    expect(it.backend.stats()).toMatchObject({ tx: { dropped: { linkDown: 3 } }, rx: { dropped: { linkDown: 2 } } });
  });

  test("may be down at the start", () => {
    const it = new Bench({ linkUp: false });
    expect(it.card.link).toMatchObject({ linkUp: false, mtu: 1500 });
    expect(it.send()).toEqual([TxResult.Failed]);
    it.backend.setLink(true);
    expect(it.card.linkChanges).toEqual([true]);
    expect(it.send()).toEqual([TxResult.Complete]);
  });

  test("is up where both are: the backend's own and this one", () => {
    const it = new Bench({}, 64, (recorder) => {
      recorder.linkUp = false;
    });
    const change = (up: boolean): void => it.recorder.driver?.callbacks.linkChange(up);
    expect(it.card.link?.linkUp).toBe(false);
    it.backend.setLink(false);
    change(true);
    expect(it.card.linkChanges).toEqual([]);
    it.backend.setLink(true);
    change(false);
    it.backend.setLink(false);
    change(true);
    it.backend.setLink(true);
    expect(it.card.linkChanges).toEqual([true, false, true]);
  });

  test("of the backend alone decides nothing here: the backend does", () => {
    const it = new Bench();
    it.recorder.driver?.callbacks.linkChange(false);
    it.send();
    expect(it.sent()).toEqual([0]);
  });

  test("goes by itself and comes back by itself", () => {
    const it = new Bench({ disconnect: 1, reconnectMs: 100 });
    expect(it.send()).toEqual([TxResult.Failed]);
    it.bring();
    expect(it.card.linkChanges).toEqual([false]);
    it.clock.advance(99);
    expect(it.card.linkChanges).toEqual([false]);
    it.clock.advance(1);
    expect(it.card.linkChanges).toEqual([false, true]);
    it.backend.set({ disconnect: 0 });
    it.send();
    expect(it.sent()).toEqual([2]);
    expect(it.backend.stats()).toMatchObject({ disconnects: 1, linkUp: true });
  });

  test("goes at about as many frames as it should", () => {
    const it = new Bench({ disconnect: 0.1, reconnectMs: 10 });
    for (let i = 0; i < 1000; i++) {
      it.send();
      it.clock.advance(10);
    }
    const { disconnects, tx } = it.backend.stats();
    expect(Math.abs(disconnects - 100)).toBeLessThan(50);
    expect(tx.dropped.linkDown).toBe(disconnects);
    expect(it.card.linkChanges.length).toBe(2 * disconnects);
  });

  test("that was pulled by hand comes back by hand alone", () => {
    const it = new Bench({ disconnect: 1, reconnectMs: 100 });
    it.send();
    it.backend.setLink(false);
    it.clock.advance(1000);
    expect(it.card.linkChanges).toEqual([false]);
    it.backend.setLink(true);
    expect(it.card.linkChanges).toEqual([false, true]);
  });

  test("goes from within an interrupt, and no frame is delivered behind that", () => {
    const it = new Bench({ rx: { delayMs: 5 } });
    it.card.onInterrupt = () => it.backend.setLink(false);
    it.bring(2);
    it.clock.advance(1);
    it.bring(2);
    it.clock.advance(10);
    expect(it.received()).toEqual(numbers(2));
    expect(it.backend.stats().rx).toMatchObject({ passed: 2, waiting: 0, dropped: { linkDown: 2 } });
    expect(it.card.roomsOut).toBe(0);
  });
});
