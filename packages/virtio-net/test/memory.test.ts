/* Guest memory that moves, grows, goes away, or is somebody else's to watch. */
import { readFrame, TxResult } from "@vmmkit/ethif";
import { VIRTIO_CONFIG_S_NEEDS_RESET, VIRTIO_F_ANY_LAYOUT } from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { scatter } from "./support/chains.ts";
import { wasmMemory } from "./support/replaceable-memory.ts";
import { expectFrames, makeRig, testFrame } from "./support/rig.ts";

const FRAME = testFrame(60);
const GUEST = { features: [VIRTIO_F_ANY_LAYOUT], rx: { autoRefill: false } };

describe("WebAssembly memory that grows (its buffer is replaced)", () => {
  function grown() {
    const wasm = wasmMemory(64);
    const rig = makeRig({
      machine: { buffer: wasm.buffer, renew: () => wasm },
      guest: { rx: { buffers: 32 }, tx: { buffers: 32 } },
      card: { rxQueueSize: 32, txQueueSize: 32 },
    });
    return { ...rig, wasm };
  }

  it("between frames: traffic goes on", () => {
    const { wasm, driver, backend, machine } = grown();
    for (let i = 0; i < 5; i++) {
      wasm.replace();
      driver.send(testFrame(60, i));
      wasm.replace();
      expect(backend.deliver(testFrame(61, i))).toBe(true);
      wasm.replace();
      machine.settle();
      expect(driver.receive()).toEqual(testFrame(61, i));
    }
    expect(backend.sent).toEqual([0, 1, 2, 3, 4].map((i) => testFrame(60, i)));
  });

  it("while frames of the guest are out: their ranges are found again, and they go back", () => {
    const { wasm, driver, backend, machine } = grown();
    backend.answer = () => TxResult.Enqueued;
    driver.send(FRAME);
    driver.send(FRAME);
    wasm.replace();
    machine.vm.memory.validate();
    const bytes = new Uint8Array(60);
    expect(backend.kept[0] !== undefined && readFrame(backend.kept[0], bytes)).toBe(60);
    expect(bytes).toEqual(FRAME);
    wasm.replace();
    backend.finish();
    backend.finish();
    driver.reapTransmit();
    expect(driver.counters.txCompleted).toBe(2);
  });

  it("while rooms for frames are out: they are found again, header and all", () => {
    const { wasm, driver, backend, machine } = grown();
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    wasm.replace();
    machine.vm.memory.validate();
    backend.complete([room, FRAME]);
    wasm.replace();
    machine.settle();
    expect(driver.receive()).toEqual(FRAME);
    expect(driver.rxHeader.numBuffers).toBe(1);
  });
});

describe("guest memory", () => {
  it.each([
    ["shared with other threads", { buffer: new SharedArrayBuffer(4 << 20) }],
    ["above 4 GiB", { gpa: 3 * 2 ** 32, memoryBytes: 4 << 20 }],
    ["in the highest pages that the legacy interface can name", { gpa: 2 ** 44 - (4 << 20), memoryBytes: 4 << 20 }],
  ])("%s serves rings and frames", (_what, options) => {
    const { driver, backend, machine } = makeRig({ machine: options });
    for (let i = 0; i < 300; i++) {
      expect(driver.send(testFrame(60, i))).toBe(true);
      expect(backend.deliver(testFrame(61, i))).toBe(true);
      machine.settle();
      expect(driver.receive()).toEqual(testFrame(61, i));
    }
    expectFrames(
      backend.sent,
      Array.from({ length: 300 }, (_, i) => testFrame(60, i)),
    );
    driver.verifyGuards();
  });

  it("that has an address in this process gives it to frames, for system calls that work in place", () => {
    const { driver, backend, machine } = makeRig({ guest: GUEST });
    const gpa = 1 << 30;
    const hostAddress = 0x7f00_1234_0000;
    machine.vm.memory.addRegion({ gpa, size: 4096, buffer: new ArrayBuffer(4096), hostAddress });
    driver.txRing.addChain([{ gpa, length: 70 }], []);
    driver.rxRing.addChain([], [{ gpa: gpa + 1024, length: 100 }]);
    driver.txRing.publish();
    driver.rxRing.publish();
    const seen: (number | undefined)[] = [];
    backend.answer = (frame) => {
      seen.push(frame.hostAddress[0]);
      return TxResult.Complete;
    };
    driver.transport.notify(1);
    seen.push(backend.allocate(60)?.hostAddress[0]);
    expect(seen).toEqual([hostAddress + 10, hostAddress + 1034]);
  });
});

describe("a room that is longer than the guest's buffer", () => {
  it("keeps its end, which is nobody's, when memory moves", () => {
    const wasm = wasmMemory(64);
    const { driver, backend, machine } = makeRig({ guest: GUEST, machine: { buffer: wasm.buffer, renew: () => wasm } });
    const [part] = scatter(machine, [50]);
    if (part === undefined) throw new Error("no part");
    driver.rxRing.addChain([], [part]);
    driver.rxRing.publish();
    const room = backend.allocate(1000);
    if (room === null) throw new Error("no room");
    wasm.replace();
    machine.vm.memory.validate();
    expect(room.totalBytes).toBe(1000);
    const before = machine.ram.read(0, 4096);
    backend.complete([room, testFrame(1000)]);
    expect(machine.ram.read(0, 4096)).toEqual(before);
    expect(machine.ram.read(part.gpa + 10, 40)).toEqual(testFrame(1000).subarray(0, 40));
    expect(machine.ram.read(part.gpa + 50, 16)).toEqual(new Uint8Array(16));
  });
});

describe("a region that goes away", () => {
  /** A machine whose rings are in RAM and whose buffers are in a region of their own. */
  function hotplugged() {
    const rig = makeRig({ guest: GUEST });
    const { memory } = rig.machine.vm;
    const gpa = 1 << 30;
    const region = memory.addRegion({ gpa, size: 4096, buffer: new ArrayBuffer(4096) });
    return { ...rig, memory, gpa, region };
  }

  it("with a frame of the guest in it: the frame becomes empty, its chain still goes back", () => {
    const { memory, gpa, region, driver, backend } = hotplugged();
    backend.answer = () => TxResult.Enqueued;
    driver.txRing.addChain([{ gpa, length: 70 }], []);
    driver.txRing.publish();
    driver.transport.notify(1);
    expect(backend.kept[0]?.totalBytes).toBe(60);
    memory.removeRegion(region);
    expect(backend.kept[0]?.rangeCount).toBe(0);
    backend.finish();
    expect(driver.txRing.usedCount()).toBe(1);
  });

  it("with room for a frame in it: the frame is dropped and counted, no error reaches the backend, the chain goes home", () => {
    const { memory, gpa, region, driver, backend, card } = hotplugged();
    driver.rxRing.addChain([], [{ gpa, length: 100 }]);
    driver.rxRing.publish();
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    memory.removeRegion(region);
    expect(room.rangeCount).toBe(0);
    backend.driver.callbacks.rxComplete(1, [room], [60]);
    expect(card.counters.receive).toMatchObject({ frames: 0, dropped: { reset: 1 } });
    expect(backend.deliver(FRAME)).toBe(false);
    expect(driver.rxRing.usedCount()).toBe(1);
    expect(card.counters.receiveQueue.refused.addressOutOfRange).toBe(1);
  });

  it("with the header of a room in it: likewise, nothing is delivered without its header", () => {
    const { memory, gpa, region, machine, driver, backend, card } = hotplugged();
    const [part] = scatter(machine, [100]);
    if (part === undefined) throw new Error("no memory");
    driver.rxRing.addChain([], [{ gpa, length: 10 }, part]);
    driver.rxRing.publish();
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    memory.removeRegion(region);
    backend.complete([room, FRAME]);
    expect(card.counters.receive).toMatchObject({ frames: 0, dropped: { reset: 1 } });
    expect(driver.rxRing.usedCount()).toBe(0);
  });

  it("with the rings in it: the queues stop, frames come back to nobody, a reset helps", () => {
    const { driver, backend, machine, card } = makeRig();
    backend.answer = () => TxResult.Enqueued;
    driver.send(FRAME);
    driver.send(FRAME);
    const room = backend.allocate(60);
    if (room === null) throw new Error("no room");
    const { memory } = machine.vm;
    const [region] = memory.regions;
    if (region === undefined) throw new Error("no memory");
    memory.removeRegion(region);
    backend.finish();
    backend.driver.callbacks.rxComplete(1, [room], [60]);
    driver.transport.notify(0);
    driver.transport.notify(1);
    expect(backend.allocate(60)).toBe(null);
    expect(card.emul.virtq.map(({ error }) => error)).toEqual(["ringOutOfRange", "ringOutOfRange", null]);
    expect(driver.transport.readStatus() & VIRTIO_CONFIG_S_NEEDS_RESET).not.toBe(0);
    backend.finish();
    memory.addRegion({ gpa: region.gpa, size: region.size, buffer: region.bytes.buffer });
    backend.answer = () => TxResult.Complete;
    driver.start();
    driver.send(FRAME);
    expect(backend.transmits).toBe(3);
    expect(backend.deliver(FRAME)).toBe(true);
  });

  it("and memory that is read-only takes no frames", () => {
    const { memory, driver, backend, card } = hotplugged();
    const gpa = 2 ** 31;
    memory.addRegion({ gpa, size: 4096, buffer: new ArrayBuffer(4096), writable: false });
    driver.rxRing.addChain([], [{ gpa, length: 100 }]);
    driver.rxRing.publish();
    expect(backend.deliver(FRAME)).toBe(false);
    expect(card.counters.receiveQueue.refused.addressOutOfRange).toBe(1);
    // A frame may be sent out of it.
    driver.txRing.addChain([{ gpa, length: 70 }], []);
    driver.txRing.publish();
    driver.transport.notify(1);
    expect(backend.transmits).toBe(1);
  });
});

describe("whoever watches the guest's memory", () => {
  it("is told of each byte of frame and header that was written, before the guest is", () => {
    const { machine, driver, backend } = makeRig({ guest: GUEST });
    const parts = scatter(machine, [4, 30, 100]);
    driver.rxRing.addChain([], parts);
    driver.rxRing.publish();
    const noted: [number, number][] = [];
    machine.vm.memory.writeObserver = (gpa, length) => noted.push([gpa, length]);
    backend.onIrq = () => noted.push([-1, 0]);
    backend.deliver(FRAME);
    const [a, b, c] = parts.map(({ gpa }) => gpa);
    if (a === undefined || b === undefined || c === undefined) throw new Error("no parts");
    expect(noted).toContainEqual([a, 4]);
    expect(noted).toContainEqual([b, 6]);
    expect(noted).toContainEqual([b + 6, 24]);
    expect(noted).toContainEqual([c, 36]);
    expect(noted.at(-1)).toEqual([-1, 0]);
    expect(noted.some(([gpa]) => gpa === driver.rxRing.layout.usedRing)).toBe(true);
  });

  it("is told of what a backend wrote of a frame that was dropped", () => {
    const { machine, driver, backend } = makeRig({ guest: GUEST });
    const [part] = scatter(machine, [100]);
    if (part === undefined) throw new Error("no part");
    driver.rxRing.addChain([], [part]);
    driver.rxRing.publish();
    const noted: [number, number][] = [];
    machine.vm.memory.writeObserver = (gpa, length) => noted.push([gpa, length]);
    backend.deliver(testFrame(5));
    expect(noted).toContainEqual([part.gpa + 10, 5]);
  });
});
