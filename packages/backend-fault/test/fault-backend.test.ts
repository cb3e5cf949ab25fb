import { parseMac, type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";
import { TestCard } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import { faultBackend } from "../src/index.ts";
import { Bench, Recorder } from "./support/bench.ts";

describe("a backend with faults", () => {
  test("tells of the backend's link, and hands interrupts through", () => {
    const it = new Bench();
    expect(it.card.link).toEqual({ mac: parseMac("02:00:00:00:00:01"), mtu: 1500, linkUp: true });
    expect(it.backend.getMac(it.card.driver)).toEqual(parseMac("02:00:00:00:00:01"));
    it.backend.rawHandleIRQ(it.card.driver, 1);
    expect(it.card.irqs).toEqual([1]);
  });

  test("describes itself and what is below it", async () => {
    const it = new Bench({ tx: { drop: 1 } });
    it.send(3);
    it.bring(2);
    expect(it.backend.printState(it.card.driver)).toBe(
      "faults seed 1: link up, out 0 passed (0 made), 3 lost, 0 waiting, in 2 passed (0 made), 0 lost, 0 waiting; over recorder",
    );
    it.backend.setLink(false);
    expect(it.backend.printState(it.card.driver)).toContain("link down");
    await it.backend.close();
    expect(it.backend.printState(it.card.driver)).toContain("closed");
  });

  test("shows the backend the card, with other callbacks", () => {
    const recorder = new Recorder();
    const backend = faultBackend(recorder);
    backend.lowLevelInit({ ...new TestCard(backend).driver, ethData: 5 });
    const { driver } = recorder;
    expect([driver?.name, driver?.funcs, driver?.ethData]).toEqual(["test card", backend, 5]);
    if (driver !== null) driver.ethData = "mine";
    expect(recorder.driver?.ethData).toBe("mine");
  });

  test("hands queues and offloads through where the backend knows of them", () => {
    const told: unknown[] = [];
    const recorder = new Recorder();
    const backend = faultBackend({
      ...recorder,
      rawPoll: (_driver, queue) => void told.push(["rawPoll", queue]),
      setQueuePairs: (_driver, pairs) => void told.push(["setQueuePairs", pairs]),
      setRxOffloads: (_driver, offloads) => void told.push(["setRxOffloads", offloads]),
    });
    const card = new TestCard(backend);
    card.init();
    backend.rawPoll(card.driver, 3);
    backend.rawPoll(card.driver);
    backend.setQueuePairs?.(card.driver, 4);
    backend.setRxOffloads?.(card.driver, 5);
    expect(told).toEqual([
      ["rawPoll", 3],
      ["rawPoll", undefined],
      ["setQueuePairs", 4],
      ["setRxOffloads", 5],
    ]);
    const asked: unknown[] = [];
    const allocateRxBuf = (...all: unknown[]): null => {
      asked.push(all);
      return null;
    };
    const upper = { ...card.driver.callbacks, allocateRxBuf };
    const lower = new Recorder();
    faultBackend(lower).lowLevelInit({ ...card.driver, callbacks: upper });
    lower.driver?.callbacks.allocateRxBuf(60, 2);
    expect(asked).toEqual([[60, 2]]);
    const plain = faultBackend(new Recorder());
    expect([plain.setQueuePairs, plain.setRxOffloads]).toEqual([undefined, undefined]);
  });

  test("serves one card", () => {
    const it = new Bench();
    expect(() => new TestCard(it.backend).init()).toThrow('"test card" has this backend already');
  });

  test("takes a backend that has no more functions than it needs", async () => {
    const { lowLevelInit, rawTx, rawPoll, rawHandleIRQ, getMac, printState } = new Recorder();
    const least: RawIfaceFuncs = { lowLevelInit, rawTx, rawPoll, rawHandleIRQ, getMac, printState };
    const backend = faultBackend(least);
    const card = new TestCard(backend);
    card.init();
    expect(card.transmit(new Uint8Array(60))).toBe(TxResult.Complete);
    card.flush();
    await backend.close();
    expect(card.transmit(new Uint8Array(60))).toBe(TxResult.Failed);
  });

  test("may be told about its link before it has a card", () => {
    const recorder = new Recorder();
    const backend = faultBackend(recorder);
    backend.setLink(false);
    const card = new TestCard(backend);
    expect(card.init().linkUp).toBe(false);
    expect(card.linkChanges).toEqual([]);
  });

  test("closes the backend once, and hands nothing through afterwards", async () => {
    const it = new Bench();
    await Promise.all([it.backend.close(), it.backend.close()]);
    await it.backend.close();
    expect(it.recorder.closed).toBe(1);
    it.card.closed = true;
    it.backend.setLink(false);
    it.backend.set({ tx: { drop: 1 } });
    expect(it.send()).toEqual([TxResult.Failed]);
    expect(it.recorder.driver?.callbacks.allocateRxBuf(60)).toBeNull();
    it.card.verify();
    expect(it.backend.stats().tx.dropped.closed).toBe(1);
  });

  test("completes what the backend kept while that is closing", async () => {
    const it = new Bench();
    it.recorder.answer = TxResult.Enqueued;
    it.send(3);
    await it.backend.close();
    expect(it.card.lent).toBe(0);
    it.card.verify();
  });
});
