/* Several queue pairs: which are used, and where frames go (VIRTIO 1.2, 5.1.2, 5.1.6.5.5 to 5.1.6.5.7). */
import { type Frame, readFrame, writeFrame } from "@vmmkit/ethif";
import * as virtio from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { makeStateRig, type StateRig, type StateRigOptions } from "./support/state-rig.ts";

const MQ = [virtio.VIRTIO_NET_F_CTRL_VQ, virtio.VIRTIO_NET_F_MQ];
const RSS = [...MQ, virtio.VIRTIO_NET_F_RSS];
const PAIRS = 4;
const KEY = new Uint8Array(40).map((_, i) => (i * 37 + 11) & 0xff);

/** A UDP packet from one port to another, between two addresses that are the other way round when it comes back. */
function udp(from: number, to: number, back = false, mark = 0): Uint8Array {
  const frame = new Uint8Array(80);
  const [a, b] = [
    [10, 0, 0, 1],
    [10, 0, 0, 2],
  ] as const;
  frame.set([8, 0, 0x45, 0, 0, 66, 0, 0, 0, 0, 64, 17, 0, 0, ...(back ? b : a), ...(back ? a : b)], 12);
  frame.set([from >> 8, from & 255, to >> 8, to & 255], 34);
  frame[79] = mark;
  return frame;
}

function rig(options: StateRigOptions = {}): StateRig {
  return makeStateRig({
    features: MQ,
    card: { queuePairs: PAIRS },
    guest: { features: [virtio.VIRTIO_F_VERSION_1, ...(options.features ?? MQ)], queuePairs: PAIRS },
    ...options,
  });
}

/** How many frames came out of each pair. */
function received({ driver }: StateRig): number[] {
  return Array.from({ length: PAIRS }, (_, pair) => driver.receiveFrom(pair).length);
}

describe("5.1.2 the queues of several pairs", () => {
  it("receiveq1, transmitq1, and so on, and the control queue behind them", () => {
    const card = { queuePairs: PAIRS, rxQueueSize: 32, txQueueSize: 16, ctrlQueueSize: 8 };
    const { device, driver } = rig({ card });
    expect(device.queueSizes).toEqual([32, 16, 32, 16, 32, 16, 32, 16, 8]);
    expect(driver.transport.readConfig(8, 2)).toBe(PAIRS);
    expect(driver.control.index).toBe(8);
  });

  it("without MQ and RSS the control queue is queue 2", () => {
    const { device, driver } = rig({ features: [virtio.VIRTIO_NET_F_CTRL_VQ] });
    expect(driver.control.index).toBe(2);
    expect(driver.control.setQueuePairs(2)).toBe(false);
    expect(device.counters.control.refused).toBe(1);
  });

  it.each([
    [{}, 1, false],
    [{ link: { queuePairs: 3 } }, 3, true],
    [{ link: { queuePairs: 3 }, card: { queuePairs: 2 } }, 2, true],
    [{ card: { queuePairs: 5 } }, 5, true],
  ])("%o: %i pairs", (options, pairs, offers) => {
    const { device, driver } = makeStateRig(options);
    expect(device.counters.pairs).toHaveLength(pairs);
    expect(driver.offers(virtio.VIRTIO_NET_F_MQ)).toBe(offers);
    expect(driver.offers(virtio.VIRTIO_NET_F_RSS)).toBe(offers);
  });

  it.each([
    [{ card: { queuePairs: 0 } }, '"queuePairs" expected 1 to 256, got 0'],
    [{ card: { queuePairs: 257 } }, '"queuePairs" expected 1 to 256, got 257'],
    [{ link: { queuePairs: 2 }, card: { queuePairs: 3 } }, '"queuePairs" expected 1 to 2, got 3'],
    [{ link: { queuePairs: 0 } }, '"queuePairs" of the backend expected 1 to 32767, got 0'],
  ])("refuses %o", (options, message) => {
    expect(() => makeStateRig(options)).toThrow(message);
  });
});

describe("5.1.6.5.6 automatic receive steering", () => {
  it("5.1.6.5.6.2 only the first pair is used until the driver says otherwise, and after a reset again", () => {
    const made = rig();
    const { backend, driver, device } = made;
    const flood = () => {
      for (let i = 0; i < 40; i++) expect(backend.deliver(udp(i, 80))).toBe(true);
      return received(made);
    };
    expect(flood()).toEqual([40, 0, 0, 0]);
    expect(driver.control.setQueuePairs(PAIRS)).toBe(true);
    expect(device.queuePairs).toBe(PAIRS);
    expect(flood().every((count) => count > 0)).toBe(true);
    driver.start();
    expect(device.queuePairs).toBe(1);
    expect(flood()).toEqual([40, 0, 0, 0]);
  });

  it.each([0, PAIRS + 1, 0x8000, 0xffff])("%i pairs are refused, and nothing changes", (pairs) => {
    const { driver, device } = rig();
    driver.control.setQueuePairs(2);
    expect(driver.control.setQueuePairs(pairs)).toBe(false);
    expect(device.queuePairs).toBe(2);
  });

  it("a flow comes back on the pair that it was last sent on", () => {
    const made = rig();
    const { backend, driver } = made;
    driver.control.setQueuePairs(PAIRS);
    for (const pair of [3, 1, 2, 0]) {
      expect(driver.sendOn(pair, udp(1000, 80))).toBe(true);
      backend.deliver(udp(80, 1000, true));
      expect(received(made)).toEqual([0, 1, 2, 3].map((index) => (index === pair ? 1 : 0)));
    }
    expect(backend.transmits).toBe(4);
  });

  it("5.1.6.5.6.2 no frame goes to a pair that is no longer used, not even one whose room was taken there", () => {
    const made = rig({ link: { queuePairs: PAIRS } });
    const { backend, driver } = made;
    driver.control.setQueuePairs(PAIRS);
    const room = backend.driver.callbacks.allocateRxBuf(80, 3);
    if (room === null) throw new Error("no room");
    expect(room.queue).toBe(3);
    driver.control.setQueuePairs(1);
    backend.complete([room, udp(1, 2)]);
    expect(received(made)).toEqual([1, 0, 0, 0]);
  });

  it("a transmit queue is served whether the driver said that it uses it or not", () => {
    const { driver, backend, device } = rig();
    expect(driver.sendOn(2, udp(1, 2))).toBe(true);
    expect(backend.sent).toEqual([udp(1, 2)]);
    expect(device.queuePairs).toBe(1);
    expect(device.counters.pairs[2]?.transmit.frames).toBe(1);
  });

  it("frames of such a queue teach nothing: its flow comes back on a pair that is in use", () => {
    const made = rig();
    made.driver.control.setQueuePairs(2);
    made.driver.sendOn(3, udp(1000, 80));
    made.backend.deliver(udp(80, 1000, true));
    const [first = 0, second = 0, ...others] = received(made);
    expect([first + second, ...others]).toEqual([1, 0, 0]);
  });

  it("a transmit queue that was never set up is not touched, however often it is notified", () => {
    const { driver, backend } = makeStateRig({ features: MQ, card: { queuePairs: PAIRS } });
    for (const index of [3, 5, 7]) driver.transport.notify(index);
    driver.send(udp(1, 2));
    expect(backend.sent).toEqual([udp(1, 2)]);
  });

  it("frames say which pair they come from, and each is completed by its own cookie", () => {
    const { driver, backend, device } = rig();
    driver.control.setQueuePairs(PAIRS);
    backend.answer = () => 0;
    for (let i = 0; i < 3; i++) for (let pair = 0; pair < PAIRS; pair++) driver.sendOn(pair, udp(pair, i));
    expect(backend.kept.map((frame: Frame) => frame.queue)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    expect(new Set(backend.kept.map(({ cookie }) => cookie)).size).toBe(12);
    while (backend.kept.length > 0) backend.finish(backend.kept.length >> 1);
    expect(device.counters.transmit.frames).toBe(12);
    expect(device.counters.pairs.map(({ transmit }) => transmit.frames)).toEqual([3, 3, 3, 3]);
    for (const cookie of [-1, 0.5, 12, Number.NaN]) {
      expect(() => backend.driver.callbacks.txComplete(cookie)).toThrow('"cookie"');
    }
  });

  it("a backend with as many queues is told how many are used, and which has room again", () => {
    const made = rig({ link: { queuePairs: PAIRS }, guest: { features: [...MQ, 32], queuePairs: PAIRS } });
    const told: number[] = [];
    Object.assign(made.backend.funcs, { setQueuePairs: (_driver: unknown, pairs: number) => told.push(pairs) });
    made.driver.start();
    made.driver.control.setQueuePairs(3);
    expect(told).toEqual([1, 3]);
    for (const queue of [0, 1, 2]) {
      const frame = made.backend.driver.callbacks.allocateRxBuf(80, queue);
      if (frame === null) throw new Error("no room");
      made.backend.complete([frame, udp(5000 + queue, 80)]);
    }
    // Nothing was sent of these flows, so where the backend put them is where they go.
    expect(received(made)).toEqual([1, 1, 1, 0]);
  });

  it("frames of several pairs are given back together, content intact", () => {
    const made = rig();
    const { driver, backend } = made;
    driver.control.setQueuePairs(PAIRS);
    for (let pair = 0; pair < PAIRS; pair++) driver.sendOn(pair, udp(2000 + pair, 80));
    const frames = [3, 3, 1, 0, 2].map((pair, i) => udp(80, 2000 + pair, true, i));
    const rooms = frames.map((bytes, i) => {
      const room = backend.driver.callbacks.allocateRxBuf(bytes.length, i % 2);
      if (room === null) throw new Error("no room");
      writeFrame(room, bytes);
      return room;
    });
    backend.driver.callbacks.rxComplete(5, rooms, [80, 80, 80, 80, 80]);
    const got = [0, 1, 2, 3].map((pair) => driver.receiveFrom(pair).map((frame) => frame[79]));
    expect(got).toEqual([[3], [2], [4], [0, 1]]);
    const copy = new Uint8Array(80);
    expect(readFrame(rooms[0] as Frame, copy)).toBeGreaterThanOrEqual(0);
  });

  it("where the pair of a frame has no room it is lost and counted, and the buffers it lay in are not", () => {
    const made = rig({
      guest: { features: [...MQ, 32], queuePairs: PAIRS, rx: { buffers: 4, autoRefill: false } },
    });
    const { driver, backend, device } = made;
    driver.control.setQueuePairs(PAIRS);
    driver.sendOn(1, udp(7, 80));
    driver.postReceive(4);
    for (let i = 0; i < 10; i++) expect(backend.deliver(udp(80, 7, true))).toBe(true);
    expect(device.counters.receive.dropped.otherPairFull).toBe(10);
    driver.sendOn(0, udp(7, 80));
    for (let i = 0; i < 4; i++) expect(backend.deliver(udp(80, 7, true))).toBe(true);
    expect(device.counters.receive.frames).toBe(4);
  });
});

describe("5.1.6.5.7 receive-side scaling", () => {
  const UDP4 = virtio.VIRTIO_NET_HASH_TYPE_UDPv4;

  it("5.1.6.5.7.1.2 the table decides, and frames without a hash go where they are told to", () => {
    const made = rig({ features: RSS });
    const { driver, backend, device } = made;
    const table = [1, 1, 1, 1, 1, 1, 1, 1];
    expect(driver.control.setRss({ hashTypes: UDP4, table, unclassified: 3, maxTxVq: 2, key: KEY })).toBe(true);
    for (let i = 0; i < 20; i++) backend.deliver(udp(i, 80));
    const arp = udp(0, 0);
    arp.set([8, 6], 12);
    backend.deliver(arp);
    expect(received(made)).toEqual([0, 20, 0, 1]);
    expect(device.queuePairs).toBe(4);
  });

  it("spreads flows over the table by the hash, each flow to one pair", () => {
    const made = rig({ features: RSS });
    const { driver, backend } = made;
    const table = Array.from({ length: 128 }, (_, i) => i % PAIRS);
    expect(driver.control.setRss({ hashTypes: UDP4, table, maxTxVq: 4, key: KEY })).toBe(true);
    const pairOf = (flow: number) => {
      backend.deliver(udp(flow, 80));
      return received(made).indexOf(1);
    };
    const first = Array.from({ length: 64 }, (_, flow) => pairOf(flow));
    expect(new Set(first)).toEqual(new Set([0, 1, 2, 3]));
    // What the guest sends has no say in it.
    for (let flow = 0; flow < 64; flow++) driver.sendOn((flow + 1) % PAIRS, udp(80, flow, true));
    expect(Array.from({ length: 64 }, (_, flow) => pairOf(flow))).toEqual(first);
  });

  it("transmit queues beyond max_tx_vq are served: Linux says 1 and sends on all", () => {
    const { driver, backend } = rig({ features: RSS });
    driver.control.setRss({ hashTypes: UDP4, table: [0, 1], maxTxVq: 1, key: KEY });
    for (let pair = 0; pair < PAIRS; pair++) expect(driver.sendOn(pair, udp(pair, 80))).toBe(true);
    expect(backend.sent).toEqual([0, 1, 2, 3].map((pair) => udp(pair, 80)));
  });

  it("5.1.6.5.5 the last command counts: VQ_PAIRS_SET ends it", () => {
    const made = rig({ features: RSS });
    const { driver, backend } = made;
    driver.control.setRss({ hashTypes: UDP4, table: [2, 2], maxTxVq: 4, key: KEY });
    driver.control.setQueuePairs(1);
    backend.deliver(udp(1, 2));
    expect(received(made)).toEqual([1, 0, 0, 0]);
  });

  const sound = { hashTypes: UDP4, table: [0, 1], unclassified: 0, maxTxVq: 1, key: KEY };
  it.each([
    ["an entry beyond the pairs", { ...sound, table: [0, PAIRS] }],
    ["an entry far beyond the pairs", { ...sound, table: [0xffff, 0] }],
    ["unclassified beyond the pairs", { ...sound, unclassified: PAIRS }],
    ["a table that is no power of two", { ...sound, table: [0, 1, 2] }],
    ["a table that is too long", { ...sound, table: new Array(256).fill(0) }],
    ["no transmit queue", { ...sound, maxTxVq: 0 }],
    ["more transmit queues than there are", { ...sound, maxTxVq: PAIRS + 1 }],
    ["a key that is too long", { ...sound, key: new Uint8Array(41) }],
    ["no key", { ...sound, key: new Uint8Array(0) }],
    ["a hash type that does not exist", { ...sound, hashTypes: 0x200 }],
  ])("%s is refused, and the frames go where they went", (_what, parameters) => {
    const made = rig({ features: RSS });
    const { driver, backend } = made;
    driver.control.setRss({ ...sound, table: [2, 2] });
    expect(driver.control.setRss(parameters)).toBe(false);
    backend.deliver(udp(1, 2));
    expect(received(made)).toEqual([0, 0, 1, 0]);
  });

  it("a mask of 0xffff with little behind it is refused (an indirection table that is not there)", () => {
    const { driver } = rig({ features: RSS });
    const bytes = Uint8Array.of(4, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 1, 0, 1, 1);
    expect(driver.control.command(4, 1, bytes)).toBe(false);
  });
});

describe("5.1.6.4.4 hash reporting", () => {
  const HASH = [virtio.VIRTIO_NET_F_CTRL_VQ, virtio.VIRTIO_NET_F_HASH_REPORT];
  const card = { with: ["HASH_REPORT"] } as const;

  it("is offered on request alone", () => {
    expect(makeStateRig().driver.offers(virtio.VIRTIO_NET_F_HASH_REPORT)).toBe(false);
    expect(makeStateRig({ card }).driver.offers(virtio.VIRTIO_NET_F_HASH_REPORT)).toBe(true);
    const without = { ...card, without: ["CTRL_VQ"] } as const;
    expect(makeStateRig({ card: without }).driver.offers(virtio.VIRTIO_NET_F_HASH_REPORT)).toBe(false);
  });

  it.each([{}, { pieceBytes: 7 }])("a header of 20 bytes says the hash and its type, once they are set (%o)", (rx) => {
    const made = makeStateRig({ card, features: HASH, guest: { features: [...HASH, 32], rx } });
    const { driver, backend } = made;
    backend.deliver(udp(1, 2));
    expect(driver.receiveFrom(0)).toHaveLength(1);
    expect(driver.rxHeader).toMatchObject({ hashValue: 0, hashReport: 0, numBuffers: 1 });
    expect(driver.control.setHash(0x1ff, KEY)).toBe(true);
    backend.deliver(udp(1, 2));
    expect(driver.receiveFrom(0)).toEqual([udp(1, 2)]);
    const { hashValue, hashReport } = driver.rxHeader;
    expect([hashReport, hashValue]).toEqual([3, toeplitz(udp(1, 2).subarray(26, 38))]);
    backend.deliver(udp(1, 2).fill(0, 12, 14));
    driver.receiveFrom(0);
    expect(driver.rxHeader).toMatchObject({ hashValue: 0, hashReport: 0 });
    driver.send(udp(3, 4));
    expect(backend.sent).toEqual([udp(3, 4)]);
  });

  it("reserved bytes that are not 0, or a length that does not fit, are refused", () => {
    const { driver } = makeStateRig({ card, features: HASH, guest: { features: [...HASH, 32] } });
    const bytes = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x55);
    expect(driver.control.command(4, 2, bytes)).toBe(true);
    for (let at = 4; at < 12; at++) {
      const changed = bytes.slice();
      changed[at] = 1;
      expect(driver.control.command(4, 2, changed)).toBe(false);
    }
    expect(driver.control.command(4, 2, bytes.subarray(0, 13))).toBe(false);
  });
});

/** The hash as its definition says it, bit by bit. */
function toeplitz(input: Uint8Array): number {
  const bit = (bytes: Uint8Array, i: number) => ((bytes[i >> 3] ?? 0) >> (7 - (i & 7))) & 1;
  let hash = 0;
  for (let i = 0; i < 8 * input.length; i++) {
    if (bit(input, i) === 0) continue;
    let window = 0;
    for (let k = 0; k < 32; k++) window = (window << 1) | bit(KEY, i + k);
    hash ^= window;
  }
  return hash >>> 0;
}
