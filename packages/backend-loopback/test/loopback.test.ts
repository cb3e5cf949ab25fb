import { formatMac, Offload, parseMac, TxResult } from "@vmmkit/ethif";
import { frameNumber, testBackend, testFrame } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import { loopbackBackend } from "../src/index.ts";
import { BROADCAST, Station } from "./support/cards.ts";
import { sum } from "./support/dropped.ts";
import { segmentedFrame } from "./support/segmented-frame.ts";

testBackend({
  name: "loopback",
  topology: "echo",
  keeps: 256,
  setup: () => {
    const backend = loopbackBackend();
    return { backend, dropped: () => sum(backend.stats().dropped) };
  },
});

describe("loopback", () => {
  test("gives a burst back with one interrupt", () => {
    const { card, link } = new Station(loopbackBackend());
    for (let number = 0; number < 32; number++) {
      const frame = testFrame({ to: link.mac, from: link.mac, size: 60, number });
      expect(card.transmit(frame)).toBe(TxResult.Complete);
    }
    expect(card.rxBatches).toBe(0);
    card.flush();
    expect(card.rxBatches).toBe(1);
    expect(card.received.length).toBe(32);
  });

  test("gives a full batch at once", () => {
    const { card, link } = new Station(loopbackBackend({ batchFrames: 8 }));
    for (let number = 0; number < 20; number++) {
      card.transmit(testFrame({ to: link.mac, from: link.mac, size: 60, number }));
    }
    expect(card.rxBatches).toBe(2);
    expect(card.received.map(frameNumber)).toEqual([...Array(16).keys()]);
  });

  test("keeps as many frames as it was told to, and refuses the rest", () => {
    const backend = loopbackBackend({ queueFrames: 2 });
    const station = new Station(backend, 0);
    const results = [0, 1, 2, 3].map((number) => station.send(number, BROADCAST));
    expect(results).toEqual([TxResult.Enqueued, TxResult.Enqueued, TxResult.Failed, TxResult.Failed]);
    station.card.post(4, [100]);
    expect(station.arrived()).toEqual([0, 1]);
    expect(backend.stats()).toEqual({
      frames: 2,
      bytes: 120,
      enqueued: 2,
      dropped: { noBuffers: 2, tooLong: 0, tooShort: 0, closed: 0 },
    });
  });

  test("with a queue of 0 keeps none", () => {
    const station = new Station(loopbackBackend({ queueFrames: 0 }), 0);
    expect(station.send(1, BROADCAST)).toBe(TxResult.Failed);
  });

  test("counts what it refuses by reason", async () => {
    const backend = loopbackBackend({ mtu: 1000 });
    const station = new Station(backend);
    expect(station.card.transmit(new Uint8Array(13))).toBe(TxResult.Failed);
    expect(station.send(1, BROADCAST, BROADCAST, 1019)).toBe(TxResult.Failed);
    expect(station.send(2, BROADCAST, BROADCAST, 1018)).toBe(TxResult.Complete);
    await backend.close();
    expect(station.send(3, BROADCAST)).toBe(TxResult.Failed);
    expect(backend.stats().dropped).toEqual({ noBuffers: 0, tooLong: 1, tooShort: 1, closed: 1 });
    expect(backend.printState(station.card.driver)).toMatch(/1 frames, 3 dropped, closed$/);
  });

  test("goes on in a later turn where the guest never stops answering", () => {
    const later: (() => void)[] = [];
    const station = new Station(loopbackBackend({ defer: (task) => later.push(task) }));
    let answered = 0;
    station.card.onInterrupt = () => {
      for (const frame of station.card.received.splice(0)) {
        answered++;
        station.card.post(1, [100]);
        station.card.transmit(frame.slice());
      }
      station.card.flush();
    };
    station.send(1, BROADCAST);
    const first = answered;
    expect(first).toBeGreaterThan(10);
    expect(later.length).toBe(1);
    later.shift()?.();
    expect(answered).toBe(2 * first);
    expect(later.length).toBe(1);
  });

  test("hands on offloads when it is told that the guest takes them", () => {
    const backend = loopbackBackend({ offloads: Offload.Csum | Offload.Tso4 });
    const { card, link } = new Station(backend, 0);
    expect(link).toMatchObject({ mtu: 1500, txOffloads: 3, rxOffloads: 3 });
    card.post(1, [70_000]);
    const frame = segmentedFrame(65_550);
    expect(backend.rawTx(card.driver, frame, 0)).toBe(TxResult.Complete);
    frame.gsoType = 0;
    expect(backend.rawTx(card.driver, frame, 0)).toBe(TxResult.Failed);
  });

  test("has a random address by default, and the one that it is given", () => {
    const mac = parseMac("52:54:00:12:34:56");
    const backend = loopbackBackend({ mac });
    mac.fill(0);
    expect(formatMac(new Station(backend).link.mac)).toBe("52:54:00:12:34:56");
    const random = new Station(loopbackBackend()).link.mac;
    expect((random[0] ?? 0) & 3).toBe(2);
  });

  test.each([
    [{ mtu: 67 }, '"mtu" expected an integer from 68 to 65535, got 67'],
    [{ mtu: 65_536 }, '"mtu"'],
    [{ mtu: 1500.5 }, '"mtu"'],
    [{ offloads: 64 }, '"offloads" expected an integer from 0 to 63, got 64'],
    [{ queueFrames: -1 }, '"queueFrames"'],
    [{ batchFrames: 0 }, '"batchFrames" expected an integer from 1 to 65536, got 0'],
    [{ mac: new Uint8Array(5) }, '"mac" expected 6 bytes'],
    [{ mac: new Uint8Array(6).fill(255) }, '"mac" expected the address of one station'],
  ])("refuses %o", (options, message) => {
    expect(() => loopbackBackend(options)).toThrow(message);
  });

  test("refuses a second card", () => {
    const backend = loopbackBackend();
    new Station(backend);
    expect(() => new Station(backend)).toThrow("has this backend already");
  });
});
