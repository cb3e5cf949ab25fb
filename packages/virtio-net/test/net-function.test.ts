import { type Frame, TxResult } from "@vmmkit/ethif";
import { GuestMachine } from "@vmmkit/guest-driver";
import { PCI_BASE_ADDRESS_0, PCI_COMMAND, PCI_COMMAND_IO, PCI_VENDOR_ID, type PciBarWindow } from "@vmmkit/pci";
import { VIRTIO_F_VERSION_1, VIRTIO_PCI_QUEUE_NUM, VIRTIO_PCI_VENDOR_ID } from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { makeVirtioNetFunction, NetDevice, virtioNetDefaultBackend } from "../src/index.ts";
import { TestBackend } from "./support/test-backend.ts";

describe("makeVirtioNetFunction", () => {
  it("is a card with neither PCI space nor port list: configuration space, and registers behind BAR 0", () => {
    const { vm } = new GuestMachine();
    const { function: fn } = makeVirtioNetFunction(vm, new TestBackend().funcs);
    expect(fn.ioRead(PCI_VENDOR_ID, 2)).toBe(VIRTIO_PCI_VENDOR_ID);
    expect(fn.regions[0]?.bar).toMatchObject({ kind: "io", address: 0 });
    expect(fn.regions[0]?.read(VIRTIO_PCI_QUEUE_NUM, 2)).toBe(256);
  });

  it("tells whoever maps it of each move of a BAR", () => {
    const { vm } = new GuestMachine();
    const { function: fn } = makeVirtioNetFunction(vm, new TestBackend().funcs);
    const told: PciBarWindow[] = [];
    fn.onBarChange = (window) => told.push(window);
    fn.ioWrite(PCI_BASE_ADDRESS_0, 4, 0x6000);
    fn.ioWrite(PCI_COMMAND, 2, PCI_COMMAND_IO);
    expect(told.map(({ index, address, enabled }) => [index, address, enabled])).toEqual([
      [0, 0x6000, false],
      [0, 0x6000, true],
    ]);
    expect(fn.bars()[0]).toEqual(told[1]);
  });

  it.each([
    [{ interruptPin: 5 }, '"interruptPin" expected 1 to 4, got 5'],
    [{ interruptLine: 256 }, '"interruptLine" expected 0 to 255, got 256'],
    [{ ioBytes: 48 }, '"ioBytes" expected a power of two from 32 to 256 ports, got 48'],
  ])("refuses %o", (options, message) => {
    const { vm } = new GuestMachine();
    const backend = new TestBackend();
    expect(() => makeVirtioNetFunction(vm, backend.funcs, options)).toThrow(message);
    expect(backend.initialised).toBe(false);
  });
});

const RX_RING = 0x1_0000;
const TX_RING = 0x2_0000;
const PLACE = (start: number, size: number) => ({
  size,
  descTable: start,
  driverArea: start + 0x4000,
  deviceArea: start + 0x8000,
});

/** A network device that something other than a PCI function drives: a server that speaks vhost-user, say. */
function serve() {
  const { vm, ram } = new GuestMachine();
  const backend = new TestBackend();
  const interrupts: number[] = [];
  const device = new NetDevice(vm, backend.funcs, { interrupt: (irq) => interrupts.push(irq), lowerIrq: () => {} });
  const { state } = device;
  /** Offers a chain of one buffer. */
  const offer = (ring: number, size: number, at: number, bytes: number, writable: boolean) => {
    const slot = at % size;
    ram.writeUint(ring + 16 * slot, 4, 0x8_0000 + 0x1000 * slot);
    ram.writeUint(ring + 16 * slot + 8, 4, bytes);
    ram.writeUint(ring + 16 * slot + 12, 2, writable ? 2 : 0);
    ram.writeUint(ring + 0x4004 + 2 * slot, 2, slot);
    ram.writeUint(ring + 0x4002, 2, at + 1);
  };
  const start = () => {
    state.writeStatus(3, "modern");
    state.writeFeatures(1, 2 ** (VIRTIO_F_VERSION_1 - 32), "modern");
    state.writeStatus(0xf, "modern");
  };
  return { device, state, backend, interrupts, ram, offer, start };
}

describe("NetDevice without a transport", () => {
  it("works with queues placed one by one, in sizes of the driver's, while it runs", () => {
    const { state, backend, interrupts, ram, offer, start } = serve();
    start();
    expect(state.running).toBe(true);
    expect(state.enableQueue(1, PLACE(TX_RING, 8))).toBe(true);
    offer(TX_RING, 8, 0, 12 + 60, false);
    state.notify(1);
    expect(backend.sent).toHaveLength(1);
    expect(ram.readUint(TX_RING + 0x8002, 2)).toBe(1);
    expect(interrupts).toEqual([1]);
    expect(backend.deliver(new Uint8Array(60))).toBe(false);
    expect(state.enableQueue(0, PLACE(RX_RING, 4))).toBe(true);
    offer(RX_RING, 4, 0, 2048, true);
    expect(backend.deliver(new Uint8Array(60).fill(7))).toBe(true);
    // 5.1.6.4.1: without MRG_RXBUF num_buffers is 1, and with VERSION_1 it is there.
    expect(ram.readUint(0x8_0000 + 10, 2)).toBe(1);
    expect(ram.readUint(0x8_0000 + 12, 1)).toBe(7);
  });

  it("stops a queue and goes on where it was: what the backend held went back, and nothing is taken twice", () => {
    const { state, backend, ram, offer, start } = serve();
    start();
    state.enableQueue(0, PLACE(RX_RING, 4));
    for (let i = 0; i < 3; i++) offer(RX_RING, 4, i, 2048, true);
    const held = backend.allocate(60) as Frame;
    expect(state.disableQueue(0)).toBe(1);
    expect(held.rangeCount).toBe(0);
    expect(ram.readUint(RX_RING + 0x8002, 2)).toBe(1);
    expect(ram.readUint(RX_RING + 0x8008, 4)).toBe(0);
    expect(backend.allocate(60)).toBeNull();
    backend.giveBack(held);
    state.enableQueue(0, PLACE(RX_RING, 4), 1);
    backend.deliver(new Uint8Array(60).fill(9));
    expect(ram.readUint(RX_RING + 0x8002, 2)).toBe(2);
    expect(ram.readUint(RX_RING + 0x8004 + 8, 4)).toBe(1);
    expect(ram.readUint(0x8_1000 + 12, 1)).toBe(9);
  });

  it("gives transmitted frames back that the backend still holds when the queue stops", () => {
    const { state, backend, ram, offer, start } = serve();
    backend.answer = () => TxResult.Enqueued;
    start();
    state.enableQueue(1, PLACE(TX_RING, 4));
    offer(TX_RING, 4, 0, 72, false);
    offer(TX_RING, 4, 1, 72, false);
    state.notify(1);
    const kept = backend.kept.length;
    expect(state.disableQueue(1)).toBe(2);
    expect(ram.readUint(TX_RING + 0x8002, 2)).toBe(2);
    for (let i = 0; i < kept; i++) backend.finish();
    expect(ram.readUint(TX_RING + 0x8002, 2)).toBe(2);
    expect(state.disableQueue(1)).toBe(0);
  });

  it("needs a backend that is one", () => {
    const { vm } = new GuestMachine();
    const { rawPoll: _left, ...rest } = virtioNetDefaultBackend();
    const hooks = { interrupt: () => {}, lowerIrq: () => {} };
    expect(() => new NetDevice(vm, rest as TestBackend["funcs"], hooks)).toThrow('"backend.rawPoll"');
  });
});
