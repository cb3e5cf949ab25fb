import { describe, expect, it } from "vitest";
import { FakeMachine } from "./support/fake-device.ts";

describe("VirtioEmul, by the names of the C original", () => {
  it("io_in and io_out: the window", () => {
    const { emul } = new FakeMachine();
    emul.ioOut(18, 1, 1);
    expect(emul.ioIn(18, 1)).toBe(1);
  });

  it("device_io_in and device_io_out: the configuration by itself", () => {
    const { emul, device } = new FakeMachine();
    emul.deviceIoOut(0, 2, 0xbbaa);
    expect([emul.deviceIoIn(0, 4), device.config[1]]).toEqual([0x1200_bbaa, 0xbb]);
    expect([emul.deviceIoIn(9, 2), emul.deviceIoIn(1000, 4)]).toEqual([0xff05, 0xffff_ffff]);
  });

  it("notify: as the guest does through its register", () => {
    const machine = new FakeMachine();
    machine.place(1, 8);
    machine.emul.ioOut(18, 1, 7);
    machine.emul.notify(1);
    machine.emul.notify(99);
    expect(machine.device.calls).toEqual(["driver ok", "notify 1"]);
    expect(machine.emul.queueCounters[1]?.notifications).toBe(1);
  });

  it("virtq: the queues", () => {
    const { emul } = new FakeMachine();
    expect(emul.virtq.map(({ size, ready }) => [size, ready])).toEqual([
      [8, false],
      [16, false],
    ]);
    expect(emul.virtq).toBe(emul.state.queues);
  });
});
