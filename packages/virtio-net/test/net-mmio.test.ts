/* The card over MMIO (VIRTIO 1.2, 4.2), with a driver. */
import { DriverError, GuestMachine, GuestNetDriver, type GuestNetOptions, MmioTransport } from "@vmmkit/guest-driver";
import * as spec from "@vmmkit/virtio";
import { makeVirtioNetMmio } from "@vmmkit/virtio-net";
import { describe, expect, it } from "vitest";
import { LINE, testFrame } from "./support/rig.ts";
import { TestBackend } from "./support/test-backend.ts";

const HERE = 0xd000_0000;

function make(guest: GuestNetOptions = {}) {
  const machine = new GuestMachine();
  const backend = new TestBackend();
  const card = makeVirtioNetMmio(machine.vm, backend.funcs, { irqLine: LINE });
  machine.mmio.addHandler({ start: HERE, end: HERE + card.bytes - 1 }, card);
  const transport = new MmioTransport(machine.ports, HERE);
  const driver = new GuestNetDriver(transport, machine.ram, guest);
  machine.onLine(LINE, () => driver.onInterrupt());
  return { machine, backend, card, transport, driver };
}

function expectTraffic({ machine, backend, driver }: ReturnType<typeof make>): void {
  for (let i = 0; i < 300; i++) {
    driver.send(testFrame(61, i));
    backend.deliver(testFrame(62, i));
    machine.settle();
    expect(driver.receive()).toEqual(testFrame(62, i));
  }
  expect(backend.sent.at(-1)).toEqual(testFrame(61, 299));
}

describe("makeVirtioNetMmio", () => {
  it.each(["split", "packed"] as const)("carries frames both ways through %s virtqueues", (ring) => {
    const rig = make({ ring });
    rig.driver.start();
    expectTraffic(rig);
    rig.driver.start();
    expectTraffic(rig);
    rig.card.close();
    expect(rig.transport.readStatus()).toBe(0);
  });

  it("4.2.2 says who it is, and writes to read-only registers change nothing", () => {
    const { transport } = make();
    for (const register of [0, 4, 8, 12, 0x10, 0x34, 0x60, 0xfc]) {
      const before = transport.load(register);
      transport.store(register, ~before >>> 0);
      expect(transport.load(register)).toBe(before);
    }
    expect([0, 4, 8, 12].map((register) => transport.load(register))).toEqual([0x7472_6976, 2, 1, 0x1af4]);
    expect(transport.load(spec.VIRTIO_MMIO_SHM_LEN_LOW)).toBe(0xffff_ffff);
  });

  it("4.2.2 keeps the line high until all that the interrupt status says was acknowledged", () => {
    const { machine, backend, card, transport, driver } = make();
    driver.start();
    backend.deliver(testFrame(60));
    card.device.setLink(false);
    expect(transport.load(spec.VIRTIO_MMIO_INTERRUPT_STATUS)).toBe(3);
    transport.store(spec.VIRTIO_MMIO_INTERRUPT_ACK, 1);
    expect(machine.interrupts.level(LINE)).toBe(true);
    transport.store(spec.VIRTIO_MMIO_INTERRUPT_ACK, 2);
    expect(machine.interrupts.level(LINE)).toBe(false);
    expect(transport.load(spec.VIRTIO_MMIO_INTERRUPT_STATUS)).toBe(0);
  });

  it("4.2.2 stops a queue by QueueReady, and by QueueReset, and starts it again", () => {
    const { card, backend, transport, driver } = make({ features: [spec.VIRTIO_F_RING_RESET] });
    driver.start();
    const { descTable, availRing, usedRing } = driver.rxRing.layout;
    for (const register of [spec.VIRTIO_MMIO_QUEUE_READY, spec.VIRTIO_MMIO_QUEUE_RESET]) {
      transport.store(spec.VIRTIO_MMIO_QUEUE_SEL, 0);
      transport.store(register, register === spec.VIRTIO_MMIO_QUEUE_RESET ? 1 : 0);
      expect(transport.load(spec.VIRTIO_MMIO_QUEUE_READY)).toBe(0);
      expect(backend.deliver(testFrame(60))).toBe(false);
      transport.writeQueue(0, descTable, availRing, usedRing);
      expect(transport.load(spec.VIRTIO_MMIO_QUEUE_READY)).toBe(1);
    }
    expect(card.device.state.status).toBe(15);
  });

  it("2.1.2 refuses what a modern device refuses", () => {
    const { transport } = make();
    transport.writeStatus(7);
    expect(transport.readStatus()).toBe(3);
    transport.writeStatus(11);
    expect(transport.readStatus()).toBe(3);
    transport.store(spec.VIRTIO_MMIO_QUEUE_SEL, 7);
    expect(transport.load(spec.VIRTIO_MMIO_QUEUE_NUM_MAX)).toBe(0);
  });

  it("survives whatever a guest writes, at any width", () => {
    const rig = make();
    let seed = 3;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 4) % below;
    };
    for (let i = 0; i < 40_000; i++) {
      const value = [0, 1, 3, 11, 15, random(1 << 16), random(2 ** 28) * 16][random(7)] ?? 0;
      const size = ([1, 2, 4] as const)[random(3)] ?? 4;
      const offset = random(3) === 0 ? random(0x200) : 4 * random(0x44);
      if (random(4) === 0) rig.machine.ports.load(HERE + offset, size);
      else rig.machine.ports.store(HERE + offset, size, value);
    }
    rig.driver.start();
    expectTraffic(rig);
  });

  it("is refused without a line, and a driver where there is no card", () => {
    const { vm, ports } = new GuestMachine();
    expect(() => makeVirtioNetMmio(vm, new TestBackend().funcs, { irqLine: -1 })).toThrow('"irqLine"');
    expect(() => new MmioTransport(ports, HERE)).toThrow(DriverError);
  });

  it("is carried on by another card, with its registers, its queues and its line; or refuses, and is as it was", () => {
    const { machine, backend, card, transport, driver } = make();
    driver.start();
    transport.store(spec.VIRTIO_MMIO_QUEUE_SEL, 1);
    transport.store(spec.VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    backend.deliver(testFrame(60, 1));
    const state = JSON.parse(JSON.stringify(card.save())) as ReturnType<typeof card.save>;
    const bad = [
      { ...state, version: 2 },
      { ...state, registers: { ...state.registers, queues: [] } },
    ];
    for (const each of [...bad, { ...state, device: null }, 5]) {
      expect(() => card.restore(each)).toThrow('"');
      expect(card.save()).toEqual(state);
    }
    card.close();
    expect(machine.interrupts.level(LINE)).toBe(false);
    const next = new TestBackend();
    const other = makeVirtioNetMmio(machine.vm, next.funcs, { irqLine: LINE });
    const restoration = other.prepare(state);
    restoration.apply();
    expect(other.save()).toEqual(state);
    restoration.resume();
    expect(machine.interrupts.level(LINE)).toBe(true);
    Object.assign(machine.ports, {
      load: (gpa: number, size: number) => other.read(gpa - HERE, size),
      store: (gpa: number, size: number, value: number) => other.write(gpa - HERE, size, value),
    });
    machine.settle();
    expect(driver.receive()).toEqual(testFrame(60, 1));
    driver.send(testFrame(60, 2));
    expect(next.sent).toEqual([testFrame(60, 2)]);
  });
});
