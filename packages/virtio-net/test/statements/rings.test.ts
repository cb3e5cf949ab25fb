/* What VIRTIO 1.2 asks of any device (2), statement by statement, of a whole card through each interface and ring. */
import { TxResult, writeFrame } from "@vmmkit/ethif";
import {
  allocatePackedRing,
  allocateRing,
  type GuestRing,
  ModernTransport,
  PackedRing,
  SplitRing,
  usedRingBytes,
} from "@vmmkit/guest-driver";
import * as virtio from "@vmmkit/virtio";
import { describe, expect, it, vi } from "vitest";
import { LINE, laterTurn, makeRig, type Rig, type RigOptions, type RigTransport, testFrame } from "../support/rig.ts";

const FRAME = testFrame(300);
type Kind = readonly [transport: RigTransport, ring: "split" | "packed"];
const KINDS: readonly Kind[] = [
  ["legacy", "split"],
  ["modern", "split"],
  ["modern", "packed"],
  ["msix", "split"],
  ["msix", "packed"],
];
const MODERN = KINDS.filter(([transport]) => transport !== "legacy");
const FEATURES = [
  virtio.VIRTIO_F_ANY_LAYOUT,
  virtio.VIRTIO_NET_F_MRG_RXBUF,
  virtio.VIRTIO_NET_F_STATUS,
  virtio.VIRTIO_F_RING_RESET,
];

/** A driver that does nothing by itself, so that all that changes in memory is the device's doing. */
function quiet([transport, ring]: Kind, options: RigOptions = {}): Rig {
  return makeRig({
    transport,
    ...options,
    guest: {
      features: FEATURES,
      ring,
      rx: { autoRefill: false, bufferBytes: 512 },
      indirect: "never",
      ...options.guest,
    },
  });
}

/** A rig as far as its queues: buffers are posted and a frame is in the transmit queue, and the driver is not ready. */
function almostReady(kind: Kind): Rig {
  const rig = quiet(kind, { start: false });
  rig.driver.reset();
  rig.driver.negotiate();
  rig.driver.setUpQueues();
  rig.driver.postReceive(4);
  rig.driver.send(FRAME, { kick: "never" });
  return rig;
}

function memoryOf({ machine }: Rig): Uint8Array {
  const bytes = machine.vm.memory.regions[0]?.bytes;
  if (bytes === undefined) throw new Error("the machine has no memory");
  return bytes;
}

function interruptsOf({ machine }: Rig): number[] {
  return [machine.interrupts.edges(LINE), machine.interrupts.messages.length];
}

/** Addresses of the bytes that differ. */
function changes(before: Uint8Array, after: Uint8Array): number[] {
  const found: number[] = [];
  for (let i = 0; i < before.length; i++) if (before[i] !== after[i]) found.push(i);
  return found;
}

/** The descriptors of a ring as they lie in memory. */
function descriptors({ machine }: Rig, ring: GuestRing): { gpa: number; length: number; writable: boolean }[] {
  return Array.from({ length: ring.size }, (_, i) => {
    const at = ring.layout.descTable + 16 * i;
    const flags = machine.ram.readUint(at + (ring instanceof PackedRing ? 14 : 12), 2);
    const [gpa, length] = [machine.ram.readUint(at, 4), machine.ram.readUint(at + 8, 4)];
    return { gpa, length, writable: (flags & virtio.VIRTQ_DESC_F_WRITE) !== 0 };
  }).filter(({ length }) => length > 0);
}

/** Where a device may write in a ring: the used ring, or a packed ring's slots and the device's event structure. */
function deviceParts({ layout, size }: GuestRing, packed: boolean): { gpa: number; length: number }[] {
  if (!packed) return [{ gpa: layout.usedRing, length: usedRingBytes(size) }];
  return [
    { gpa: layout.descTable, length: 16 * size },
    { gpa: layout.usedRing, length: 4 },
  ];
}

/** Everything that could move a device: notifications, frames, a carrier that goes and comes. */
function provoke({ driver, backend, card }: Rig): void {
  for (const queue of [0, 1, 2, 7, 0xffff]) driver.transport.notify(queue);
  backend.deliver(FRAME);
  card.poll();
  card.announce();
  card.setLink(false);
  card.setLink(true);
}

describe.each(KINDS)("2 basic facilities: %s, %s", (...kind) => {
  it("2.1.2 before DRIVER_OK no buffer is consumed and nobody is notified, and then what waits is done", () => {
    const rig = almostReady(kind);
    const before = memoryOf(rig).slice();
    provoke(rig);
    expect(changes(before, memoryOf(rig))).toEqual([]);
    expect([rig.backend.sent, interruptsOf(rig)]).toEqual([[], [0, 0]]);
    rig.driver.goLive();
    expect(rig.backend.sent).toEqual([FRAME]);
    expect(rig.backend.deliver(FRAME)).toBe(true);
  });

  it("2.4.1 after a reset no notification is sent and no queue touched, until the driver is back", async () => {
    const rig = quiet(kind, { machine: { defer: true } });
    const { driver, backend, machine } = rig;
    driver.postReceive(8);
    const room = backend.allocate(100);
    if (room === null) throw new Error("no room");
    backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < 4; i++) driver.send(FRAME);
    driver.send(FRAME, { kick: "never" });
    machine.settle();
    driver.transport.writeStatus(0);
    expect(driver.transport.readStatus()).toBe(0);
    const before = memoryOf(rig).slice();
    const interrupts = interruptsOf(rig);
    provoke(rig);
    while (backend.kept.length > 0) backend.finish();
    backend.complete([room, new Uint8Array(0)]);
    machine.settle();
    await laterTurn();
    expect(changes(before, memoryOf(rig))).toEqual([]);
    expect([interruptsOf(rig), driver.transport.readIsr()]).toEqual([interrupts, 0]);
    backend.answer = () => TxResult.Complete;
    driver.start();
    driver.postReceive(8);
    backend.sent.length = 0;
    driver.send(FRAME);
    expect(backend.sent).toEqual([FRAME]);
    expect(backend.deliver(FRAME)).toBe(true);
    driver.onMessage(0);
    expect(driver.receive()).toEqual(FRAME);
  });

  it("2.7.5.1, 2.8.15 only the device's parts of the rings and device-writable buffers are written", () => {
    const rig = quiet(kind);
    const { driver, backend, machine } = rig;
    const packed = kind[1] === "packed";
    driver.postReceive(40);
    for (let i = 0; i < 6; i++) driver.send(testFrame(60 + 100 * i), { kick: "never" });
    machine.settle();
    const [rx, tx] = driver.rings;
    const before = memoryOf(rig).slice();
    const allowed = [
      ...deviceParts(rx, packed),
      ...deviceParts(tx, packed),
      ...descriptors(rig, rx).filter(({ writable }) => writable),
    ];
    const readable = descriptors(rig, tx);
    expect(readable.length).toBeGreaterThan(0);
    expect(readable.some(({ writable }) => writable)).toBe(false);
    driver.transport.notify(1);
    for (let i = 0; i < 20; i++) expect(backend.deliver(testFrame(60 + 50 * i))).toBe(true);
    expect(backend.sent).toHaveLength(6);
    const changed = changes(before, memoryOf(rig));
    expect(changed.length).toBeGreaterThan(5000);
    const outside = changed.filter((at) => !allowed.some(({ gpa, length }) => at >= gpa && at < gpa + length));
    expect(outside).toEqual([]);
    // Slots of a packed ring are the device's to write where it uses a chain. Nothing else of the chains changes.
    if (!packed) expect(descriptors(rig, tx)).toEqual(readable);
  });

  it("2.7.5.1, 2.8.15 what lies in device-writable buffers makes no difference", () => {
    const results = [0x00, 0xff, 0x5a].map((fill) => {
      const rig = quiet(kind);
      const { driver, backend, machine } = rig;
      driver.postReceive(12);
      machine.settle();
      for (const { gpa, length } of descriptors(rig, driver.rings[0])) {
        machine.ram.write(gpa, new Uint8Array(length).fill(fill));
      }
      for (const length of [14, 60, 499, 500, 501, 1514]) backend.deliver(testFrame(length), 1514);
      machine.settle();
      driver.onMessage(0);
      const frames = driver.receiveAll();
      return {
        frames,
        header: { ...driver.rxHeader },
        interrupts: interruptsOf(rig),
        counters: rig.card.counters.receive,
      };
    });
    expect(results[0]?.frames).toHaveLength(6);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("2.7.8.2 a frame is written, and its length said, before the driver can see it", () => {
    const rig = quiet(kind);
    const { driver, backend, machine } = rig;
    driver.postReceive(8);
    machine.settle();
    const buffers = descriptors(rig, driver.rings[0]).filter(({ writable }) => writable);
    const room = backend.allocate(1000);
    if (room === null) throw new Error("no room");
    writeFrame(room, testFrame(1000));
    let seen: Uint8Array | null = null;
    const store = Atomics.store;
    const spy = vi.spyOn(Atomics, "store").mockImplementation(((array: Uint16Array, index: number, value: number) => {
      const hidden = driver.rings[0].usedCount() === 0;
      const result = store(array, index, value);
      if (hidden && driver.rings[0].usedCount() > 0) seen = memoryOf(rig).slice();
      return result;
    }) as typeof Atomics.store);
    try {
      backend.driver.callbacks.rxComplete(1, [room], [1000]);
    } finally {
      spy.mockRestore();
    }
    if (seen === null) throw new Error("the frame was not published");
    // 512 bytes a buffer: the first two are full, and the third one has the rest. None of it comes later.
    for (const { gpa, length } of buffers) {
      const [then, now] = [seen, memoryOf(rig)].map((bytes) => bytes.slice(gpa, gpa + length));
      expect(then).toEqual(now);
    }
    driver.onMessage(0);
    expect(driver.receive()).toEqual(testFrame(1000));
  });

  it("2.7.10.2 notifications that nobody asked for change nothing, and what comes behind them works", () => {
    const rig = quiet(kind);
    const { driver, backend, machine } = rig;
    driver.postReceive(8);
    machine.settle();
    const before = memoryOf(rig).slice();
    const interrupts = interruptsOf(rig);
    for (let i = 0; i < 1000; i++) driver.transport.notify(i % 2);
    expect(changes(before, memoryOf(rig)).length).toBeLessThanOrEqual(8);
    expect([interruptsOf(rig), backend.sent]).toEqual([interrupts, []]);
    driver.send(FRAME);
    expect(backend.sent).toEqual([FRAME]);
    backend.deliver(FRAME);
    driver.onMessage(0);
    expect(driver.receive()).toEqual(FRAME);
  });
});

describe.each(MODERN)("2.6.1 virtqueue reset: %s, %s", (...kind) => {
  const packed = kind[1] === "packed";

  function modern(rig: Rig): ModernTransport {
    const { transport } = rig.driver;
    if (!(transport instanceof ModernTransport)) throw new Error("no modern transport");
    return transport;
  }

  /** Another ring in the queue's place. */
  function place(rig: Rig, queue: number, size: number): GuestRing {
    const { ram } = rig.machine;
    const layout = packed ? allocatePackedRing(ram, size) : allocateRing(ram, size, false);
    const ring = packed ? new PackedRing(ram, layout) : new SplitRing(ram, layout);
    modern(rig).writeQueue(queue, layout.descTable, layout.availRing, layout.usedRing, size);
    return ring;
  }

  it("2.6.1.1.1 nothing of a queue that was reset is executed, and nobody is notified for it", async () => {
    const rig = quiet(kind);
    const { driver, backend } = rig;
    driver.postReceive(8);
    const room = backend.allocate(100);
    if (room === null) throw new Error("no room");
    backend.answer = () => TxResult.Enqueued;
    driver.send(FRAME);
    driver.send(FRAME, { kick: "never" });
    modern(rig).resetQueue(0);
    modern(rig).resetQueue(1);
    const before = memoryOf(rig).slice();
    const interrupts = interruptsOf(rig);
    const { transmits } = backend;
    for (const queue of [0, 1]) driver.transport.notify(queue);
    rig.card.poll();
    expect(backend.deliver(FRAME)).toBe(false);
    backend.finish();
    backend.complete([room, new Uint8Array(0)]);
    await laterTurn();
    expect(changes(before, memoryOf(rig))).toEqual([]);
    expect([interruptsOf(rig), backend.transmits]).toEqual([interrupts, transmits]);
  });

  it.each([4, 8, 256])("2.6.1.1.1, 2.6.1.2.1 both start anew, at the first entry, with %i entries", (size) => {
    const rig = quiet(kind);
    const { driver, backend, machine } = rig;
    driver.postReceive(8);
    for (let i = 0; i < 5; i++) {
      driver.send(FRAME);
      backend.deliver(FRAME);
    }
    for (const queue of [0, 1]) modern(rig).resetQueue(queue);
    const [rx, tx] = [place(rig, 0, size), place(rig, 1, size)];
    const buffers = machine.ram.alloc(4096);
    backend.sent.length = 0;
    for (let round = 0; round < 3 * size; round++) {
      rx.begin();
      rx.writable(buffers, 1024);
      const posted = rx.end();
      rx.publish();
      if (rx.kickNeeded()) driver.transport.notify(0);
      expect(backend.deliver(testFrame(60, round))).toBe(true);
      expect([rx.popUsed(), rx.usedLength]).toEqual([posted, 72]);
      expect(machine.ram.read(buffers + 12, 60)).toEqual(testFrame(60, round));
      tx.begin();
      tx.readable(buffers, 72);
      const sent = tx.end();
      tx.publish();
      driver.transport.notify(1);
      expect(tx.popUsed()).toBe(sent);
      expect(backend.sent.at(-1)).toEqual(testFrame(60, round));
    }
    expect(rig.card.emul.state.queues.slice(0, 2).map((queue) => queue.size)).toEqual([size, size]);
  });
});
