import { type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";
import { describe, expect, it } from "vitest";
import { ALL_OFFLOADS } from "../src/offloads.ts";
import { eventually, inOwnNetwork, testPeer, testTap } from "./support/backends.ts";
import { ip } from "./support/namespace.ts";
import { OffloadCard, type OffloadFrame } from "./support/offload-card.ts";

inOwnNetwork();

const NEEDS_CSUM = 1;
const GSO_TCPV4 = 1;
const ETH_BYTES = 14;
const HEADERS_BYTES = ETH_BYTES + 20 + 20;
const FIELDS = { flags: NEEDS_CSUM, gsoType: GSO_TCPV4, hdrLen: HEADERS_BYTES, gsoSize: 1448 };
const CSUM = { csumStart: ETH_BYTES + 20, csumOffset: 16 };

/** TCP over IPv4, a segment as long as can be, its checksum still to be filled in. */
function segment(payloadBytes: number, port = 4242): OffloadFrame {
  const bytes = new Uint8Array(HEADERS_BYTES + payloadBytes);
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 1, 8, 0]);
  bytes.set([0x45, 0], ETH_BYTES);
  view.setUint16(ETH_BYTES + 2, bytes.length - ETH_BYTES);
  bytes.set([64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], ETH_BYTES + 8);
  view.setUint16(ETH_BYTES + 20, port);
  view.setUint16(ETH_BYTES + 22, 80);
  view.setUint8(ETH_BYTES + 32, 0x50);
  for (let i = HEADERS_BYTES; i < bytes.length; i++) bytes[i] = i * 31;
  return { bytes, ...FIELDS, ...CSUM, queue: 0 };
}

/** The ten bytes that a packet socket has before each frame: the same fields. */
function withHeader({ bytes, flags, gsoType, hdrLen, gsoSize, csumStart, csumOffset }: OffloadFrame): Uint8Array {
  const whole = new Uint8Array(10 + bytes.length);
  const view = new DataView(whole.buffer);
  whole.set([flags, gsoType]);
  for (const [i, value] of [hdrLen, gsoSize, csumStart, csumOffset].entries()) view.setUint16(2 + 2 * i, value, true);
  whole.set(bytes, 10);
  return whole;
}

function parse(whole: Uint8Array): Omit<OffloadFrame, "queue"> {
  const view = new DataView(whole.buffer, whole.byteOffset);
  const [hdrLen = 0, gsoSize = 0, csumStart = 0, csumOffset = 0] = [2, 4, 6, 8].map((at) => view.getUint16(at, true));
  const [flags = 0, gsoType = 0] = whole;
  return { bytes: whole.slice(10), flags, gsoType, hdrLen, gsoSize, csumStart, csumOffset };
}

function setRxOffloads(backend: RawIfaceFuncs, offloads: number): void {
  backend.setRxOffloads?.({} as Parameters<NonNullable<RawIfaceFuncs["setRxOffloads"]>>[0], offloads);
}

for (const vnetHeader of [10, 12] as const) {
  describe(`segments of 64 KB with a header of ${vnetHeader} bytes`, () => {
    it("go out as one frame, in one system call, with every field as the guest said it", async () => {
      const backend = testTap({ name: `tso${vnetHeader}`, vnetHeader });
      const peer = testPeer(backend.interfaceName, true);
      const came: Uint8Array[] = [];
      peer.onFrame = (frame) => came.push(frame);
      const card = new OffloadCard(backend);
      const sent = segment(65_000);
      expect(card.send(sent)).toBe(TxResult.Complete);
      await eventually(() => came.length > 0, "the segment");
      expect(came).toHaveLength(1);
      const got = parse(came[0] ?? new Uint8Array(10));
      expect(got.bytes).toEqual(sent.bytes);
      expect(got).toMatchObject({ ...FIELDS, ...CSUM, hdrLen: expect.any(Number) });
      expect(backend.stats()).toMatchObject({ framesOut: 1, bytesOut: sent.bytes.length });
    });

    it("come in as one frame, once the guest takes segments", async () => {
      const backend = testTap({ name: `rso${vnetHeader}`, vnetHeader });
      const peer = testPeer(backend.interfaceName, true);
      const card = new OffloadCard(backend);
      setRxOffloads(backend, ALL_OFFLOADS);
      const sent = segment(65_000);
      peer.send(withHeader(sent));
      await eventually(() => card.received.length > 0, "the segment");
      expect(card.received).toHaveLength(1);
      const [got] = card.received;
      expect(got?.bytes).toEqual(sent.bytes);
      expect(got).toMatchObject({ ...FIELDS, ...CSUM, hdrLen: expect.any(Number) });
      expect(backend.stats()).toMatchObject({ framesIn: 1, copiedIn: 1 });
      // The next one is expected to be as long, and is read in place.
      peer.send(withHeader(segment(65_000, 4243)));
      await eventually(() => card.received.length > 1, "the second segment");
      expect(backend.stats()).toMatchObject({ framesIn: 2, copiedIn: 1 });
    });

    it("for a guest that takes none come cut into frames of the MTU, with their checksums", async () => {
      const backend = testTap({ name: `cut${vnetHeader}`, vnetHeader });
      const peer = testPeer(backend.interfaceName, true);
      const card = new OffloadCard(backend);
      peer.send(withHeader(segment(14_480)));
      await eventually(() => card.received.length === 10, "ten frames");
      for (const frame of card.received) {
        expect([frame.bytes.length, frame.gsoType, frame.flags & NEEDS_CSUM]).toEqual([HEADERS_BYTES + 1448, 0, 0]);
      }
    });
  });
}

it("a header that makes no sense is the kernel's to refuse: counted, and the next frame goes", async () => {
  const backend = testTap({ name: "bad0", vnetHeader: true });
  const peer = testPeer("bad0", true);
  const came: Uint8Array[] = [];
  peer.onFrame = (frame) => came.push(frame);
  const card = new OffloadCard(backend);
  const good = segment(100);
  expect(card.send({ ...good, gsoType: 0x77 })).toBe(TxResult.Failed);
  expect(card.send({ ...good, gsoType: 0, csumStart: 60_000 })).toBe(TxResult.Failed);
  expect(backend.stats().dropped.refused).toBe(2);
  expect(card.send({ ...good, gsoType: 0 })).toBe(TxResult.Complete);
  await eventually(() => came.length > 0, "the good one");
});

describe("queue pairs", () => {
  it("a frame goes out through the descriptor of its queue, and answers of its flow come in there", async () => {
    const backend = testTap({ name: "mq0", queues: 4, vnetHeader: true });
    const card = new OffloadCard(backend);
    const peer = testPeer("mq0", true);
    expect(card.link.queuePairs).toBe(4);
    backend.setQueuePairs({} as Parameters<typeof backend.setQueuePairs>[0], 4);
    // The kernel learns from what goes out which queue a flow belongs to.
    for (let round = 0; round < 3; round++) {
      for (let queue = 0; queue < 4; queue++) card.send({ ...segment(100, 5000 + queue), gsoType: 0, queue });
    }
    for (let queue = 0; queue < 4; queue++) peer.send(answer(segment(100, 5000 + queue)));
    await eventually(() => card.received.length === 4, "four answers");
    const byPort = card.received.map(({ bytes, queue }) => [new DataView(bytes.buffer).getUint16(36) - 5000, queue]);
    expect(byPort.sort()).toEqual([0, 1, 2, 3].map((queue) => [queue, queue]));
  });

  it("a queue number beyond those in use is the first", () => {
    const backend = testTap({ name: "mq1", queues: 2 });
    const card = new OffloadCard(backend);
    for (const queue of [0, 1, 2, 77]) {
      expect(card.send({ ...segment(100), flags: 0, gsoType: 0, queue })).toBe(TxResult.Complete);
    }
    expect(backend.stats().framesOut).toBe(4);
  });

  it("frames arrive through the queues that are left when some are given up", async () => {
    const backend = testTap({ name: "mq2", queues: 3 });
    const card = new OffloadCard(backend);
    const driver = {} as Parameters<typeof backend.setQueuePairs>[0];
    const peer = testPeer("mq2");
    backend.setQueuePairs(driver, 3);
    backend.setQueuePairs(driver, 1);
    for (let port = 0; port < 16; port++) peer.send(segment(100, port).bytes);
    await eventually(() => card.received.length === 16, "all frames");
    expect(new Set(card.received.map(({ queue }) => queue))).toEqual(new Set([0]));
    expect(ip("-d link show mq2")).toContain("numqueues 1");
  });
});

/** The same flow seen from the other end. */
function answer(frame: OffloadFrame): Uint8Array {
  const { bytes } = frame;
  const swap = (a: number, b: number, length: number): void => {
    const [first, second] = [bytes.slice(a, a + length), bytes.slice(b, b + length)];
    bytes.set(second, a);
    bytes.set(first, b);
  };
  swap(0, 6, 6);
  swap(26, 30, 4);
  swap(34, 36, 2);
  return withHeader({ ...frame, gsoType: 0 });
}
