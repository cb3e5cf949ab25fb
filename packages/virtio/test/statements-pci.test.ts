/* What VIRTIO 1.2 asks of a device on a PCI bus (4.1), statement by statement, where no other test looks at it. */
import {
  PCI_BASE_ADDRESS_0,
  PCI_CAP_ID_MSIX,
  PCI_CAP_ID_VNDR,
  PCI_COMMAND,
  PCI_HEADER_TYPE,
  PCI_STATUS,
  PCI_VENDOR_ID,
} from "@vmmkit/pci";
import { describe, expect, it } from "vitest";
import * as spec from "../src/index.ts";
import { BAR, ISR, ModernDevice, ModernMachine } from "./support/modern-machine.ts";

const KINDS = ["legacy", "transitional", "modern"] as const;
const RING_RESET = 2 ** (spec.VIRTIO_F_RING_RESET - 32);
const NOTIFICATION_DATA = 2 ** (spec.VIRTIO_F_NOTIFICATION_DATA - 32);
const { VIRTIO_PCI_COMMON_MSIX, VIRTIO_PCI_COMMON_Q_MSIX, VIRTIO_PCI_COMMON_Q_SELECT } = spec;

/** A device that offers NOTIFICATION_DATA, and has as many queues as it is told. */
class DeviceWith extends ModernDevice {
  override readonly featuresHigh: number;

  constructor(queues: number, featuresHigh: number) {
    super(new Array<number>(queues).fill(8));
    this.featuresHigh = featuresHigh;
  }
}

/** Turns MSI-X on, each vector's message its number. */
function turnOnMsix(machine: ModernMachine, vectors: number): void {
  const at = machine.capabilities().find(({ id }) => id === PCI_CAP_ID_MSIX)?.at ?? 0;
  for (let vector = 0; vector < vectors; vector++) {
    machine.fn.regions[1]?.write(16 * vector + 8, 4, vector);
    machine.fn.regions[1]?.write(16 * vector + 12, 4, 0);
  }
  machine.fn.ioWrite(at + 2, 2, 0x8000);
}

describe("4.1.1 a virtio device is a PCI function", () => {
  it.each(KINDS)(
    "4.1.1 %s: a header of type 0, BARs that tell their size, a list of capabilities that ends",
    (kind) => {
      const { fn, ...machine } = new ModernMachine(kind);
      expect(fn.ioRead(PCI_HEADER_TYPE, 1)).toBe(0);
      // PCI 3.0, 6.7: there is a list, its entries lie behind the header at multiples of 4, none twice.
      expect(fn.ioRead(PCI_STATUS, 2) & 0x10).toBe(0x10);
      const seen = new Set<number>();
      for (let at = fn.ioRead(0x34, 1); at !== 0; at = fn.ioRead(at + 1, 1)) {
        expect([at % 4, at >= 0x40, seen.has(at)]).toEqual([0, true, false]);
        seen.add(at);
      }
      expect(seen.size).toBeGreaterThan(0);
      // PCI 3.0, 6.2.5.1: all ones in, and the size comes back.
      for (const { index } of fn.bars()) {
        const at = PCI_BASE_ADDRESS_0 + 4 * index;
        const kindBits = fn.ioRead(at, 4) & 1 ? 3 : 15;
        fn.ioWrite(at, 4, 0xffff_ffff);
        const size = (~(fn.ioRead(at, 4) & ~kindBits) >>> 0) + 1;
        expect(Math.log2(size)).toBe(fn.regions[index]?.bar.sizeBits);
      }
      // PCI 3.0, 6.2.2: off until it is turned on.
      expect(fn.ioRead(PCI_COMMAND, 2) & 3).toBe(0);
      expect(machine.level).toBe(false);
    },
  );

  it.each(KINDS)("4.1.2.1 the vendor of a %s device is 0x1af4", (kind) => {
    expect(new ModernMachine(kind).fn.ioRead(PCI_VENDOR_ID, 2)).toBe(0x1af4);
  });

  it.each(["legacy", "transitional"] as const)(
    "4.1.4.10, 4.1.5.1.1.1 BAR 0 of a %s device is its legacy registers, in I/O space",
    (kind) => {
      const { fn, state } = new ModernMachine(kind);
      expect(fn.ioRead(PCI_BASE_ADDRESS_0, 4) & 3).toBe(1);
      const region = fn.regions[0];
      expect(region?.bar.kind).toBe("io");
      region?.write(18, 1, 3);
      expect([region?.read(18, 1), state.status]).toEqual([3, 3]);
      expect(region?.read(20, 4)).toBe(0x1200_5452);
    },
  );
});

describe("4.1.4 structures", () => {
  it("4.1.4.2 cap_len counts all of a capability, and no two of them overlap", () => {
    const machine = new ModernMachine();
    const lengths = { 1: 16, 2: 20, 3: 16, 4: 16, 5: 20 } as Record<number, number>;
    const ends = machine.capabilities().flatMap(({ at, id, type }) => {
      if (id !== PCI_CAP_ID_VNDR) return [];
      expect([type, machine.fn.ioRead(at + 2, 1)]).toEqual([type, lengths[type]]);
      return [[at, at + (lengths[type] ?? 0)] as const];
    });
    expect(ends).toHaveLength(5);
    const starts = machine.capabilities().map(({ at }) => at);
    for (const [at, end] of ends) expect(starts.filter((other) => other > at && other < end)).toEqual([]);
  });

  it.each([
    ["without NOTIFICATION_DATA", 1, 2],
    ["with NOTIFICATION_DATA", 1 + NOTIFICATION_DATA, 4],
  ] as const)("4.1.4.4.1 %s there is room for the notifications of all queues, however many", (_what, high, bytes) => {
    for (const queues of [1, 2, 3, 513, 1024]) {
      const machine = new ModernMachine("modern", new DeviceWith(queues, high));
      const cap = machine.capabilities().find(({ id, type }) => id === PCI_CAP_ID_VNDR && type === 2);
      if (cap === undefined) throw new Error("no notification capability");
      const multiplier = machine.fn.ioRead(cap.at + 16, 4);
      // An even power of two, and a power of two that is a multiple of 4: both or 0.
      expect([Math.log2(multiplier) % 2, multiplier % 4, cap.offset % 4]).toEqual([0, 0, 0]);
      for (const queue of [0, queues >> 1, queues - 1]) {
        machine.write(VIRTIO_PCI_COMMON_Q_SELECT, queue);
        const offset = machine.read(spec.VIRTIO_PCI_COMMON_Q_NOFF) * multiplier;
        expect(cap.length).toBeGreaterThanOrEqual(offset + bytes);
      }
    }
  });

  it("4.1.4.3.1 driver_feature shows the valid bits that were written, for any driver_feature_select", () => {
    const machine = new ModernMachine();
    machine.acceptFeatures(0, 0xffff_ffff);
    machine.acceptFeatures(1, 0xffff_ffff);
    machine.acceptFeatures(2, 0xffff_ffff);
    machine.acceptFeatures(0xffff_ffff, 0xffff_ffff);
    const shown = [0, 1, 2, 3, 0xffff_ffff].map((word) => {
      machine.write(spec.VIRTIO_PCI_COMMON_DFSELECT, word, 4);
      machine.write(spec.VIRTIO_PCI_COMMON_GFSELECT, word, 4);
      return [machine.read(spec.VIRTIO_PCI_COMMON_GF, 4), machine.read(spec.VIRTIO_PCI_COMMON_DF, 4)];
    });
    for (const [accepted, offered] of shown) expect(accepted).toBe(offered);
    expect(shown[1]?.[0]).toBe(0x1c5);
    expect(shown[2]?.[0]).toBe(0);
  });

  it.each([1, 2, 255, 256, 257, 511, 512, 65536])(
    "4.1.4.3.1 config_generation is another one after %i changes",
    (changes) => {
      const machine = new ModernMachine();
      const read = () => machine.read(spec.VIRTIO_PCI_COMMON_CFGGENERATION, 1);
      for (let start = 0; start < 300; start++) {
        const before = read();
        expect(read()).toBe(before);
        for (let i = 0; i < (start < 3 ? changes : 1); i++) machine.state.noteConfigChange();
        expect(read()).not.toBe(before);
      }
    },
  );

  it("4.1.4.3.1 queue_reset and queue_enable: what they show after a reset of the device, of the queue, and enabled again", () => {
    const machine = new ModernMachine();
    const shown = () => [machine.read(spec.VIRTIO_PCI_COMMON_Q_ENABLE), machine.read(spec.VIRTIO_PCI_COMMON_Q_RESET)];
    machine.start(RING_RESET);
    machine.write(VIRTIO_PCI_COMMON_Q_SELECT, 0);
    expect(shown()).toEqual([1, 0]);
    machine.write(spec.VIRTIO_PCI_COMMON_Q_RESET, 1);
    expect(shown()).toEqual([0, 0]);
    machine.place(0);
    expect(shown()).toEqual([1, 0]);
    machine.status = 0;
    machine.write(VIRTIO_PCI_COMMON_Q_SELECT, 0);
    expect(shown()).toEqual([0, 0]);
  });

  it("4.1.4.5.1 the configuration bit of the ISR is set ahead of the notification, with MSI-X as without", () => {
    for (const msix of [false, true]) {
      const machine = new ModernMachine();
      if (msix) turnOnMsix(machine, 3);
      machine.negotiate();
      machine.write(VIRTIO_PCI_COMMON_MSIX, 1);
      machine.status = 15;
      const seen: number[] = [];
      const push = machine.messages.push.bind(machine.messages);
      machine.messages.push = (...data) => {
        seen.push(machine.state.isr & 2);
        return push(...data);
      };
      machine.state.interruptConfig();
      expect(seen).toEqual(msix ? [2] : []);
      expect(machine.level).toBe(!msix);
      expect(machine.region.read(ISR, 1) & 2).toBe(2);
    }
  });

  it("4.1.4.9.1 the window reads and writes as many bytes as cap.length says, where cap.bar and cap.offset say", () => {
    const machine = new ModernMachine();
    const at = machine.capabilities().find(({ id, type }) => id === PCI_CAP_ID_VNDR && type === 5)?.at ?? 0;
    const aim = (bar: number, offset: number, length: number) => {
      machine.fn.ioWrite(at + 4, 1, bar);
      machine.fn.ioWrite(at + 8, 4, offset);
      machine.fn.ioWrite(at + 12, 4, length);
    };
    aim(BAR, spec.VIRTIO_PCI_COMMON_GFSELECT, 4);
    machine.fn.ioWrite(at + 16, 4, 0x0102_0304);
    expect(machine.read(spec.VIRTIO_PCI_COMMON_GFSELECT, 4)).toBe(0x0102_0304);
    for (const [length, wanted] of [
      [1, 0x04],
      [2, 0x0304],
      [4, 0x0102_0304],
    ] as const) {
      aim(BAR, spec.VIRTIO_PCI_COMMON_GFSELECT, length);
      expect(machine.fn.ioRead(at + 16, length as 1 | 2 | 4)).toBe(wanted);
    }
    // The legacy registers, behind BAR 0.
    aim(0, 18, 1);
    machine.fn.ioWrite(at + 16, 1, 1);
    expect(machine.status).toBe(1);
  });
});

describe("4.1.5.1.2 MSI-X vectors", () => {
  it("4.1.5.1.2.1 any event goes to any vector, shows it, and can be taken off again", () => {
    const queues = 2;
    for (let event = -1; event < queues; event++) {
      const machine = new ModernMachine();
      const vectors = queues + 1;
      turnOnMsix(machine, vectors);
      machine.negotiate();
      machine.place(0);
      machine.place(1, 0x2_0000);
      machine.status = 15;
      const register = event < 0 ? VIRTIO_PCI_COMMON_MSIX : VIRTIO_PCI_COMMON_Q_MSIX;
      const map = (vector: number) => {
        machine.write(VIRTIO_PCI_COMMON_Q_SELECT, Math.max(event, 0));
        machine.write(register, vector);
        return machine.read(register);
      };
      const happen = () => {
        machine.messages.length = 0;
        if (event < 0) machine.state.interruptConfig();
        else machine.state.interruptQueue(event);
        return [...machine.messages];
      };
      expect([machine.read(register), happen()]).toEqual([0xffff, []]);
      for (let vector = 0; vector < vectors; vector++) {
        expect([map(vector), happen()]).toEqual([vector, [vector]]);
        expect([map(0xffff), happen()]).toEqual([0xffff, []]);
      }
      // One that there is not: the failure shows, and nothing is sent.
      for (const vector of [vectors, 0x7ff, 0x800, 0xfffe]) {
        map(0);
        expect([map(vector), happen()]).toEqual([0xffff, []]);
      }
      expect(machine.level).toBe(false);
    }
  });

  it.each([1, 2, 513, 1024])(
    "4.1.5.1.2.1 with %i queues: a vector for each, one for the configuration, in Table Size",
    (queues) => {
      const machine = new ModernMachine("modern", new DeviceWith(queues, 1));
      const at = machine.capabilities().find(({ id }) => id === PCI_CAP_ID_MSIX)?.at ?? 0;
      const vectors = (machine.fn.ioRead(at + 2, 2) & 0x7ff) + 1;
      expect(vectors).toBe(queues + 1);
      expect(vectors).toBeGreaterThanOrEqual(2);
      expect(vectors).toBeLessThanOrEqual(0x800);
    },
  );
});
