/* Rooms in chains of the usual kind, many of them out at a time, and what may happen meanwhile. */
import { allocateRxBufs, type Frame } from "@vmmkit/ethif";
import type { GuestNetOptions } from "@vmmkit/guest-driver";
import { VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC, VIRTIO_NET_RX_QUEUE } from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { makeRig, type Rig, testFrame } from "./support/rig.ts";
import { TestBackend } from "./support/test-backend.ts";

const FRAMES = Array.from({ length: 100 }, (_, seed) => testFrame(60 + seed, seed));

/** How a backend asks for rooms: for each by itself, or for all at once. */
type Asks = (rig: Rig) => (Frame | null)[];

const ONE_BY_ONE: Asks = (rig) => FRAMES.map((bytes) => rig.backend.allocate(bytes.length));
const TOGETHER: Asks = ({ backend }) => {
  const rooms: Frame[] = [];
  const lengths = FRAMES.map((bytes) => bytes.length);
  expect(allocateRxBufs(backend.driver.callbacks, FRAMES.length, rooms, lengths)).toBe(FRAMES.length);
  return rooms;
};
const FORMATS = [
  ["split", {}],
  ["split, tables", { indirect: "always", features: [VIRTIO_F_INDIRECT_DESC] }],
  ["split, in order", { features: [VIRTIO_F_IN_ORDER] }],
  ["packed", { ring: "packed" }],
] as const satisfies readonly (readonly [string, GuestNetOptions])[];

/** The frames that the guest got since it was last asked. */
function received(rig: Rig): Uint8Array[] {
  rig.machine.settle();
  const frames: Uint8Array[] = [];
  for (let frame = rig.driver.receive(); frame !== null; frame = rig.driver.receive()) frames.push(frame);
  return frames;
}

/** Chains of the receive queue that are out, as the card is saved. */
function chainsOut(rig: Rig): number {
  const { queues } = rig.card.save().device as { queues: readonly ({ chains: readonly object[] } | null)[] };
  return queues[VIRTIO_NET_RX_QUEUE]?.chains.length ?? -1;
}

describe.each(
  FORMATS.flatMap(([name, guest]) => [
    [`${name}, one by one`, guest, ONE_BY_ONE] as const,
    [`${name}, together`, guest, TOGETHER] as const,
  ]),
)("rooms that are out, %s", (name, guest: GuestNetOptions, ask) => {
  const inOrder = name.startsWith("split, in order");

  /** Rooms for all frames, with the frames in them. The card looked at the chains a run at a time. */
  function fillRooms(rig: Rig): [Frame, Uint8Array][] {
    const rooms = ask(rig);
    return FRAMES.map((bytes, i) => {
      const room = rooms[i] ?? null;
      if (room === null) throw new Error("the guest has posted as many");
      return [room, bytes];
    });
  }

  function rigOf(): Rig {
    return makeRig({ transport: "modern", guest });
  }

  it("go to the guest together, and can be had again", () => {
    const rig = rigOf();
    for (let round = 0; round < 5; round++) {
      rig.backend.complete(...fillRooms(rig));
      expect(received(rig)).toEqual(FRAMES);
    }
    expect(rig.card.counters.receive).toMatchObject({ frames: 500 });
    expect(rig.card.counters.receiveQueue.stopped).toBe(0);
  });

  it("go to the guest as they come back, in any order, some of them unused", () => {
    const rig = rigOf();
    const rooms = fillRooms(rig);
    const halves = [rooms.slice(50).reverse(), rooms.slice(0, 50)];
    const unused = rig.backend.allocate(60);
    if (unused === null) throw new Error("the guest has posted more");
    for (const half of halves) rig.backend.complete(...half);
    rig.backend.giveBack(unused);
    // In order, they are shown in the order in which their rooms were taken.
    expect(received(rig)).toEqual(inOrder ? FRAMES : halves.flat().map(([, bytes]) => bytes));
    rig.backend.complete(...fillRooms(rig));
    expect(received(rig)).toEqual(FRAMES);
  });

  it("do not hold back frames in later ones where the last one that is out comes back unused", () => {
    const rig = rigOf();
    const first = rig.backend.allocate(60);
    if (first === null) throw new Error("the guest has posted more");
    rig.backend.complete(...fillRooms(rig));
    rig.backend.giveBack(first);
    // In order, an empty buffer before them.
    expect(received(rig)).toEqual(FRAMES);
    rig.backend.complete(...fillRooms(rig));
    expect(received(rig)).toEqual(FRAMES);
  });

  it("are among the chains that are saved, all of them", () => {
    const rig = rigOf();
    const rooms = fillRooms(rig);
    expect(chainsOut(rig)).toBe(FRAMES.length);
    rig.backend.complete(...rooms);
    expect(chainsOut(rig)).toBe(0);
    expect(received(rig)).toEqual(FRAMES);
  });

  it("become empty with a reset of the card, and what was in them is dropped", () => {
    const rig = rigOf();
    const rooms = fillRooms(rig);
    rig.driver.reset();
    for (const [room] of rooms) expect([room.rangeCount, room.firstLength]).toEqual([0, 0]);
    rig.driver.start();
    rig.backend.complete(...rooms);
    expect(received(rig)).toEqual([]);
    expect(rig.card.counters.receive.dropped.reset).toBe(FRAMES.length);
    rig.backend.complete(...fillRooms(rig));
    expect(received(rig)).toEqual(FRAMES);
  });

  it("are found again where guest memory changed", () => {
    const rig = rigOf();
    const { memory } = rig.machine.vm;
    const rooms = fillRooms(rig);
    const gpa = 2 ** 40;
    memory.addRegion({ gpa, size: 4096, buffer: new ArrayBuffer(4096) });
    rig.backend.complete(...rooms);
    expect(received(rig)).toEqual(FRAMES);
    rig.backend.complete(...fillRooms(rig));
    expect(received(rig)).toEqual(FRAMES);
  });

  it("are dropped while there is no link", () => {
    const rig = rigOf();
    const rooms = fillRooms(rig);
    rig.backend.driver.callbacks.linkChange(false);
    rig.backend.complete(...rooms);
    expect(received(rig)).toEqual([]);
    expect(rig.card.counters.receive.dropped.linkDown).toBe(FRAMES.length);
    rig.backend.driver.callbacks.linkChange(true);
    rig.backend.complete(...fillRooms(rig));
    expect(received(rig)).toEqual(FRAMES);
  });

  it("are the next backend's where theirs is swapped", () => {
    const rig = rigOf();
    const rooms = fillRooms(rig);
    const next = new TestBackend();
    rig.card.setBackend(next.funcs);
    for (const [room] of rooms) expect(room.rangeCount).toBe(0);
    for (const bytes of FRAMES) expect(next.deliver(bytes)).toBe(true);
    expect(received(rig)).toEqual(FRAMES);
  });

  it("do not go back twice, nor with more than they hold; those before are the guest's", () => {
    const rig = rigOf();
    const rooms = fillRooms(rig);
    const { callbacks } = rig.backend.driver;
    const [first, second, third] = rooms.map(([room]) => room);
    if (first === undefined || second === undefined || third === undefined) throw new Error("there are a hundred");
    expect(() => callbacks.rxComplete(2, [first, first], [60, 60])).toThrow('"frames" expected');
    expect(() => callbacks.rxComplete(2, [second, third], [61, 1_000_000])).toThrow('"lengths[1]" expected');
    expect(() => callbacks.rxComplete(1, [third], [-1])).toThrow('"lengths[0]" expected');
    expect(received(rig).length).toBe(2);
    rig.backend.complete(...rooms.slice(2));
    expect(received(rig)).toEqual(FRAMES.slice(2));
  });

  it("have offload fields of their own each time", () => {
    const rig = rigOf();
    const room = rig.backend.allocate(60);
    if (room === null) throw new Error("the guest has posted as many");
    Object.assign(room, { flags: 1, csumStart: 14, csumOffset: 16, hdrLen: 5 });
    rig.backend.giveBack(room);
    for (const [next] of fillRooms(rig)) expect([next.flags, next.gsoType]).toEqual([0, 0]);
  });
});

describe("rooms in several regions", () => {
  it("are told apart while those of both are out", () => {
    const rig = makeRig({ guest: { rx: { autoRefill: false } } });
    const { memory } = rig.machine.vm;
    const high = memory.addRegion({ gpa: 2 ** 33, size: 1 << 20, buffer: new ArrayBuffer(1 << 20) });
    const rooms: Frame[] = [];
    const post = (from: number): void => {
      for (let i = 0; i < 20; i++) rig.driver.rxRing.addChain([], [{ gpa: from + 2048 * i, length: 2048 }]);
      rig.driver.rxRing.publish();
      rig.driver.transport.notify(VIRTIO_NET_RX_QUEUE);
    };
    const low = rig.machine.ram.alloc(20 * 2048);
    for (const from of [low, high.gpa, low, high.gpa + 20 * 2048]) post(from);
    for (let i = 0; i < 80; i++) {
      const room = rig.backend.allocate(60);
      if (room !== null) rooms.push(room);
    }
    expect(rooms.length).toBe(80);
    const inHigh = rooms.map((room) => room.firstBytes === high.bytes);
    expect(inHigh).toEqual(Array.from({ length: 80 }, (_, i) => Math.floor(i / 20) % 2 === 1));
    const last = rooms.slice(60);
    rig.backend.complete(...last.map((room, i): [Frame, Uint8Array] => [room, FRAMES[i] ?? new Uint8Array(60)]));
    const headerBytes = (last[0]?.gpa[0] ?? 0) - (high.gpa + 20 * 2048);
    for (let i = 0; i < 20; i++) {
      const at = 20 * 2048 + 2048 * i;
      expect(high.bytes.subarray(at + headerBytes, at + headerBytes + 60 + i)).toEqual(FRAMES[i]);
      expect([...high.bytes.subarray(at, at + 10)]).toEqual(new Array(10).fill(0));
    }
    rig.backend.complete(...rooms.slice(0, 60).map((room): [Frame, Uint8Array] => [room, testFrame(60)]));
    expect(rig.card.counters.receive.frames).toBe(80);
    expect(rig.card.counters.receiveQueue.stopped).toBe(0);
  });
});
