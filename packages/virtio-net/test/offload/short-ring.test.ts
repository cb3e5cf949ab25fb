/* Long frames for a guest that takes them, but whose receive queue does not hold them (VIRTIO 1.2, 5.1.6.3.2). */
import { type Frame, writeFrame } from "@vmmkit/ethif";
import { GUEST_NET_FEATURES, GUEST_NET_OFFLOADS, makePacket, type OpenPacket, readPacket } from "@vmmkit/guest-driver";
import * as virtio from "@vmmkit/virtio";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectFrames, makeRig, type Rig, type RigOptions, testFrame } from "../support/rig.ts";
import { makeStateRig } from "../support/state-rig.ts";

const ALL = 63;
const MSS = 1448;
const FEATURES = [virtio.VIRTIO_F_VERSION_1, ...GUEST_NET_FEATURES, ...GUEST_NET_OFFLOADS];
const PLAIN = FEATURES.filter((bit) => bit !== virtio.VIRTIO_NET_F_MRG_RXBUF);

function packetOf(payloadBytes: number, seed = 0): OpenPacket {
  const payload = Uint8Array.from({ length: payloadBytes }, (_, i) => i * 7 + (i >> 8) + seed);
  return makePacket({ version: 4, protocol: "tcp", payload, tcpOptions: 12, sequence: 1000 + seed });
}

function fields({ csumStart, csumOffset, headerBytes }: OpenPacket): Partial<Frame> {
  return { flags: 1, csumStart, csumOffset, hdrLen: headerBytes, gsoType: 1, gsoSize: MSS };
}

/** A modern driver that takes every long frame, and whose receive queue is as it wants it. */
function shortRing(rx: NonNullable<RigOptions["guest"]>["rx"], options: RigOptions = {}): Rig {
  const guest = { features: FEATURES, ...options.guest, ...(rx !== undefined && { rx }) };
  return makeRig({ transport: "modern", link: { rxOffloads: ALL }, ...options, guest });
}

/** As a TAP does: asks for room for the longest frame there is, whatever comes. */
function deliver({ backend }: Rig, packet: OpenPacket, roomBytes = 65_553): boolean {
  const room = backend.allocate(roomBytes);
  if (room === null) return false;
  Object.assign(room, fields(packet));
  writeFrame(room, packet.bytes);
  backend.driver.callbacks.rxComplete(1, [room], [packet.bytes.length]);
  return true;
}

function take({ machine, driver }: Rig): Uint8Array[] {
  machine.settle();
  return driver.receiveAll();
}

const payloads = (frames: readonly Uint8Array[]) => Buffer.concat(frames.map((frame) => readPacket(frame).payload));

describe("a receive queue that the driver made shorter than a long frame", () => {
  it.each([
    ["split", { ringSize: 32, bufferBytes: 1526 }, "split"],
    ["split, the least that a frame of the MTU needs", { ringSize: 2, bufferBytes: 1526 }, "split"],
    ["packed, 13 entries", { ringSize: 13, bufferBytes: 1526 }, "packed"],
    ["chains of two descriptors", { ringSize: 64, bufferBytes: 1526, buffers: 32, pieceBytes: 1000 }, "split"],
  ] as const)("%s: it goes in segments, each of which asks for its checksum alone", (_what, rx, ring) => {
    const rig = shortRing(rx, { guest: { features: FEATURES, ring, indirect: "never" } });
    const packet = packetOf(60_000);
    expect(deliver(rig, packet)).toBe(true);
    const frames: Uint8Array[] = [];
    for (let more = take(rig); more.length > 0; more = take(rig)) {
      for (const frame of more) expect(frame.length).toBeLessThanOrEqual(1514);
      frames.push(...more);
    }
    expect(payloads(frames).equals(payloads([packet.bytes]))).toBe(true);
    expect(rig.driver.rxHeader).toMatchObject({ flags: 1, gsoType: 0, gsoSize: 0 });
    expect(rig.card.counters.receive.dropped).toMatchObject({ tooLong: 0, offload: 0, noBuffers: 0 });
  });

  it("what the ring does hold comes whole, although the backend asked for more room", () => {
    const rig = shortRing({ ringSize: 32, bufferBytes: 1526 });
    const packet = packetOf(20_000);
    deliver(rig, packet);
    expectFrames(take(rig), [packet.bytes]);
    expect(rig.driver.rxHeader).toMatchObject({ flags: 1, gsoType: 1, gsoSize: MSS, numBuffers: 14 });
  });

  it("a frame of the MTU takes the same way, untouched", () => {
    const rig = shortRing({ ringSize: 16, bufferBytes: 1526 });
    const room = rig.backend.allocate(65_553) as Frame;
    rig.backend.complete([room, testFrame(1514)]);
    expectFrames(take(rig), [testFrame(1514)]);
    expect(rig.driver.rxHeader).toMatchObject({ flags: 0, gsoType: 0, numBuffers: 1 });
  });

  it("without MRG_RXBUF, buffers that are too short for what the driver takes", () => {
    const rig = shortRing({ bufferBytes: 1526 }, { guest: { features: PLAIN } });
    const packet = packetOf(30_000);
    deliver(rig, packet, packet.bytes.length);
    expect(payloads(take(rig)).equals(payloads([packet.bytes]))).toBe(true);
  });

  it("is not done where the embedder wants none of it: softwareOffloads false", () => {
    const rig = shortRing({ ringSize: 16, bufferBytes: 1526 }, { card: { softwareOffloads: false } });
    expect(deliver(rig, packetOf(60_000))).toBe(true);
    expect(take(rig)).toEqual([]);
    expect(rig.card.counters.receive.dropped).toMatchObject({ tooLong: 1 });
  });

  it("a frame for another pair is segmented there", () => {
    const features = [virtio.VIRTIO_NET_F_CTRL_VQ, virtio.VIRTIO_NET_F_MQ];
    const { driver, backend } = makeStateRig({
      link: { rxOffloads: ALL },
      card: { queuePairs: 2, rxQueueSize: 64 },
      guest: { features: [...FEATURES, ...features], queuePairs: 2, rx: { bufferBytes: 600 } },
    });
    driver.control.setQueuePairs(2);
    const packet = packetOf(37_000);
    // The flow was last seen on the second pair; its answer lies in room of the first.
    const back = makePacket({ version: 4, protocol: "tcp", payload: new Uint8Array(10) });
    const swapped = back.bytes.slice();
    swapped.copyWithin(26, 30, 34);
    swapped.set(back.bytes.subarray(26, 30), 30);
    swapped.copyWithin(34, 36, 38);
    swapped.set(back.bytes.subarray(34, 36), 36);
    driver.sendOn(1, swapped);
    const room = backend.allocate(packet.bytes.length);
    if (room === null) throw new Error("no room");
    expect(room.queue).toBe(0);
    Object.assign(room, fields(packet));
    writeFrame(room, packet.bytes);
    backend.driver.callbacks.rxComplete(1, [room], [packet.bytes.length]);
    expect(driver.receiveFrom(0)).toEqual([]);
    expect(payloads(driver.receiveFrom(1)).equals(payloads([packet.bytes]))).toBe(true);
  });
});

describe("any queue, any buffers, any frames", () => {
  it("all payload arrives once, in order, and nothing stalls", () => {
    const frames = fc.array(fc.integer({ min: 1, max: 65_000 }), { minLength: 1, maxLength: 6 });
    const rings = fc.record({
      ring: fc.constantFrom("split" as const, "packed" as const),
      ringSize: fc.constantFrom(2, 4, 8, 16, 32, 64, 128),
      bufferBytes: fc.integer({ min: 1526, max: 4096 }),
      pieceBytes: fc.constantFrom(700, 5000),
      indirect: fc.constantFrom("never" as const, "chains" as const),
      inOrder: fc.boolean(),
    });
    fc.assert(
      fc.property(rings, frames, ({ ring, ringSize, bufferBytes, pieceBytes, indirect, inOrder }, sizes) => {
        const parts = indirect === "never" ? Math.ceil(bufferBytes / pieceBytes) : 1;
        if (Math.ceil(bufferBytes / pieceBytes) > ringSize) return;
        const buffers = Math.floor(ringSize / parts);
        const rig = shortRing(
          { ringSize, bufferBytes, pieceBytes, buffers },
          { guest: { features: FEATURES, ring, indirect, inOrder } },
        );
        const packets = sizes.map((size, i) => packetOf(size, i));
        const got: Uint8Array[] = [];
        let next = 0;
        // Each look takes what came, posts its buffers again, and tries the next frame: more looks than there are segments.
        for (let looks = 0; looks < 60 * packets.length + 10; looks++) {
          const packet = packets[next];
          if (packet !== undefined && deliver(rig, packet)) next++;
          got.push(...take(rig));
        }
        expect(next).toBe(packets.length);
        expect(payloads(got).equals(payloads(packets.map(({ bytes }) => bytes)))).toBe(true);
        rig.driver.verifyGuards();
      }),
      { numRuns: 60 },
    );
  });
});
