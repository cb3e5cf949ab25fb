/* What a guest leaves to its card when it transmits (VIRTIO 1.2, 5.1.6.2). */
import { Offload, TxResult } from "@vmmkit/ethif";
import type { NetHeader } from "@vmmkit/guest-driver";
import { GUEST_NET_FEATURES, makePacket, readPacket } from "@vmmkit/guest-driver";
import { describe, expect, it } from "vitest";
import { makeRig, type Rig, type RigOptions } from "../support/rig.ts";

const CSUM = 0;
const HOST_TSO4 = 11;
const HOST_TSO6 = 12;
const HOST_ECN = 13;
const HOST_UFO = 14;
const OFFLOADS = [CSUM, HOST_TSO4, HOST_TSO6, HOST_ECN, HOST_UFO];
const ALL = 63;

const TCP = makePacket({ version: 4, protocol: "tcp", payload: new Uint8Array(4000).fill(9), tcpOptions: 12 });
const SHORT = makePacket({ version: 4, protocol: "udp", payload: new Uint8Array(100).fill(9) });

function open(packet: typeof TCP, rest: Partial<NetHeader> = {}): { header: Partial<NetHeader> } {
  return { header: { flags: 1, csumStart: packet.csumStart, csumOffset: packet.csumOffset, ...rest } };
}
const TSO = { gsoType: 1, gsoSize: 1448, hdrLen: 66 };

function rigWith(options: RigOptions = {}, features: readonly number[] = OFFLOADS): Rig {
  const guest = {
    features: [...GUEST_NET_FEATURES, ...features],
    tx: { bufferBytes: 65_600, buffers: 16 },
    txInterrupts: true,
  };
  return makeRig({ guest, ...options });
}

describe("a backend that takes offloads", () => {
  it("gets the frame as it is, with its fields, and the true length of its headers", () => {
    const { driver, backend } = rigWith({ link: { txOffloads: ALL } });
    const seen: object[] = [];
    backend.answer = ({ flags, gsoType, gsoSize, hdrLen, csumStart, csumOffset }) => {
      seen.push({ flags, gsoType, gsoSize, hdrLen, csumStart, csumOffset });
      return TxResult.Complete;
    };
    driver.send(TCP.bytes, open(TCP, { ...TSO, hdrLen: 3 }));
    driver.send(SHORT.bytes, open(SHORT));
    driver.send(SHORT.bytes);
    expect(backend.sent).toEqual([TCP.bytes, SHORT.bytes, SHORT.bytes]);
    expect(seen).toEqual([
      { flags: 1, gsoType: 1, gsoSize: 1448, hdrLen: 66, csumStart: 34, csumOffset: 16 },
      { flags: 1, gsoType: 0, gsoSize: 0, hdrLen: 0, csumStart: 34, csumOffset: 6 },
      { flags: 0, gsoType: 0, gsoSize: 0, hdrLen: 0, csumStart: 0, csumOffset: 0 },
    ]);
  });
});

describe("a backend that takes none", () => {
  it("gets frames with their checksums, and nothing in guest memory changes", () => {
    const { driver, backend } = rigWith();
    backend.answer = (frame) => {
      expect([frame.flags, frame.csumStart, frame.csumOffset]).toEqual([0, 0, 0]);
      return TxResult.Complete;
    };
    driver.send(SHORT.bytes, open(SHORT));
    expect(backend.sent.map(readPacket)).toMatchObject([{ transportChecksumGood: true }]);
    expect(driver.txRing.outCount).toBe(1);
    driver.reapTransmit();
    expect(driver.txRing.outCount).toBe(0);
  });

  it("gets segments, and the chain goes back once, after the last", () => {
    const { driver, backend, card, machine } = rigWith();
    backend.answer = () => TxResult.Enqueued;
    driver.send(TCP.bytes, open(TCP, TSO));
    expect(backend.sent.map((frame) => frame.length)).toEqual([1514, 1514, 66 + 4000 - 2 * 1448]);
    expect(backend.sent.map(readPacket).every(({ transportChecksumGood }) => transportChecksumGood)).toBe(true);
    expect(new Set(backend.kept.map(({ cookie }) => cookie)).size).toBe(3);
    backend.finish(1);
    backend.finish(1);
    expect(driver.txRing.usedCount()).toBe(0);
    backend.finish();
    expect(driver.txRing.usedCount()).toBe(1);
    expect(() => card.emulDriver.callbacks.txComplete(0)).toThrow(RangeError);
    machine.settle();
    expect(driver.counters.interrupts).toBe(1);
    expect(card.counters.transmit).toMatchObject({ frames: 3, bytes: 66 * 3 + 4000 });
  });

  it("but checksums gets segments with theirs left open", () => {
    const { driver, backend } = rigWith({ link: { txOffloads: Offload.Csum } });
    const flags: number[] = [];
    backend.answer = (frame) => {
      flags.push(frame.flags, frame.csumStart, frame.csumOffset, frame.gsoType);
      return TxResult.Complete;
    };
    driver.send(TCP.bytes, open(TCP, TSO));
    expect(flags).toEqual([1, 34, 16, 0, 1, 34, 16, 0, 1, 34, 16, 0]);
  });

  it.each([TxResult.Failed, TxResult.Complete])("and answers %i gives the chain back at once", (answer) => {
    const { driver, backend, card } = rigWith();
    backend.answer = () => answer;
    for (let i = 0; i < 40; i++) expect(driver.send(TCP.bytes, open(TCP, TSO))).toBe(true);
    expect(card.counters.transmit.dropped.failed).toBe(answer === TxResult.Failed ? 120 : 0);
    driver.reapTransmit();
    expect(driver.txRing.outCount).toBe(0);
  });

  it("and throws in the middle of a frame: the chain goes back, the error is passed on, the card goes on", () => {
    const { driver, backend } = rigWith();
    backend.answer = () => {
      if (backend.transmits === 2) throw new Error("broken");
      return TxResult.Complete;
    };
    expect(() => driver.send(TCP.bytes, open(TCP, TSO))).toThrow("broken");
    driver.reapTransmit();
    expect(driver.txRing.outCount).toBe(0);
    driver.send(SHORT.bytes);
    expect(backend.sent.at(-1)).toEqual(SHORT.bytes);
  });

  it("and resets the guest in the middle of a frame: what is left of it is not sent", () => {
    const { driver, backend } = rigWith();
    backend.answer = () => {
      if (backend.transmits === 2) driver.reset();
      return TxResult.Enqueued;
    };
    driver.send(TCP.bytes, open(TCP, TSO));
    expect(backend.transmits).toBe(2);
    expect(backend.kept.map(({ rangeCount }) => rangeCount)).toEqual([0, 0]);
    driver.start();
    while (backend.kept.length > 0) backend.finish();
    backend.answer = () => TxResult.Complete;
    driver.send(TCP.bytes, open(TCP, TSO));
    expect(backend.transmits).toBe(5);
    driver.reapTransmit();
    expect(driver.txRing.outCount).toBe(0);
  });

  it("and whose memory moves while it has segments: they stay what they were", () => {
    const { driver, backend, machine } = rigWith();
    backend.answer = () => TxResult.Enqueued;
    driver.send(TCP.bytes, open(TCP, TSO));
    const before = backend.kept.map(({ rangeCount, totalBytes }) => [rangeCount, totalBytes]);
    machine.vm.memory.addRegion({ gpa: 0x1_0000_0000, size: 4096, buffer: new ArrayBuffer(4096) });
    expect(backend.kept.map(({ rangeCount, totalBytes }) => [rangeCount, totalBytes])).toEqual(before);
    expect(backend.kept.every((frame) => frame.gpa[0] === 0 && frame.bytes[0]?.length === 264)).toBe(true);
  });
});

describe("a header that does not fit is dropped, counted by cause, and its chain given back", () => {
  const none = { failed: 0, tooShort: 0, tooLong: 0, linkDown: 0, checksum: 0, segmentation: 0 };
  it.each<[string, Partial<NetHeader>, readonly number[], string]>([
    ["a checksum without CSUM", { flags: 1, csumStart: 34, csumOffset: 6 }, [], "checksum"],
    ["a checksum behind the frame", { flags: 1, csumStart: 34, csumOffset: TCP.bytes.length }, OFFLOADS, "tooLong"],
    ["segmentation without HOST_TSO4", { flags: 1, csumStart: 34, csumOffset: 16, ...TSO }, [CSUM], "segmentation"],
    [
      "ECN without HOST_ECN",
      { flags: 1, csumStart: 34, csumOffset: 16, ...TSO, gsoType: 0x81 },
      [CSUM, HOST_TSO4],
      "segmentation",
    ],
    ["segments of no bytes", { flags: 1, csumStart: 34, csumOffset: 16, ...TSO, gsoSize: 0 }, OFFLOADS, "segmentation"],
    [
      "segments that are too long",
      { flags: 1, csumStart: 34, csumOffset: 16, ...TSO, gsoSize: 1500 },
      OFFLOADS,
      "segmentation",
    ],
    [
      "a type that there is not",
      { flags: 1, csumStart: 34, csumOffset: 16, ...TSO, gsoType: 2 },
      OFFLOADS,
      "segmentation",
    ],
    [
      "TCP over IPv6 that is IPv4",
      { flags: 1, csumStart: 34, csumOffset: 16, ...TSO, gsoType: 4 },
      OFFLOADS,
      "segmentation",
    ],
    ["segmentation with the checksum done", { flags: 0, ...TSO }, OFFLOADS, "segmentation"],
  ])("%s", (_what, header, features, cause) => {
    for (const txOffloads of [0, ALL]) {
      const { driver, backend, card } = rigWith({ link: { txOffloads } }, features);
      driver.send(TCP.bytes, { header });
      expect(backend.transmits).toBe(0);
      expect(card.counters.transmit.dropped).toEqual({ ...none, [cause]: 1 });
      driver.reapTransmit();
      expect(driver.txRing.outCount).toBe(0);
    }
  });

  it("a checksum behind a short frame, or in its Ethernet header", () => {
    const { driver, card } = rigWith();
    driver.send(SHORT.bytes, { header: { flags: 1, csumStart: 34, csumOffset: SHORT.bytes.length - 35 } });
    driver.send(SHORT.bytes, { header: { flags: 1, csumStart: 13, csumOffset: 6 } });
    expect(card.counters.transmit.dropped).toEqual({ ...none, checksum: 2 });
  });

  it("more than 65535 bytes and a tagged header, with segmentation", () => {
    const long = makePacket({ version: 4, protocol: "tcp", payload: new Uint8Array(65_553 - 53) });
    const { driver, card } = rigWith({ link: { txOffloads: ALL } });
    driver.send(long.bytes, open(long, TSO));
    expect(long.bytes.length).toBe(65_554);
    expect(card.counters.transmit.dropped).toEqual({ ...none, tooLong: 1 });
  });
});

describe("work is bounded", () => {
  it("a guest that asks for 2048 segments of each frame gets its turn again and again, but no more than its ring at a time", () => {
    const tiny = makePacket({ version: 4, protocol: "tcp", payload: new Uint8Array(64_000) });
    const { driver, backend, machine } = rigWith({ machine: { defer: true }, card: { txQueueSize: 16 } });
    backend.copies = false;
    for (let i = 0; i < 8; i++) driver.send(tiny.bytes, { ...open(tiny, { gsoType: 1, gsoSize: 32 }), kick: "never" });
    driver.kick();
    expect(backend.transmits).toBe(2000);
    machine.settle();
    expect(backend.transmits).toBe(16_000);
    driver.reapTransmit();
    expect(driver.txRing.outCount).toBe(0);
  });

  it("and a backend that keeps all of them stops it until they come back", () => {
    const tiny = makePacket({ version: 4, protocol: "tcp", payload: new Uint8Array(64_000) });
    const { driver, backend } = rigWith({ card: { txQueueSize: 16 } });
    backend.copies = false;
    backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < 3; i++) driver.send(tiny.bytes, open(tiny, { gsoType: 1, gsoSize: 32 }));
    expect(backend.kept).toHaveLength(2000);
    while (backend.kept.length > 0) backend.finish();
    expect(backend.transmits).toBe(6000);
    driver.reapTransmit();
    expect(driver.txRing.outCount).toBe(0);
  });
});

describe("softwareOffloads: false", () => {
  it("offers what the backend takes, and no more", () => {
    const bits = (rig: Rig) => OFFLOADS.filter((bit) => rig.driver.offers(bit));
    const off = { softwareOffloads: false };
    expect(bits(rigWith({ card: off }))).toEqual([]);
    expect(bits(rigWith({ card: off, link: { txOffloads: Offload.Csum | Offload.Tso4 } }))).toEqual([CSUM, HOST_TSO4]);
    expect(bits(rigWith({ card: off, link: { txOffloads: Offload.Tso4 } }))).toEqual([]);
    expect(bits(rigWith({ card: { without: ["CSUM"] } }))).toEqual([]);
    expect(bits(rigWith())).toEqual(OFFLOADS);
  });
});
