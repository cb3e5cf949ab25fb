import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { CHAIN_ERRORS, DeviceState, type DeviceStateHooks, QueueCounters } from "../src/index.ts";
import { FakeDevice } from "./support/fake-device.ts";

function stateOf(device: FakeDevice) {
  const log: string[] = [];
  const hooks: DeviceStateHooks = {
    raiseIrq: (irq) => log.push(`raise ${irq}`),
    lowerIrq: () => log.push("lower"),
    log: (line) => log.push(line),
  };
  const memory = new GuestMemory([{ gpa: 0, size: 0x10000, buffer: new ArrayBuffer(0x10000) }]);
  return { log, state: new DeviceState(memory, device, hooks) };
}

describe("the state of a device", () => {
  it("has a queue and counters for each size that the device names", () => {
    const { state } = stateOf(new FakeDevice([1, 256, 32768]));
    expect(state.queues.map(({ size }) => size)).toEqual([1, 256, 32768]);
    expect(state.counters).toHaveLength(3);
    expect(new Set(state.counters).size).toBe(3);
  });

  it.each([0, 3, 65536])("refuses a device with a queue of %i entries", (size) => {
    expect(() => stateOf(new FakeDevice([8, size]))).toThrow(RangeError);
  });

  it("may have no queue at all", () => {
    const { state } = stateOf(new FakeDevice([]));
    state.writeQueuePage(0, 1);
    state.writeStatus(7);
    state.notify(0);
    expect(state.queues).toEqual([]);
  });

  it("4.1.4.10 knows features by their bit, and none beyond bit 31", () => {
    const { state } = stateOf(new FakeDevice([8], 0x8000_0001));
    state.writeFeatures(0, 0x8000_0001);
    expect([0, 1, 30, 31, 32, 63].map((bit) => state.hasFeature(bit))).toEqual([
      true,
      false,
      false,
      true,
      false,
      false,
    ]);
    expect(state.driverFeaturesLow).toBe(0x8000_0001);
  });

  it("tells the device of a reset when its queues have been reset and the line is down", () => {
    const device = new FakeDevice([8]);
    const { state, log } = stateOf(device);
    state.writeQueuePage(0, 1);
    state.writeStatus(7);
    state.interruptQueue(0);
    let seen: unknown;
    device.reset = () => {
      seen = { ready: state.queues[0]?.ready, status: state.status, isr: state.isr, log: [...log] };
    };
    state.writeStatus(0);
    expect(seen).toEqual({ ready: false, status: 0, isr: 0, log: ["raise 0", "lower"] });
  });

  it("tells the device that the driver is ready when status and features are there to be seen", () => {
    const device = new FakeDevice([8]);
    const { state } = stateOf(device);
    let seen: unknown;
    device.driverOk = () => {
      seen = { running: state.running, features: state.queues[0]?.features };
    };
    state.writeQueuePage(0, 1);
    state.writeFeatures(0, 0x3000_0000);
    state.writeStatus(4);
    expect(seen).toMatchObject({ running: true, features: { indirect: true, eventIdx: true } });
  });

  it("can be brought down by the device while it is told of a notification", () => {
    const device = new FakeDevice([8]);
    const { state } = stateOf(device);
    state.writeQueuePage(0, 1);
    state.writeStatus(7);
    device.onNotify = () => state.reset();
    state.notify(0);
    state.notify(0);
    expect(device.calls).toEqual(["driver ok", "notify 0", "reset"]);
  });
});

describe("counters", () => {
  it("start at 0, one for each cause by its name", () => {
    const counters = new QueueCounters();
    expect(Object.keys(counters.refused)).toEqual([...CHAIN_ERRORS]);
    expect(Object.values(counters.refused).every((count) => count === 0)).toBe(true);
    expect(counters).toMatchObject({ notifications: 0, interrupts: 0, chains: 0, stopped: 0 });
  });
});
