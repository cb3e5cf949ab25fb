import { type Frame, writeFrame } from "@vmmkit/ethif";
import type { GuestNetOptions } from "@vmmkit/guest-driver";
import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_HDR_F_DATA_VALID,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_RX_QUEUE,
} from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { join, readChain, scatter } from "./support/chains.ts";
import { expectFrames, LINE, laterTurn, makeRig, type Rig, testFrame } from "./support/rig.ts";

const FRAME = testFrame(60);
/** No MRG_RXBUF: the header has 10 bytes, a frame has one chain. */
const PLAIN: GuestNetOptions = {
  features: [VIRTIO_F_ANY_LAYOUT, VIRTIO_F_INDIRECT_DESC],
  rx: { autoRefill: false },
};
const MERGEABLE: GuestNetOptions = {
  features: [VIRTIO_F_ANY_LAYOUT, VIRTIO_NET_F_MRG_RXBUF],
  rx: { autoRefill: false },
};

/** Posts a chain of pieces to the receive ring. */
function postPieces({ machine, driver }: Rig, lengths: readonly number[]) {
  const parts = scatter(machine, lengths);
  const head = driver.rxRing.addChain([], parts);
  driver.rxRing.publish();
  if (driver.rxRing.kickNeeded()) driver.transport.notify(VIRTIO_NET_RX_QUEUE);
  return { head, parts };
}

describe("room for frames", () => {
  it("is guest memory behind the header, not a copy", () => {
    const rig = makeRig({ guest: PLAIN });
    const { head, parts } = postPieces(rig, [1000]);
    const room = rig.backend.allocate(60);
    expect(room?.rangeCount).toBe(1);
    expect(room?.bytes[0]).toBe(rig.machine.vm.memory.regions[0]?.bytes);
    expect(room?.gpa[0]).toBe((parts[0]?.gpa ?? 0) + 10);
    expect(room?.totalBytes).toBe(990);
    if (room === null) return;
    rig.backend.complete([room, FRAME]);
    expect(rig.driver.rxRing.popUsed()).toBe(head);
    expect(rig.driver.rxRing.usedLength).toBe(70);
    expect(readChain(rig.machine, parts, 70)).toEqual(join(new Uint8Array(10), FRAME));
  });

  it.each([
    ["header and frame in one descriptor", [70]],
    ["the header apart", [10, 60]],
    ["the header in pieces", [1, 2, 3, 4, 60]],
    ["a header that ends inside a descriptor", [4, 16, 50]],
    ["empty descriptors", [0, 10, 0, 0, 60, 0]],
    ["every byte apart", new Array<number>(70).fill(1)],
  ])("may have any layout (5.1.6.3): %s", (_what, lengths) => {
    const rig = makeRig({ guest: PLAIN });
    const { head, parts } = postPieces(rig, lengths);
    rig.machine.ram.bytes(parts[0]?.gpa ?? 0, lengths[0] ?? 0).fill(0xee);
    expect(rig.backend.deliver(FRAME)).toBe(true);
    expect(rig.driver.rxRing.popUsed()).toBe(head);
    expect(rig.driver.rxRing.usedLength).toBe(70);
    expect(readChain(rig.machine, parts, 70)).toEqual(join(new Uint8Array(10), FRAME));
  });

  it("says num_buffers 1 in the header of 12 bytes, and has no such field in that of 10 (5.1.6.1)", () => {
    const rig = makeRig({ guest: MERGEABLE });
    const { parts } = postPieces(rig, [100]);
    rig.backend.deliver(FRAME);
    const header = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    expect(readChain(rig.machine, parts, 72)).toEqual(join(header, FRAME));
  });

  it("is used in the order in which the guest posted it", () => {
    const rig = makeRig({ guest: PLAIN });
    const heads = [200, 300, 100].map((length) => postPieces(rig, [length]).head);
    for (let i = 0; i < 3; i++) rig.backend.deliver(testFrame(60, i));
    expect(heads.map(() => rig.driver.rxRing.popUsed())).toEqual(heads);
  });

  it("that a frame does not need goes to the next frame", () => {
    const { backend, driver, machine } = makeRig({ guest: { rx: { autoRefill: false } } });
    driver.postReceive(1);
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    backend.giveBack(room);
    expect(driver.rxRing.usedCount()).toBe(0);
    expect(backend.deliver(FRAME)).toBe(true);
    machine.settle();
    expect(driver.receiveAll()).toEqual([FRAME]);
  });

  it("several frames are out at a time, and come back together in an order of their own", () => {
    const { backend, driver, machine } = makeRig();
    const rooms = [0, 1, 2, 3].map(() => backend.allocate(100));
    const [a, b, c, d] = rooms;
    if (!a || !b || !c || !d) throw new Error("no room");
    expect(new Set(rooms).size).toBe(4);
    backend.complete([c, testFrame(60, 3)], [a, testFrame(61, 1)]);
    backend.giveBack(b);
    backend.complete([d, testFrame(62, 4)]);
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(60, 3), testFrame(61, 1), testFrame(62, 4)]);
    driver.verifyGuards();
  });

  it("frames given back together cost one interrupt at most", () => {
    const { backend, machine, driver, card } = makeRig();
    const rooms = Array.from({ length: 50 }, () => backend.allocate(60));
    backend.complete(...rooms.map((room, i) => [room as Frame, testFrame(60, i)] as const));
    expect(machine.interrupts.edges(LINE)).toBe(1);
    expect(card.counters.receiveQueue.interrupts).toBe(1);
    machine.settle();
    expect(driver.receiveAll()).toHaveLength(50);
    expect(card.counters.receive).toMatchObject({ frames: 50, bytes: 3000 });
  });

  it("the room objects are used again", () => {
    const { backend, machine } = makeRig();
    const objects = new Set<Frame>();
    for (let i = 0; i < 1000; i++) {
      const room = backend.allocate(60);
      if (room === null) throw new Error("no room");
      objects.add(room);
      backend.complete([room, FRAME]);
      if (i % 50 === 0) machine.settle();
    }
    expect(objects.size).toBe(1);
  });
});

describe("MRG_RXBUF (5.1.6.4)", () => {
  it.each([12, 13, 26, 100, 1000, 65_000])(
    "fills as many buffers of %i bytes as it takes, all but the last to the brim",
    (size) => {
      const queue = 8192;
      const { backend, driver, machine } = makeRig({
        link: { mtu: 65535 },
        card: { rxQueueSize: queue },
        guest: { rx: { bufferBytes: size, buffers: size > 1000 ? 8 : queue }, features: [VIRTIO_NET_F_MRG_RXBUF] },
      });
      for (const length of [14, 60, 1514, 9000, 65_549]) {
        // Buffers with nothing but a header cannot be merged into a frame (5.1.6.3.1), so the ring is too small for it.
        const fits = size - 12 + (queue - 1) * size >= length;
        if (!fits) continue;
        expect(backend.deliver(testFrame(length))).toBe(true);
        const buffers = 1 + Math.max(0, Math.ceil((length - (size - 12)) / size));
        expect(driver.rxRing.usedCount()).toBe(buffers);
        const lengths = Array.from(
          { length: buffers },
          (_, i) => driver.rxRing.raw.readUsed(driver.rxRing.lastUsedIdx + i).length,
        );
        expect(lengths.slice(0, -1).every((used) => used === size)).toBe(true);
        expect(lengths.reduce((sum, used) => sum + used, 0)).toBe(length + 12);
        machine.settle();
        expectFrames([driver.receive()], [testFrame(length)]);
        expect(driver.rxHeader.numBuffers).toBe(buffers);
      }
      driver.verifyGuards();
    },
  );

  it("takes no more buffers than the frame turns out to need", () => {
    const { backend, driver, machine } = makeRig({ guest: { rx: { bufferBytes: 100, buffers: 20 } } });
    for (let i = 0; i < 20; i++) {
      expect(backend.deliver(testFrame(60, i), 1514)).toBe(true);
      machine.settle();
      expect(driver.receive()).toEqual(testFrame(60, i));
      expect(driver.rxHeader.numBuffers).toBe(1);
    }
    expect(driver.counters.rxBuffers).toBe(20);
  });

  it("publishes all buffers of a frame together", () => {
    const { backend, driver, machine } = makeRig({ guest: { rx: { bufferBytes: 100 } } });
    const seen = new Set<number>();
    const room = backend.allocate(1000);
    if (room === null) throw new Error("no room");
    writeFrame(room, testFrame(1000));
    seen.add(driver.rxRing.usedCount());
    backend.driver.callbacks.rxComplete(1, [room], [1000]);
    seen.add(driver.rxRing.usedCount());
    expect([...seen]).toEqual([0, 11]);
    machine.settle();
    expect(driver.receive()).toEqual(testFrame(1000));
  });

  it("waits for more where what is posted is too little, and keeps what there is", () => {
    const rig = makeRig({ guest: { ...MERGEABLE, rx: { autoRefill: false, bufferBytes: 500 } } });
    const { backend, driver, machine } = rig;
    driver.postReceive(2);
    expect(backend.deliver(testFrame(1000))).toBe(false);
    // What is there is still good for a frame that fits.
    expect(backend.deliver(testFrame(300))).toBe(true);
    expect(backend.deliver(testFrame(1000))).toBe(false);
    backend.onPoll = () => backend.deliver(testFrame(1000));
    driver.postReceive(1);
    driver.postReceive(1);
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(300), testFrame(1000)]);
    expect(rig.card.counters.receive.noBuffers).toBe(3);
  });

  it("a frame that all the ring's buffers cannot hold is dropped, counted, and does not stop the queue", () => {
    const { backend, driver, machine, card } = makeRig({
      card: { rxQueueSize: 4 },
      guest: { rx: { bufferBytes: 200 } },
    });
    expect(backend.deliver(testFrame(1000))).toBe(true);
    expect(card.counters.receive.dropped.tooLong).toBe(1);
    expect(backend.deliver(testFrame(700))).toBe(true);
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(700)]);
    driver.verifyGuards();
  });

  it("buffers without a byte are given back and counted, not merged", () => {
    const rig = makeRig({ guest: MERGEABLE });
    const { backend, driver, card } = rig;
    const first = postPieces(rig, [42]);
    const empty = postPieces(rig, [0]);
    const last = postPieces(rig, [100]);
    expect(backend.deliver(FRAME)).toBe(true);
    expect(card.counters.receive.bufferTooSmall).toBe(1);
    const used = [0, 1, 2].map((slot) => driver.rxRing.raw.readUsed(slot));
    expect(used).toEqual([
      { id: empty.head, length: 0 },
      { id: first.head, length: 42 },
      { id: last.head, length: 30 },
    ]);
  });

  it("is not done without it: one chain a frame, however small (5.1.6.4)", () => {
    const rig = makeRig({ guest: PLAIN });
    postPieces(rig, [50]);
    postPieces(rig, [50]);
    expect(rig.backend.deliver(FRAME)).toBe(true);
    expect(rig.card.counters.receive.dropped.tooLong).toBe(1);
    expect(rig.backend.deliver(testFrame(40))).toBe(true);
    expect(rig.driver.rxRing.usedCount()).toBe(1);
  });
});

describe("buffers that are too small", () => {
  it("for the header are given back and counted; the next one is used", () => {
    const rig = makeRig({ guest: PLAIN });
    const { backend, driver, card } = rig;
    const small = postPieces(rig, [9]);
    const none = postPieces(rig, [0]);
    const good = postPieces(rig, [100]);
    expect(backend.deliver(FRAME)).toBe(true);
    expect(card.counters.receive).toMatchObject({ bufferTooSmall: 2, frames: 1, noBuffers: 0 });
    expect([driver.rxRing.popUsed(), driver.rxRing.popUsed(), driver.rxRing.popUsed()]).toEqual([
      small.head,
      none.head,
      good.head,
    ]);
  });

  it("nothing but such buffers: they go home at once, with an interrupt, and the backend waits", () => {
    const rig = makeRig({ guest: { ...PLAIN, features: [] } });
    const { backend, driver, machine, card } = rig;
    for (let i = 0; i < 5; i++) postPieces(rig, [3]);
    expect(backend.deliver(FRAME)).toBe(false);
    expect(driver.rxRing.usedCount()).toBe(5);
    expect(machine.interrupts.level(LINE)).toBe(true);
    expect(card.counters.receive).toMatchObject({ bufferTooSmall: 5, noBuffers: 1 });
  });

  it("chains that are refused on the way go home too", () => {
    const rig = makeRig({ guest: PLAIN });
    const { backend, driver, card } = rig;
    driver.rxRing.addChain([{ gpa: 0x1000, length: 100 }], []);
    driver.rxRing.publish();
    expect(backend.deliver(FRAME)).toBe(false);
    expect(driver.rxRing.usedCount()).toBe(1);
    expect(card.counters.receiveQueue.refused.wrongDirection).toBe(1);
  });

  it("what was seen of a refused chain is not part of the next one's room", () => {
    const rig = makeRig({ guest: PLAIN });
    const { backend, driver, machine } = rig;
    const [good, bad] = scatter(machine, [200, 200]);
    if (good === undefined || bad === undefined) throw new Error("no parts");
    driver.rxRing.addChain([], [good, { ...bad, gpa: 2 ** 40 }]);
    const { head, parts } = postPieces(rig, [100]);
    const room = backend.allocate(60);
    expect(room?.rangeCount).toBe(1);
    expect(room?.totalBytes).toBe(90);
    if (room === null) return;
    backend.complete([room, FRAME]);
    expect(readChain(machine, parts, 70)).toEqual(join(new Uint8Array(10), FRAME));
    expect(machine.ram.read(good.gpa, 200)).toEqual(new Uint8Array(200));
    expect(driver.rxRing.raw.readUsed(1)).toEqual({ id: head, length: 70 });
  });

  it("a chain that the guest changes after it was taken is refused the second time", () => {
    const rig = makeRig({ guest: PLAIN });
    const { backend, driver, card } = rig;
    const { head } = postPieces(rig, [100]);
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    backend.giveBack(room);
    driver.rxRing.raw.writeDescriptor(head, { addressHigh: 5 });
    expect(backend.deliver(FRAME)).toBe(false);
    expect(card.counters.receiveQueue.refused.addressOutOfRange).toBe(1);
    expect(driver.rxRing.raw.readUsed(0)).toEqual({ id: head, length: 0 });
    postPieces(rig, [100]);
    expect(backend.deliver(FRAME)).toBe(true);
  });
});

describe("frames that do not arrive are dropped whole, and counted", () => {
  const NONE = { tooShort: 0, tooLong: 0, offload: 0, linkDown: 0, reset: 0 };

  it("shorter than an Ethernet header", () => {
    const { backend, driver, machine, card } = makeRig();
    expect(backend.deliver(testFrame(13))).toBe(true);
    expect(card.counters.receive).toMatchObject({ frames: 0, dropped: { ...NONE, tooShort: 1 } });
    backend.deliver(testFrame(14));
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(14)]);
  });

  it("longer than the chain that the guest posted", () => {
    const { backend, driver, machine, card } = makeRig({
      guest: { features: [], rx: { bufferBytes: 200, buffers: 3 } },
    });
    for (let i = 0; i < 10; i++) expect(backend.deliver(testFrame(191))).toBe(true);
    expect(backend.deliver(testFrame(190))).toBe(true);
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(190)]);
    expect(card.counters.receive).toMatchObject({ frames: 1, dropped: { ...NONE, tooLong: 10 } });
    driver.verifyGuards();
  });

  it("5.1.4.1 longer than the MTU that the guest negotiated, and only then; a VLAN tag is beside it", () => {
    for (const features of [[VIRTIO_NET_F_MTU], []]) {
      const { backend, driver, machine, card } = makeRig({
        link: { mtu: 1280 },
        guest: { features, rx: { bufferBytes: 4096 } },
      });
      for (const [length, type] of [
        [1294, [0x08, 0x00]],
        [1295, [0x08, 0x00]],
        [1298, [0x81, 0x00]],
        [1298, [0x88, 0xa8]],
        [1299, [0x81, 0x00]],
        [1298, [0x81, 0x01]],
      ] as const) {
        const frame = testFrame(length);
        frame.set(type, 12);
        backend.deliver(frame);
      }
      machine.settle();
      const arrived = features.length === 0 ? 6 : 3;
      expect(driver.receiveAll()).toHaveLength(arrived);
      expect(card.counters.receive.dropped.tooLong).toBe(6 - arrived);
    }
  });

  it("with a checksum or segmentation left to a guest that did not agree to it (5.1.6.4.1)", () => {
    const { backend, driver, machine, card } = makeRig();
    const wrongs: ((room: Frame) => void)[] = [
      (room) => {
        room.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
      },
      (room) => {
        room.gsoType = 1;
      },
    ];
    for (const wrong of wrongs) {
      const room = backend.allocate(60);
      if (room === null) throw new Error("no room");
      wrong(room);
      backend.complete([room, FRAME]);
    }
    expect(card.counters.receive).toMatchObject({ frames: 0, dropped: { ...NONE, offload: 2 } });
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    room.flags = VIRTIO_NET_HDR_F_DATA_VALID;
    backend.complete([room, FRAME]);
    machine.settle();
    expect(driver.receiveAll()).toEqual([FRAME]);
    expect(driver.rxHeader.flags).toBe(0);
  });

  it("the end of a frame too long for the guest is nobody's, and never read", () => {
    const rig = makeRig({ guest: PLAIN });
    const { head } = postPieces(rig, [50]);
    const room = rig.backend.allocate(1000);
    expect(room?.totalBytes).toBe(1000);
    expect(room?.hostAddress[1]).toBe(0);
    if (room === null) return;
    rig.backend.complete([room, testFrame(40)]);
    expect(rig.driver.rxRing.popUsed()).toBe(head);
    expect(rig.driver.rxRing.usedLength).toBe(50);
  });
});

describe("what a backend does wrong is a RangeError, and harms no frame", () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("room for %d bytes", (size) => {
    const { backend } = makeRig();
    expect(() => backend.allocate(size)).toThrow(RangeError);
    expect(() => backend.allocate(size)).toThrow(`"sizeBytes" expected an integer from 1 on, got ${size}`);
  });

  it("a length that is none, or beyond the room", () => {
    const { backend, driver, machine } = makeRig({ guest: { rx: { bufferBytes: 212 } } });
    const { callbacks } = backend.driver;
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    for (const length of [-1, 201, 60.5, Number.NaN]) {
      expect(() => callbacks.rxComplete(1, [room], [length])).toThrow(`"lengths[0]" expected 0 to 200, got ${length}`);
    }
    expect(() => callbacks.rxComplete(1, [room], [])).toThrow("got -1");
    backend.complete([room, FRAME]);
    machine.settle();
    expect(driver.receiveAll()).toEqual([FRAME]);
  });

  it("a frame that is not out, or another's", () => {
    const { backend, driver, machine } = makeRig();
    const other = makeRig();
    const { callbacks } = backend.driver;
    const room = backend.allocate(60);
    const foreign = other.backend.allocate(60);
    if (room === null || foreign === null) throw new Error("no room");
    expect(() => callbacks.rxComplete(1, [foreign], [60])).toThrow(RangeError);
    expect(() => callbacks.rxComplete(1, [], [60])).toThrow('"frames" expected frames from allocateRxBuf');
    backend.complete([room, FRAME]);
    expect(() => backend.complete([room, FRAME])).toThrow(RangeError);
    machine.settle();
    expect(driver.receiveAll()).toEqual([FRAME]);
  });

  it("in the middle of a batch: the frames before are the guest's, those behind are still out", () => {
    const { backend, driver, machine } = makeRig();
    const [a, b] = [backend.allocate(60), backend.allocate(60)];
    if (a === null || b === null) throw new Error("no room");
    writeFrame(a, testFrame(60, 1));
    expect(() => backend.driver.callbacks.rxComplete(3, [a, a, b], [60, 60, 60])).toThrow(RangeError);
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(60, 1)]);
    backend.complete([b, testFrame(60, 2)]);
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(60, 2)]);
  });
});

describe.each([
  ["with EVENT_IDX", [VIRTIO_F_EVENT_IDX]],
  ["without EVENT_IDX", []],
])("starving and going on, %s", (_what, extra) => {
  const guest: GuestNetOptions = {
    features: [VIRTIO_NET_F_MRG_RXBUF, ...extra],
    rx: { autoRefill: false, bufferBytes: 1526 },
  };

  it("while there is room the guest is not asked to notify of more", () => {
    const { backend, driver } = makeRig({ guest });
    driver.postReceive(4);
    const { kicks } = driver.counters;
    for (let i = 0; i < 3; i++) {
      expect(backend.deliver(FRAME)).toBe(true);
      driver.postReceive(1);
    }
    expect(driver.counters.kicks).toBe(kicks);
  });

  it("without room it is, and the backend is called then", () => {
    const { backend, driver, machine } = makeRig({ guest });
    driver.postReceive(1);
    expect(backend.deliver(testFrame(60, 1))).toBe(true);
    expect(backend.deliver(testFrame(60, 2))).toBe(false);
    backend.onPoll = () => backend.deliver(testFrame(60, 2));
    const polls = backend.polls;
    driver.postReceive(1);
    expect(backend.polls).toBe(polls + 1);
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(60, 1), testFrame(60, 2)]);
    // Served: it is not called again for what comes now.
    driver.postReceive(1);
    driver.postReceive(1);
    expect(backend.polls).toBeLessThanOrEqual(polls + 2);
  });

  it("many rounds of one buffer each: no frame is lost and none stays behind", () => {
    const { backend, driver, machine } = makeRig({ guest });
    const waiting = Array.from({ length: 500 }, (_, i) => testFrame(60, i));
    const pump = () => {
      while (waiting[0] !== undefined && backend.deliver(waiting[0])) waiting.shift();
    };
    backend.onPoll = pump;
    pump();
    const arrived: Uint8Array[] = [];
    for (let round = 0; round < 500; round++) {
      driver.postReceive(1);
      machine.settle();
      arrived.push(...driver.receiveAll());
    }
    expect(waiting).toEqual([]);
    expectFrames(
      arrived,
      Array.from({ length: 500 }, (_, i) => testFrame(60, i)),
    );
  });

  it("a guest that posts while the backend asks in vain is seen without a notification (2.7.10)", () => {
    const rig = makeRig({ guest });
    const { backend, driver, machine } = rig;
    driver.postReceive(1);
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    // Posted, and not notified of as it was not asked for.
    driver.rxRing.addChain([], scatter(machine, [1526]));
    driver.rxRing.publish();
    expect(driver.rxRing.kickNeeded()).toBe(false);
    expect(backend.allocate(60)).not.toBe(null);
  });

  it("the guest posts between the last look and the wish: the wish is followed by a look", () => {
    const { backend, driver, machine } = makeRig({ guest });
    // The card's write of its wish is the moment: a guest on another core posts right before it.
    const region = machine.vm.memory.regions[0];
    if (region === undefined) throw new Error("no memory");
    driver.rxRing.addChain([], scatter(machine, [1526]));
    const store = Atomics.store;
    let posted = false;
    Atomics.store = ((array: Uint16Array, index: number, value: number) => {
      if (!posted) {
        posted = true;
        driver.rxRing.publish();
      }
      return store(array, index, value);
    }) as typeof Atomics.store;
    try {
      expect(backend.allocate(60)).not.toBe(null);
    } finally {
      Atomics.store = store;
    }
    expect(posted).toBe(true);
  });

  it("chains of a dropped frame come back without the guest's doing: the backend that waits is called", async () => {
    const { backend, driver, machine } = makeRig({ guest });
    driver.postReceive(1);
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    expect(backend.allocate(60)).toBe(null);
    backend.onPoll = () => backend.deliver(FRAME);
    backend.complete([room, testFrame(5)]);
    await laterTurn();
    machine.settle();
    expect(driver.receiveAll()).toEqual([FRAME]);
  });

  it("so do chains that a frame did not need", async () => {
    const { backend, driver, machine } = makeRig({ guest });
    driver.postReceive(4);
    const room = backend.allocate(6000);
    if (room === null) throw new Error("no room");
    expect(backend.allocate(60)).toBe(null);
    backend.onPoll = () => backend.deliver(testFrame(60, 2));
    backend.complete([room, testFrame(60, 1)]);
    await laterTurn();
    machine.settle();
    expect(driver.receiveAll()).toEqual([testFrame(60, 1), testFrame(60, 2)]);
  });

  it("a backend that gives room back unused is not called for that: it would never rest", async () => {
    const { backend, driver } = makeRig({ guest });
    driver.postReceive(3);
    backend.onPoll = () => {
      const rooms: Frame[] = [];
      for (let room = backend.allocate(60); room !== null; room = backend.allocate(60)) rooms.push(room);
      for (const room of rooms) backend.giveBack(room);
    };
    const polls = backend.polls;
    backend.onPoll();
    for (let i = 0; i < 5; i++) await laterTurn();
    expect(backend.polls).toBe(polls);
  });

  it("a backend that has all frames out that there can be is called when it gives one back", async () => {
    const { backend, driver } = makeRig({ guest, card: { rxQueueSize: 4 } });
    driver.postReceive(4);
    const rooms = [0, 1, 2, 3].map(() => backend.allocate(60));
    driver.reset();
    driver.start();
    driver.postReceive(4);
    // The old driver's frames are still out, and there are no others.
    expect(backend.allocate(60)).toBe(null);
    let got: Frame | null = null;
    backend.onPoll = () => {
      got ??= backend.allocate(60);
    };
    backend.complete([rooms[1] as Frame, new Uint8Array(0)]);
    await laterTurn();
    expect(got).toBe(rooms[1]);
  });

  it("notifications from within rawPoll are not lost, and rawPoll does not nest", async () => {
    const { backend, driver, machine } = makeRig({ guest });
    let depth = 0;
    let left = 20;
    backend.onPoll = () => {
      expect(++depth).toBe(1);
      while (left > 0 && backend.deliver(testFrame(60, left))) {
        left--;
      }
      // A guest on this thread that posts a buffer as soon as the backend waits for one.
      if (left > 0) driver.postReceive(1);
      depth--;
    };
    expect(backend.deliver(FRAME)).toBe(false);
    driver.postReceive(1);
    for (let i = 0; i < 25; i++) await laterTurn();
    machine.settle();
    expect(left).toBe(0);
    expect(driver.receiveAll()).toHaveLength(20);
  });

  it("a backend that throws in rawPoll is called again", async () => {
    const { backend, driver } = makeRig({ guest });
    expect(backend.allocate(60)).toBe(null);
    backend.onPoll = () => {
      throw new Error("broken poll");
    };
    expect(() => driver.postReceive(1)).toThrow("broken poll");
    let called = 0;
    backend.onPoll = () => called++;
    driver.postReceive(1);
    await laterTurn();
    expect(called).toBe(1);
  });

  it("before DRIVER_OK there is no room, and rawPoll is called at DRIVER_OK", () => {
    const { backend, driver } = makeRig({ guest, start: false });
    expect(backend.allocate(60)).toBe(null);
    driver.reset();
    driver.negotiate();
    driver.setUpQueues();
    driver.postReceive(1);
    expect(backend.polls).toBe(0);
    expect(backend.allocate(60)).toBe(null);
    driver.goLive();
    expect(backend.polls).toBe(1);
    expect(backend.deliver(FRAME)).toBe(true);
  });
});

describe("2.7.9, 2.8.8 a driver that wants its buffers back in order", () => {
  it.each(["split", "packed"] as const)("%s: a frame does not wait for what the one before it left over", (ring) => {
    const { backend, driver } = makeRig({
      transport: "modern",
      guest: { ring, inOrder: true, interrupts: "off", rx: { bufferBytes: 512 } },
    });
    const first = backend.allocate(1200);
    const second = backend.allocate(60);
    if (first === null || second === null) throw new Error("the guest has room for both");
    backend.complete([first, testFrame(60, 1)]);
    expect(driver.receive()).toEqual(testFrame(60, 1));
    backend.complete([second, testFrame(60, 2)]);
    expect(driver.receive()).toEqual(testFrame(60, 2));
    for (let i = 0; i < 600; i++) {
      backend.deliver(testFrame(60, i), 1200);
      expect(driver.receive()).toEqual(testFrame(60, i));
    }
  });
});
