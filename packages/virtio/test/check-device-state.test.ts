/* The state of a device that has none of its own: `DeviceState` alone, behind each transport. */
import { restore } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import * as spec from "../src/index.ts";
import { DeviceState, type DeviceStateHooks, MmioTransport, QUEUE_EMPTY } from "../src/index.ts";
import { FakeDevice, memoryOf } from "./support/fake-device.ts";
import { ModernMachine } from "./support/modern-machine.ts";
import { RangeLog } from "./support/range-log.ts";

function make(device = new FakeDevice([8, 16])) {
  const log: string[] = [];
  const hooks: DeviceStateHooks = {
    raiseIrq: (irq) => log.push(`raise ${irq}`),
    lowerIrq: () => log.push("lower"),
    log: (line) => log.push(line),
  };
  const memory = memoryOf(0x10000);
  return { device, log, memory, state: new DeviceState(memory, device, hooks) };
}

/** A device whose legacy driver is ready, with a queue at page 1. */
function running() {
  const made = make();
  made.state.writeFeatures(0, 0x2000_0001);
  made.state.writeQueuePage(0, 1);
  made.state.writeStatus(7);
  made.state.interruptQueue(0);
  return made;
}

function travel(state: unknown): unknown {
  return JSON.parse(JSON.stringify(state));
}

describe("the state of a device", () => {
  it("is what a driver made of it, and the other device is told of its queues and its driver last", () => {
    const { state } = running();
    const saved = travel(state.save());
    expect(saved).toMatchObject({ status: 7, isr: 1, featuresLow: 0x2000_0001, queues: [{ format: "split" }, null] });
    const other = make();
    const restoration = other.state.prepare(saved);
    expect(other.device.calls).toEqual([]);
    restoration.apply();
    expect(other.state.save()).toEqual(saved);
    expect(other.device.calls).toEqual(["reset"]);
    restoration.resume();
    expect(other.device.calls).toEqual(["reset", "driver ok"]);
    expect(other.device.readyQueues[0]).toBe(other.state.queues[0]);
    expect(other.log).toEqual(["lower"]);
  });

  it("of one without a driver is that, and nobody is told", () => {
    const other = running();
    restore(other.state, travel(make().state.save()));
    expect(other.state.running).toBe(false);
    expect(other.state.queues[0]?.ready).toBe(false);
    expect(other.device.calls.slice(-1)).toEqual(["reset"]);
  });

  it("names a queue whose memory has gone as stopped", () => {
    const { memory, state } = running();
    memory.removeRegion(memory.find(0, 4) ?? raise());
    expect(state.save()).toMatchObject({ status: 7 | 64, queues: [{ error: "ringOutOfRange" }, null] });
  });

  it.each<[string, object]>([
    ["status", { status: 256 }],
    ["isr", { isr: 4 }],
    ["featuresLow", { featuresLow: 2 }],
    ["featuresHigh", { featuresHigh: 1 }],
    ["tookTooMuch", { tookTooMuch: 0 }],
    ["configGeneration", { configGeneration: 256 }],
    ["queues.length", { queues: [] }],
    ["queues[1]", { queues: [null, 7] }],
    ["queues[1].format", { queues: [null, { format: "round" }] }],
    ["queues[1].size", { queues: [null, { format: "packed", size: 17 }] }],
    ["queues[1].size", { queues: [null, { format: "split", size: 6 }] }],
    ["queues[1]", { queues: [null, { format: "packed", size: 6 }] }],
  ])("with a wrong %s is refused", (name, change) => {
    const { state } = running();
    const saved = state.save();
    expect(() => state.prepare({ ...saved, ...change })).toThrow(`"${name}"`);
    expect(state.save()).toEqual(saved);
  });

  it("has a packed queue of a size that is no power of two, and chains that are out are taken again", () => {
    const { state } = make();
    const queue = { format: "packed", size: 6, layout: { descTable: 0x1000, availRing: 0x2000, usedRing: 0x2004 } };
    const positions = { error: null, avail: 0x8001, used: 0x8000, unsignalled: 0 };
    const chains = [{ head: 3, doneBytes: -1, descriptors: [0x4000, 0, 60, 3] }];
    restore(state, { ...state.save(), queues: [{ ...queue, ...positions, chains }, null] });
    const head = new RangeLog();
    expect(state.queues[0]?.pop(false, 0, head, new RangeLog())).toBe(3);
    expect(state.queues[0]?.pop(false, 0, head, new RangeLog())).toBe(QUEUE_EMPTY);
  });
});

function raise(): never {
  throw new Error("no memory");
}

describe("behind a transport", () => {
  it.each(["legacy", "transitional", "modern"] as const)("it goes with the %s function", (kind) => {
    const from = new ModernMachine(kind);
    from.fn.ioWrite(4, 2, 7);
    from.fn.regions[1]?.write(16 + 8, 4, 77);
    from.fn.regions[4]?.write(spec.VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x1000);
    from.fn.regions[0]?.write(14, 2, 1);
    const saved = travel(from.fn.save());
    const to = new ModernMachine(kind);
    restore(to.fn, saved);
    expect(to.fn.save()).toEqual(saved);
    expect(to.fn.regions[1]?.read(16 + 8, 4)).toBe(77);
    expect(() => to.fn.prepare({ ...(saved as object), more: 1 })).toThrow('"more"');
  });

  it("vectors that the function has not are refused", () => {
    const { fn } = new ModernMachine();
    const saved = fn.save();
    const { vectors } = saved.registers;
    for (const bad of [
      { ...vectors, config: 3 },
      { ...vectors, queues: [0, 0xfffe] },
    ]) {
      expect(() => fn.prepare({ ...saved, registers: { ...saved.registers, vectors: bad } })).toThrow(
        "registers.vectors",
      );
    }
  });

  it("it goes with the registers in memory", () => {
    const from = new MmioTransport(make().state);
    from.write(spec.VIRTIO_MMIO_QUEUE_SEL, 4, 0xffff_ffff);
    from.write(spec.VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 1);
    const to = new MmioTransport(make().state);
    restore(to, travel(from.save()));
    expect(to.save()).toEqual(from.save());
  });
});
