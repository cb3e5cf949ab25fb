/* A virtio device's PCI function: identity, capabilities, the window in configuration space, MSI-X (VIRTIO 1.2, 4.1). */
import { PCI_CAP_ID_MSIX, PCI_CAP_ID_VNDR, PCI_DEVICE_ID, PCI_REVISION_ID, PCI_SUBSYSTEM_ID } from "@vmmkit/pci";
import { describe, expect, it } from "vitest";
import * as spec from "../src/index.ts";
import { FakeDevice } from "./support/fake-device.ts";
import { BAR, ISR, ModernDevice, ModernMachine } from "./support/modern-machine.ts";

function legacyOf(machine: ModernMachine) {
  const legacy = machine.fn.regions[0];
  if (legacy === undefined || legacy === null) throw new Error("no legacy registers");
  return legacy;
}

/** Turns MSI-X on, each vector's message its number. */
function turnOnMsix(machine: ModernMachine, on = true): void {
  const at = machine.capabilities().find(({ id }) => id === PCI_CAP_ID_MSIX)?.at ?? 0;
  for (let vector = 0; vector < 3; vector++) {
    machine.fn.regions[1]?.write(16 * vector + 8, 4, vector);
    machine.fn.regions[1]?.write(16 * vector + 12, 4, 0);
  }
  machine.fn.ioWrite(at + 2, 2, on ? 0x8000 : 0);
}

describe("4.1.2 identity", () => {
  it.each([
    ["legacy", 0x1000, 0, 1],
    ["transitional", 0x1000, 0, 1],
    ["modern", 0x1041, 1, 0x41],
  ] as const)("4.1.2.1 of a %s device", (kind, device, revision, subsystem) => {
    const { fn } = new ModernMachine(kind);
    expect(fn.ioRead(PCI_DEVICE_ID, 2)).toBe(device);
    expect(fn.ioRead(PCI_REVISION_ID, 1)).toBe(revision);
    expect(fn.ioRead(PCI_SUBSYSTEM_ID, 2)).toBe(subsystem);
  });

  it.each([
    ["legacy", [0, 1]],
    ["transitional", [0, 1, BAR]],
    ["modern", [1, BAR]],
  ] as const)("a %s device has BARs %o", (kind, bars) => {
    const { fn } = new ModernMachine(kind);
    expect(fn.bars().map(({ index }) => index)).toEqual(bars);
    expect(fn.regions.flatMap((region, index) => (region === null ? [] : [index]))).toEqual(bars);
  });

  it("is refused for a type of device that never had a transitional id", () => {
    const device = new FakeDevice() as ModernDevice;
    expect(() => new ModernMachine("transitional", device)).toThrow('"device.deviceId"');
    expect(() => new ModernMachine("modern", device)).not.toThrow();
  });
});

describe("4.1.4 capabilities", () => {
  it("say where each structure is, all behind one prefetchable 64-bit BAR, and fit into it", () => {
    const machine = new ModernMachine();
    const caps = machine.capabilities();
    expect(caps.map(({ id, type }) => (id === PCI_CAP_ID_VNDR ? type : -id))).toEqual([
      1,
      3,
      4,
      2,
      5,
      -PCI_CAP_ID_MSIX,
    ]);
    for (const { type, bar, offset, length } of caps.slice(0, 4)) {
      expect([type, bar]).toEqual([type, BAR]);
      expect(offset % 4).toBe(0);
      expect(offset + length).toBeLessThanOrEqual(2 ** machine.region.bar.sizeBits);
    }
    expect(machine.region.bar).toMatchObject({ kind: "mem64", prefetchable: true });
    // 4.1.4.3.1, 4.1.4.4.1: the multiplier is 0 or an even power of two, and the area holds every queue's address.
    const notify = caps.find(({ type, id }) => id === PCI_CAP_ID_VNDR && type === 2);
    expect(machine.fn.ioRead((notify?.at ?? 0) + 16, 4)).toBe(4);
  });

  it("are none for a legacy device without MSI-X", () => {
    expect(new ModernMachine("legacy", new ModernDevice(), false).capabilities()).toEqual([]);
  });
});

describe("4.1.4.9 the window in configuration space", () => {
  function windowOf(machine: ModernMachine) {
    const at = machine.capabilities().find(({ id, type }) => id === PCI_CAP_ID_VNDR && type === 5)?.at ?? 0;
    const aim = (bar: number, offset: number, length: number) => {
      machine.fn.ioWrite(at + 4, 1, bar);
      machine.fn.ioWrite(at + 8, 4, offset);
      machine.fn.ioWrite(at + 12, 4, length);
    };
    return { at, aim, data: at + 16 };
  }

  it("reads and writes registers behind a BAR that nobody mapped", () => {
    const machine = new ModernMachine();
    const { aim, data } = windowOf(machine);
    aim(BAR, spec.VIRTIO_PCI_COMMON_STATUS, 1);
    machine.fn.ioWrite(data, 1, 1);
    machine.fn.ioWrite(data, 1, 3);
    expect(machine.status).toBe(3);
    expect(machine.fn.ioRead(data, 1)).toBe(3);
    aim(BAR, spec.VIRTIO_PCI_COMMON_NUMQ, 2);
    expect(machine.fn.ioRead(data, 2)).toBe(2);
    aim(BAR, 0x2000, 4);
    expect(machine.fn.ioRead(data, 4)).toBe(0x1200_5452);
    expect(machine.fn.ioRead(data - 4, 4)).toBe(4);
  });

  it.each([
    ["a BAR that there is not", 2, 0, 1],
    ["a BAR number out of range", 200, 0, 1],
    ["a length that there is not", BAR, 0, 3],
    ["no length", BAR, 0, 0],
    ["a misaligned offset", BAR, 0x15, 4],
    ["an offset behind the BAR", BAR, 0x4000, 4],
  ])("4.1.4.9.2 does nothing for %s", (_what, bar, offset, length) => {
    const machine = new ModernMachine();
    const { aim, data } = windowOf(machine);
    aim(bar, offset, length);
    machine.fn.ioWrite(data, 4, 0x0101_0101);
    expect(machine.fn.ioRead(data, 4)).toBe(0x0101_0101);
    expect(machine.status).toBe(0);
    expect(machine.device.calls).toEqual([]);
  });
});

describe("4.1.5.1 interrupts", () => {
  it("4.1.5.1.2 sends the vectors that the driver gave, and leaves pin and ISR alone", () => {
    const machine = new ModernMachine();
    turnOnMsix(machine);
    machine.negotiate();
    machine.write(spec.VIRTIO_PCI_COMMON_MSIX, 2);
    machine.write(spec.VIRTIO_PCI_COMMON_Q_SELECT, 0);
    machine.write(spec.VIRTIO_PCI_COMMON_Q_MSIX, 1);
    machine.place(0);
    machine.status = 15;
    machine.state.interruptQueue(0);
    machine.state.interruptConfig();
    machine.state.interruptQueue(1);
    expect(machine.messages).toEqual([1, 2]);
    expect(machine.level).toBe(false);
  });

  it("4.1.5.1.2.1 forgets vectors at a reset", () => {
    const machine = new ModernMachine();
    turnOnMsix(machine);
    machine.write(spec.VIRTIO_PCI_COMMON_MSIX, 2);
    machine.write(spec.VIRTIO_PCI_COMMON_Q_MSIX, 1);
    machine.status = 0;
    expect(machine.read(spec.VIRTIO_PCI_COMMON_MSIX)).toBe(0xffff);
    expect(machine.read(spec.VIRTIO_PCI_COMMON_Q_MSIX)).toBe(0xffff);
    machine.write(spec.VIRTIO_PCI_COMMON_Q_SELECT, 7);
    machine.write(spec.VIRTIO_PCI_COMMON_Q_MSIX, 1);
    expect(machine.read(spec.VIRTIO_PCI_COMMON_Q_MSIX)).toBe(0xffff);
  });

  it("have no vector to give without MSI-X", () => {
    const machine = new ModernMachine("modern", new ModernDevice(), false);
    machine.write(spec.VIRTIO_PCI_COMMON_MSIX, 0);
    expect(machine.read(spec.VIRTIO_PCI_COMMON_MSIX)).toBe(0xffff);
  });

  it("4.1.4.10 move the legacy configuration by four bytes while MSI-X is on", () => {
    const machine = new ModernMachine();
    const legacy = legacyOf(machine);
    expect(legacy.read(20, 4)).toBe(0x1200_5452);
    turnOnMsix(machine);
    expect(legacy.read(24, 4)).toBe(0x1200_5452);
    legacy.write(20, 2, 2);
    legacy.write(22, 2, 9);
    expect([legacy.read(20, 2), legacy.read(22, 2)]).toEqual([2, 0xffff]);
    legacy.write(24, 1, 0x99);
    expect(machine.device.calls).toEqual(["config 0 = 153"]);
    turnOnMsix(machine, false);
    expect(legacy.read(20, 1)).toBe(0x99);
  });

  it("4.1.4.5.1 say it in the ISR and on the pin once MSI-X is off again", () => {
    const machine = new ModernMachine();
    turnOnMsix(machine);
    machine.start();
    machine.state.interruptQueue(0);
    turnOnMsix(machine, false);
    expect(machine.level).toBe(false);
    machine.state.interruptQueue(0);
    expect(machine.level).toBe(true);
    expect(machine.region.read(ISR, 1)).toBe(1);
  });

  it("a reset of the bus turns MSI-X off and takes the BARs away", () => {
    const machine = new ModernMachine();
    turnOnMsix(machine);
    machine.fn.ioWrite(0x20, 4, 0xfe00_0000);
    machine.fn.ioWrite(4, 2, 7);
    expect(machine.fn.bars().find(({ index }) => index === BAR)?.enabled).toBe(true);
    machine.fn.reset();
    machine.start();
    machine.state.interruptQueue(0);
    expect(machine.level).toBe(true);
    expect(machine.fn.bars().some(({ enabled }) => enabled)).toBe(false);
  });
});
