/* The modern registers behind the memory BAR (VIRTIO 1.2, 4.1.4), and the status machine that a modern driver meets. */
import { describe, expect, it } from "vitest";
import * as spec from "../src/index.ts";
import { DEVICE, ISR, ModernDevice, ModernMachine, NOTIFY } from "./support/modern-machine.ts";

const ENABLED = spec.VIRTIO_PCI_COMMON_Q_ENABLE;
const SIZE = spec.VIRTIO_PCI_COMMON_Q_SIZE;
const SELECT = spec.VIRTIO_PCI_COMMON_Q_SELECT;
const RESET = spec.VIRTIO_PCI_COMMON_Q_RESET;
const RING_RESET = 2 ** (spec.VIRTIO_F_RING_RESET - 32);
const RING_PACKED = 2 ** (spec.VIRTIO_F_RING_PACKED - 32);

describe("2.1.2, 3.1.1 device status", () => {
  it("is walked through bit by bit", () => {
    const machine = new ModernMachine();
    machine.status = 1;
    machine.status = 3;
    machine.acceptFeatures(1, 1);
    machine.status = 11;
    expect(machine.status).toBe(11);
    expect(machine.state.running).toBe(false);
    machine.status = 15;
    expect(machine.status).toBe(15);
    expect(machine.device.calls).toEqual(["driver ok"]);
  });

  it.each([
    ["DRIVER before ACKNOWLEDGE", [2], 0],
    ["FEATURES_OK before DRIVER", [1, 9], 1],
    ["DRIVER_OK before FEATURES_OK", [1, 3, 7], 3],
    ["DRIVER_OK alone", [4], 0],
    ["a bit that the device sets", [1, 0x41], 1],
    ["bits that there are not", [1, 0x31], 1],
  ])("does not take %s", (_what, writes, after) => {
    const machine = new ModernMachine();
    machine.acceptFeatures(1, 1);
    for (const value of writes) machine.status = value;
    expect(machine.status).toBe(after);
    expect(machine.device.calls).toEqual([]);
  });

  it("keeps bits that a driver clears, until it writes 0", () => {
    const machine = new ModernMachine();
    machine.start();
    machine.status = 1;
    expect(machine.status).toBe(15);
    machine.status = 0x80;
    expect(machine.status).toBe(0x8f);
    machine.status = 0;
    expect(machine.status).toBe(0);
    expect(machine.device.calls).toEqual(["driver ok", "reset"]);
  });

  it("2.1.2 says DEVICE_NEEDS_RESET and interrupts for the configuration where a ring is absurd", () => {
    const machine = new ModernMachine();
    machine.negotiate();
    machine.place(0);
    machine.status = 15;
    machine.place(1, 0x1_0003);
    expect(machine.status).toBe(0x4f);
    expect(machine.level).toBe(true);
    expect(machine.region.read(ISR, 1)).toBe(spec.VIRTIO_PCI_ISR_CONFIG);
    expect(machine.lines).toHaveLength(1);
    machine.status = 0;
    machine.start();
    expect(machine.status).toBe(15);
  });
});

describe("2.2 features", () => {
  it("4.1.4.3.1 are shown 32 at a time, and none where the selector is beyond", () => {
    const machine = new ModernMachine();
    const shown = [0, 1, 2, 0xffff_ffff].map((word) => {
      machine.write(spec.VIRTIO_PCI_COMMON_DFSELECT, word, 4);
      return machine.read(spec.VIRTIO_PCI_COMMON_DF, 4);
    });
    // 6.3: bits 24, 27 and 30 are the legacy interface's.
    expect(shown).toEqual([(0xb000_0021 & ~0x4900_0000) >>> 0, 0x1c5, 0, 0]);
    expect(machine.state.offered(0, "legacy")).toBe(0xb000_0021);
    expect(machine.state.offered(1, "legacy")).toBe(0);
  });

  it("read back what was accepted, and cannot be changed behind FEATURES_OK", () => {
    const machine = new ModernMachine();
    machine.acceptFeatures(0, 0x2000_0001);
    expect(machine.read(spec.VIRTIO_PCI_COMMON_GF, 4)).toBe(0x2000_0001);
    machine.negotiate();
    machine.acceptFeatures(0, 0x21);
    expect(machine.state.driverFeaturesLow).toBe(0x2000_0001);
    expect(machine.state.hasFeature(spec.VIRTIO_F_VERSION_1)).toBe(true);
  });

  it.each([
    ["without VERSION_1 (6.1)", (machine: ModernMachine) => machine.acceptFeatures(1, 0)],
    ["with one that was not on offer", (machine: ModernMachine) => machine.acceptFeatures(0, 2)],
    [
      "that the device cannot work with",
      (machine: ModernMachine) => {
        machine.device.accepts = false;
      },
    ],
  ])("2.2.2 are refused %s: FEATURES_OK stays 0, and a reset starts afresh", (_what, spoil) => {
    const machine = new ModernMachine();
    machine.status = 3;
    machine.acceptFeatures(1, 1);
    spoil(machine);
    machine.status = 11;
    expect(machine.status).toBe(3);
    machine.status = 15;
    expect(machine.state.running).toBe(false);
    machine.device.accepts = true;
    machine.status = 0;
    machine.start();
    expect(machine.status).toBe(15);
  });
});

describe("4.1.4.3 queues", () => {
  it("4.1.4.3.1 show their number, size and notification address; where there is none the size is 0", () => {
    const machine = new ModernMachine();
    expect(machine.read(spec.VIRTIO_PCI_COMMON_NUMQ)).toBe(2);
    const shown = [0, 1, 2, 0xffff].map((queue) => {
      machine.write(SELECT, queue);
      return [machine.read(SIZE), machine.read(spec.VIRTIO_PCI_COMMON_Q_NOFF), machine.read(ENABLED)];
    });
    expect(shown).toEqual([
      [8, 0, 0],
      [16, 1, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it("may be made smaller by the driver, to a power of two", () => {
    const machine = new ModernMachine();
    machine.negotiate();
    machine.write(SELECT, 1);
    for (const size of [0, 3, 17, 32, 0xffff]) {
      machine.write(SIZE, size);
      expect(machine.read(SIZE)).toBe(16);
    }
    machine.write(SIZE, 4);
    machine.place(1);
    expect(machine.state.queues[1]).toMatchObject({ size: 4, ready: true });
    machine.write(SIZE, 8);
    expect(machine.read(SIZE)).toBe(4);
  });

  it("2.8.1 may have any size where they are packed", () => {
    const machine = new ModernMachine();
    machine.negotiate(RING_PACKED);
    machine.write(SELECT, 1);
    machine.write(SIZE, 11);
    machine.place(1);
    expect(machine.state.queues[1]).toBeInstanceOf(spec.PackedQueue);
    expect(machine.state.queues[1]?.size).toBe(11);
  });

  it("are where the driver put them, 64 bits each, and stay there once they are enabled", () => {
    const machine = new ModernMachine();
    machine.negotiate();
    machine.place(0);
    const parts = [spec.VIRTIO_PCI_COMMON_Q_DESCLO, spec.VIRTIO_PCI_COMMON_Q_AVAILLO, spec.VIRTIO_PCI_COMMON_Q_USEDLO];
    for (const part of parts) machine.write(part, 0x5000, 4);
    expect(parts.map((part) => machine.read(part, 4))).toEqual([0x1_0000, 0x1_1000, 0x1_2000]);
    expect(machine.state.queues[0]?.layout).toEqual({ descTable: 0x1_0000, availRing: 0x1_1000, usedRing: 0x1_2000 });
    machine.write(SELECT, 1);
    machine.write(spec.VIRTIO_PCI_COMMON_Q_DESCLO + 4, 0xffff_ffff, 4);
    expect(machine.read(spec.VIRTIO_PCI_COMMON_Q_DESCLO + 4, 4)).toBe(0xffff_ffff);
    machine.write(ENABLED, 1);
    expect(machine.status & 0x40).toBe(0x40);
  });

  it("are not enabled before FEATURES_OK, nor by another value than 1, nor disabled by 0", () => {
    const machine = new ModernMachine();
    machine.place(0);
    expect(machine.read(ENABLED)).toBe(0);
    machine.negotiate();
    machine.write(ENABLED, 2);
    expect(machine.read(ENABLED)).toBe(0);
    machine.write(ENABLED, 1);
    expect(machine.read(ENABLED)).toBe(1);
    machine.write(ENABLED, 0);
    expect(machine.read(ENABLED)).toBe(1);
    machine.status = 0;
    expect([machine.read(ENABLED), machine.read(spec.VIRTIO_PCI_COMMON_Q_DESCLO, 4)]).toEqual([0, 0]);
  });

  it("4.1.4.4 are notified each at its own address, not before DRIVER_OK, and none that there is not", () => {
    const machine = new ModernMachine();
    machine.negotiate();
    machine.place(0);
    machine.place(1, 0x2_0000);
    machine.write(NOTIFY, 0);
    machine.status = 15;
    machine.write(NOTIFY + 4, 1);
    machine.write(NOTIFY, 0);
    machine.write(NOTIFY + 8, 2);
    machine.write(NOTIFY + 0xffc, 1023);
    expect(machine.device.calls).toEqual(["driver ok", "notify 1", "notify 0"]);
  });

  it("4.1.5.2 takes NOTIFICATION_DATA with a notification of 32 bits", () => {
    const machine = new ModernMachine();
    machine.start(2 ** (spec.VIRTIO_F_NOTIFICATION_DATA - 32));
    machine.write(NOTIFY, 0x8005_0000, 4);
    expect(machine.device.calls).toEqual(["driver ok", "notify 0"]);
  });
});

describe("2.6.1 queue reset", () => {
  it("takes one queue away, which reads as it did at first, and can be started again", () => {
    const machine = new ModernMachine();
    machine.start(RING_RESET);
    machine.write(SELECT, 0);
    machine.write(SIZE, 2);
    machine.write(RESET, 1);
    expect([machine.read(RESET), machine.read(ENABLED), machine.read(SIZE)]).toEqual([0, 0, 8]);
    expect(machine.device.calls).toEqual(["driver ok", "queue 0 reset"]);
    machine.write(NOTIFY, 0);
    machine.write(SIZE, 4);
    machine.place(0, 0x3_0000);
    machine.write(NOTIFY, 0);
    expect(machine.device.calls.at(-1)).toBe("notify 0");
    expect(machine.device.readyQueues[0]).toBe(machine.state.queues[0]);
    expect(machine.state.queues[0]?.size).toBe(4);
  });

  it("4.1.4.3.1 does nothing without RING_RESET, for another value than 1, or for a queue that there is not", () => {
    const machine = new ModernMachine();
    machine.start();
    machine.write(RESET, 1);
    machine.status = 0;
    machine.start(RING_RESET);
    machine.write(RESET, 2);
    machine.write(SELECT, 9);
    machine.write(RESET, 1);
    machine.write(SELECT, 0);
    expect(machine.read(ENABLED)).toBe(1);
    expect(machine.device.calls.filter((call) => call.startsWith("queue"))).toEqual([]);
  });
});

describe("4.1.4.5 ISR status", () => {
  it("says what happened, is cleared by reading, and lowers the line", () => {
    const machine = new ModernMachine();
    machine.start();
    machine.state.interruptQueue(0);
    machine.state.interruptConfig();
    expect(machine.level).toBe(true);
    expect(machine.region.read(ISR, 1)).toBe(3);
    expect(machine.level).toBe(false);
    expect(machine.region.read(ISR, 1)).toBe(0);
  });
});

describe("4.1.4.6 device configuration", () => {
  it("is read at any width, and ends where it ends", () => {
    const machine = new ModernMachine();
    expect([1, 2, 4].map((size) => machine.region.read(DEVICE + 8, size))).toEqual([0xdc, 0x05dc, 0x05dc]);
    expect(machine.region.read(DEVICE + 10, 4)).toBe(0);
    machine.region.write(DEVICE + 8, 4, 0x0403_0201);
    expect(machine.device.calls).toEqual(["config 8 = 1", "config 9 = 2"]);
  });

  it("2.5.1, 4.1.4.3.1 has another generation after each change", () => {
    const machine = new ModernMachine();
    const seen = new Set([machine.read(spec.VIRTIO_PCI_COMMON_CFGGENERATION, 1)]);
    machine.state.noteConfigChange();
    seen.add(machine.read(spec.VIRTIO_PCI_COMMON_CFGGENERATION, 1));
    machine.state.interruptConfig();
    seen.add(machine.read(spec.VIRTIO_PCI_COMMON_CFGGENERATION, 1));
    expect(seen.size).toBe(3);
  });
});

describe("both interfaces on one function", () => {
  it("3.1.2 a legacy driver needs no FEATURES_OK, and finds the device as the modern one left it", () => {
    const machine = new ModernMachine();
    machine.start();
    const legacy = machine.fn.regions[0];
    if (legacy === undefined || legacy === null) throw new Error("no legacy registers");
    legacy.write(spec.VIRTIO_PCI_STATUS, 1, 0);
    expect(machine.status).toBe(0);
    expect(machine.read(ENABLED)).toBe(0);
    legacy.write(spec.VIRTIO_PCI_QUEUE_PFN, 4, 1);
    legacy.write(spec.VIRTIO_PCI_STATUS, 1, 7);
    expect(machine.state.running).toBe(true);
    expect(machine.state.queues[0]?.size).toBe(8);
  });
});

describe("a hostile guest", () => {
  it("does what it likes with the registers, and nothing throws", () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed % below;
    };
    const machine = new ModernMachine("transitional", new ModernDevice());
    machine.device.onNotify = (queue) => void machine.state.queues[queue]?.available();
    const widths = [1, 2, 4];
    for (let i = 0; i < 60_000; i++) {
      const region = machine.fn.regions[[0, 1, 4, 4][random(4)] ?? 4];
      if (region === undefined || region === null) throw new Error("no region");
      const size = widths[random(3)] ?? 1;
      const offset = random(i % 4 === 0 ? 2 ** region.bar.sizeBits : 0x40);
      const value = [0, 1, 3, 11, 15, random(0x1_0000), random(2 ** 32)][random(7)] ?? 0;
      if (random(3) === 0) {
        const read = region.read(offset, size);
        expect(Number.isInteger(read) && read >= 0 && read < 2 ** 32).toBe(true);
      } else region.write(offset, size, value);
      if (random(5) === 0) machine.fn.ioWrite(4 * random(64), 4, value);
    }
    machine.status = 0;
    machine.start();
    expect(machine.status).toBe(15);
  });
});
