/* Frames that leave something to a guest which may not have agreed to it (VIRTIO 1.2, 5.1.6.4). */
import { type Frame, Offload, writeFrame } from "@vmmkit/ethif";
import { GUEST_NET_FEATURES, makePacket, type OpenPacket, readPacket } from "@vmmkit/guest-driver";
import { describe, expect, it } from "vitest";
import { expectFrames, makeRig, type Rig, type RigOptions, testFrame } from "../support/rig.ts";

const GUEST_CSUM = 1;
const GUEST_TSO4 = 7;
const GUEST_TSO6 = 8;
const GUEST_ECN = 9;
const GUEST_UFO = 10;
const ALL = 63;
const EVERYTHING = [GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, GUEST_UFO];
const MRG_RXBUF = 15;
const PLAIN = GUEST_NET_FEATURES.filter((bit) => bit !== MRG_RXBUF);

const payload = Uint8Array.from({ length: 20_000 }, (_, i) => i * 7 + (i >> 8));
const TCP4 = makePacket({ version: 4, protocol: "tcp", payload, tcpOptions: 12, tcpFlags: 0x98 });
const TCP6 = makePacket({ version: 6, protocol: "tcp", payload, tcpOptions: 12 });
const SHORT = makePacket({ version: 4, protocol: "udp", payload: payload.slice(0, 101) });

function rigWith(features: readonly number[], options: RigOptions = {}): Rig {
  return makeRig({ link: { rxOffloads: ALL }, guest: { features: [...GUEST_NET_FEATURES, ...features] }, ...options });
}

/** Asks for room, fills it and its fields, and gives it back. Null where there is no room. */
function deliver({ backend }: Rig, packet: OpenPacket, fields: Partial<Frame>): Frame | null {
  const room = backend.allocate(packet.bytes.length);
  if (room === null) return null;
  const { csumStart, csumOffset } = packet;
  Object.assign(room, { flags: 1, csumStart, csumOffset, hdrLen: packet.headerBytes }, fields);
  expect(writeFrame(room, packet.bytes)).toBe(packet.bytes.length);
  backend.driver.callbacks.rxComplete(1, [room], [packet.bytes.length]);
  return room;
}

const TSO4 = { gsoType: 1, gsoSize: 1448 };
const TSO6 = { gsoType: 4, gsoSize: 1428 };

function payloads(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(frames.map((frame) => readPacket(frame).payload));
}

describe("a guest that agreed", () => {
  it("gets frames as they are, with their fields", () => {
    const rig = rigWith(EVERYTHING);
    deliver(rig, TCP4, { ...TSO4, gsoType: 0x81 });
    rig.machine.settle();
    expectFrames(rig.driver.receiveAll(), [TCP4.bytes]);
    expect(rig.driver.rxHeader).toMatchObject({
      flags: 1,
      gsoType: 0x81,
      gsoSize: 1448,
      csumStart: 34,
      csumOffset: 16,
    });
    deliver(rig, SHORT, { flags: 6 });
    rig.machine.settle();
    expectFrames(rig.driver.receiveAll(), [SHORT.bytes]);
    expect(rig.driver.rxHeader.flags).toBe(2);
  });

  it("without MRG_RXBUF, in one buffer that is long enough", () => {
    const guest = { features: [...PLAIN, ...EVERYTHING], rx: { bufferBytes: 65_562, buffers: 8 } };
    const rig = rigWith([], { guest });
    deliver(rig, TCP4, TSO4);
    rig.machine.settle();
    expectFrames(rig.driver.receiveAll(), [TCP4.bytes]);
  });
});

describe("a guest that did not agree", () => {
  it("to checksums gets them filled in, where the frame lies", () => {
    const rig = rigWith([]);
    const room = deliver(rig, SHORT, {});
    expect(room?.bytes[0]).toBe(rig.machine.vm.memory.regions[0]?.bytes);
    rig.machine.settle();
    const frames = rig.driver.receiveAll();
    expect(frames.map(readPacket)).toMatchObject([{ transportChecksumGood: true }]);
    expect(rig.driver.rxHeader).toMatchObject({ flags: 0, csumStart: 0, csumOffset: 0, numBuffers: 1 });
  });

  const GUESTS: [string, RigOptions["guest"]][] = [
    ["MRG_RXBUF and buffers of 2048", { features: GUEST_NET_FEATURES }],
    ["MRG_RXBUF and buffers of 300", { features: GUEST_NET_FEATURES, rx: { bufferBytes: 300 } }],
    ["buffers for one frame each", { features: PLAIN }],
    [
      "chains of short pieces",
      { features: PLAIN, rx: { pieceBytes: 100, headerApart: true, buffers: 32 }, indirect: "always" },
    ],
    ["no feature at all", { features: [] }],
  ];
  describe.each(GUESTS)("%s", (_what, guest) => {
    it.each([
      ["TCP over IPv4", TCP4, TSO4],
      ["TCP over IPv6", TCP6, TSO6],
    ] as const)("%s in segments", (_kind, packet, fields) => {
      const rig = rigWith([], { guest: guest ?? {}, card: { rxQueueSize: 1024 } });
      expect(deliver(rig, packet, fields)).not.toBe(null);
      rig.machine.settle();
      const frames = rig.driver.receiveAll();
      expect(payloads(frames).equals(payload)).toBe(true);
      for (const frame of frames) {
        expect(frame.length).toBeLessThanOrEqual(1514);
        expect(readPacket(frame)).toMatchObject({ transportChecksumGood: true, ipChecksumGood: true });
      }
      expect(rig.driver.rxHeader).toMatchObject({ flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0 });
      expect(rig.card.counters.receive).toMatchObject({ frames: frames.length });
      rig.driver.verifyGuards();
    });
  });

  it("to segmentation but to checksums gets segments with theirs left open", () => {
    const rig = rigWith([GUEST_CSUM]);
    deliver(rig, TCP4, TSO4);
    rig.machine.settle();
    const frames = rig.driver.receiveAll();
    expect(payloads(frames).equals(payload)).toBe(true);
    expect(rig.driver.rxHeader).toMatchObject({ flags: 1, gsoType: 0, csumStart: 34, csumOffset: 16 });
  });

  it.each<[string, readonly number[], Partial<Frame>]>([
    ["TCP over IPv4, to IPv6", [GUEST_CSUM, GUEST_TSO6], TSO4],
    ["ECN", [GUEST_CSUM, GUEST_TSO4], { ...TSO4, gsoType: 0x81 }],
  ])("%s, though it takes other long frames", (_what, features, fields) => {
    const rig = rigWith(features);
    deliver(rig, TCP4, fields);
    rig.machine.settle();
    const frames = rig.driver.receiveAll();
    expect(frames.length).toBe(14);
    expect(frames.map((frame) => readPacket(frame).tcpFlags)).toEqual([0x90, ...new Array(12).fill(0x10), 0x18]);
  });

  it("and may not have it done gets nothing: softwareOffloads false", () => {
    const rig = rigWith([], { card: { softwareOffloads: false } });
    deliver(rig, SHORT, {});
    deliver(rig, TCP4, TSO4);
    rig.machine.settle();
    expect(rig.driver.receiveAll()).toEqual([]);
    expect(rig.card.counters.receive).toMatchObject({ frames: 0, dropped: { offload: 2 } });
  });

  it("gets nothing of what is not what it says", () => {
    const rig = rigWith([]);
    deliver(rig, TCP4, { ...TSO4, gsoType: 4 });
    deliver(rig, TCP4, { ...TSO4, gsoSize: 0 });
    deliver(rig, TCP4, { ...TSO4, gsoSize: 1461 });
    deliver(rig, SHORT, { csumOffset: 200 });
    deliver(rig, SHORT, { gsoType: 9 });
    rig.machine.settle();
    expect(rig.driver.receiveAll()).toEqual([]);
    expect(rig.card.counters.receive).toMatchObject({ frames: 0, dropped: { offload: 5 } });
  });
});

describe("a guest that has less room than the segments need", () => {
  it("gets them as it posts buffers, in order, and what comes behind waits", () => {
    const rig = rigWith([], { guest: { features: GUEST_NET_FEATURES, rx: { buffers: 4, autoRefill: false } } });
    const { driver, backend, machine } = rig;
    driver.postReceive(4);
    const small = backend.allocate(60);
    expect(deliver(rig, TCP4, TSO4)).not.toBe(null);
    // A frame that had its room before comes behind.
    if (small === null) throw new Error("no room");
    backend.complete([small, testFrame(60)]);
    expect(backend.allocate(60)).toBe(null);
    const polls = backend.polls;
    const frames: Uint8Array[] = [];
    for (let i = 0; i < 20; i++) {
      machine.settle();
      frames.push(...driver.receiveAll());
      driver.postReceive(4);
    }
    expect(frames).toHaveLength(15);
    expect(payloads(frames.slice(0, 14)).equals(payload)).toBe(true);
    expect(frames[14]).toEqual(testFrame(60));
    expect(backend.polls).toBeGreaterThan(polls);
    expect(backend.deliver(testFrame(70))).toBe(true);
    machine.settle();
    expectFrames(driver.receiveAll(), [testFrame(70)]);
  });

  it("has at most 16 long frames waiting; then the backend is told that there is no room", async () => {
    const rig = rigWith([]);
    const rooms: Frame[] = [];
    for (let room = rig.backend.allocate(30_000); room !== null; room = rig.backend.allocate(30_000)) rooms.push(room);
    expect(rooms).toHaveLength(16);
    const polls = rig.backend.polls;
    rig.backend.giveBack(rooms[0] as Frame);
    await new Promise((resolve) => setImmediate(resolve));
    expect(rig.backend.polls).toBe(polls + 1);
    expect(rig.backend.allocate(30_000)).not.toBe(null);
  });

  it.each(["reset", "link"] as const)("loses them, counted, at a %s", (event) => {
    const rig = rigWith([], { guest: { features: GUEST_NET_FEATURES, rx: { buffers: 4 } } });
    deliver(rig, TCP4, TSO4);
    if (event === "reset") rig.driver.start();
    else rig.card.setLink(false);
    const { dropped } = rig.card.counters.receive;
    expect(event === "reset" ? dropped.reset : dropped.linkDown).toBe(1);
    rig.card.setLink(true);
    rig.machine.settle();
    rig.driver.receiveAll();
    expect(rig.backend.deliver(testFrame(60))).toBe(true);
    rig.machine.settle();
    expectFrames(rig.driver.receiveAll(), [testFrame(60)]);
  });
});

describe("the backend is told what the guest takes", () => {
  it("at the start of a driver, and that it is nothing once it is gone", () => {
    const told: number[] = [];
    const features = [...GUEST_NET_FEATURES, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6];
    const link = { rxOffloads: Offload.Csum | Offload.Tso4 | Offload.Uso };
    const rig = makeRig({ link, guest: { features }, start: false });
    rig.backend.funcs.setRxOffloads = (_driver, offloads) => told.push(offloads);
    rig.driver.start();
    rig.driver.reset();
    rig.driver.reset();
    expect(told).toEqual([Offload.Csum | Offload.Tso4, 0]);
  });
});
