import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeDevice, FakeMachine } from "./support/fake-device.ts";

const FEATURES = 0xb000_0021;
const CONFIG = 20;

/** The window of 4.1.4.10 as the guest finds it, byte by byte. */
function window(machine: FakeMachine): number[] {
  return Array.from({ length: 32 }, (_, offset) => machine.emul.ioIn(offset, 1));
}

/** Brings the device to the point where a driver works with it. */
function driverOk(machine: FakeMachine): void {
  machine.emul.ioOut(18, 1, 1);
  machine.emul.ioOut(18, 1, 3);
  machine.emul.ioOut(4, 4, FEATURES);
  machine.place(0, 1);
  machine.place(1, 8);
  machine.emul.ioOut(18, 1, 7);
}

describe("4.1.4.10 the legacy window: every register at its width", () => {
  it("device features, read-only", () => {
    const { emul } = new FakeMachine();
    expect(emul.ioIn(0, 4)).toBe(FEATURES);
    emul.ioOut(0, 4, 0);
    emul.ioOut(2, 1, 0x55);
    expect(emul.ioIn(0, 4)).toBe(FEATURES);
  });

  it("driver features: what is on offer of what is asked for", () => {
    const { emul } = new FakeMachine();
    expect(emul.ioIn(4, 4)).toBe(0);
    emul.ioOut(4, 4, 0xffff_ffff);
    expect(emul.ioIn(4, 4)).toBe(FEATURES);
    emul.ioOut(4, 4, 0x2000_001f);
    expect(emul.ioIn(4, 4)).toBe(0x2000_0001);
    expect(emul.state.hasFeature(29)).toBe(true);
    expect(emul.state.hasFeature(5)).toBe(false);
  });

  it("queue address and size, of the selected queue", () => {
    const machine = new FakeMachine();
    const { emul } = machine;
    machine.place(1, 0x12);
    expect([emul.ioIn(8, 4), emul.ioIn(12, 2), emul.ioIn(14, 2)]).toEqual([0x12, 16, 1]);
    emul.ioOut(14, 2, 0);
    expect([emul.ioIn(8, 4), emul.ioIn(12, 2)]).toEqual([0, 8]);
    emul.ioOut(12, 2, 4);
    expect(emul.ioIn(12, 2)).toBe(8);
    expect(emul.virtq.map(({ ready }) => ready)).toEqual([false, true]);
  });

  it.each([2, 3, 0x7fff, 0xffff])(
    "queue %i does not exist: size 0, address 0, and placing it does nothing",
    (queue) => {
      const machine = new FakeMachine();
      machine.place(queue, 1);
      expect([machine.emul.ioIn(14, 2), machine.emul.ioIn(12, 2), machine.emul.ioIn(8, 4)]).toEqual([queue, 0, 0]);
      machine.emul.ioOut(16, 2, queue);
      expect([machine.device.calls, machine.lines]).toEqual([[], []]);
    },
  );

  it("queue notify reads as 0", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.emul.ioOut(16, 2, 1);
    expect(machine.emul.ioIn(16, 2)).toBe(0);
  });

  it("queue sizes up to 32768, and page numbers of 32 bits", () => {
    const machine = new FakeMachine(new FakeDevice([32768, 1]));
    expect(machine.emul.ioIn(12, 2)).toBe(32768);
    machine.emul.ioOut(8, 4, 0xffff_ffff);
    expect(machine.emul.ioIn(8, 4)).toBe(0xffff_ffff);
    expect(machine.emul.virtq[0]?.error).toBe("ringOutOfRange");
  });

  it("at every width and offset: the same bytes", () => {
    const machine = new FakeMachine();
    machine.emul.ioOut(4, 4, 0x3000_0021);
    machine.place(1, 0x1f);
    machine.emul.ioOut(18, 1, 3);
    const bytes = window(machine);
    expect(bytes.slice(0, 20)).toEqual([
      ...[0x21, 0, 0, 0xb0],
      ...[0x21, 0, 0, 0x30],
      ...[0x1f, 0, 0, 0],
      ...[16, 0, 1, 0],
      ...[0, 0, 3, 0],
    ]);
    for (const size of [2, 4]) {
      for (let offset = 0; offset + size <= 32; offset++) {
        const expected = bytes.slice(offset, offset + size).reduceRight((value, byte) => value * 256 + byte, 0);
        expect(machine.emul.ioIn(offset, size), `${size} at ${offset}`).toBe(expected);
      }
    }
  });

  it("written by bytes and by words, ends where one write ends", () => {
    const whole = new FakeMachine();
    const parts = new FakeMachine();
    whole.emul.ioOut(4, 4, 0x2000_0021);
    for (const [i, byte] of [0x21, 0, 0, 0x20].entries()) parts.emul.ioOut(4 + i, 1, byte);
    whole.place(1, 0x1f);
    parts.emul.ioOut(14, 1, 1);
    parts.emul.ioOut(15, 1, 0);
    parts.emul.ioOut(8, 2, 0x1f);
    parts.emul.ioOut(10, 2, 0);
    expect(window(parts)).toEqual(window(whole));
    expect(parts.emul.virtq[1]?.ready).toBe(true);
  });

  it("one write over several registers reaches each: select and notify, status", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.device.calls.length = 0;
    machine.emul.ioOut(14, 4, 0x0001_0000);
    expect([machine.emul.ioIn(14, 2), machine.device.calls]).toEqual([0, ["notify 1"]]);
    machine.emul.ioOut(16, 4, 0xff87_0000);
    expect([machine.device.calls, machine.emul.ioIn(18, 1)]).toEqual([["notify 1", "notify 0"], 0x87]);
  });
});

describe("2.1 device status", () => {
  it("keeps the bits that the driver sets; leaving one out does not clear it (2.1.1)", () => {
    const { emul } = new FakeMachine();
    emul.ioOut(18, 1, 1);
    emul.ioOut(18, 1, 2);
    expect(emul.ioIn(18, 1)).toBe(3);
    emul.ioOut(18, 1, 0x80);
    expect(emul.ioIn(18, 1)).toBe(0x83);
  });

  it("DEVICE_NEEDS_RESET is the device's: the driver cannot set it", () => {
    const { emul } = new FakeMachine();
    emul.ioOut(18, 1, 0x40);
    expect(emul.ioIn(18, 1)).toBe(0);
  });

  it("DRIVER_OK starts the device once, with or without ACKNOWLEDGE: iPXE writes 6 and no 1", () => {
    const machine = new FakeMachine();
    machine.emul.ioOut(18, 1, 2);
    expect(machine.device.calls).toEqual([]);
    machine.emul.ioOut(18, 1, 6);
    machine.emul.ioOut(18, 1, 6);
    machine.emul.ioOut(18, 1, 7);
    expect(machine.device.calls).toEqual(["driver ok"]);
    expect(machine.emul.state.running).toBe(true);
  });

  it("2.1.2 before DRIVER_OK no buffer is consumed and no notification sent", () => {
    const machine = new FakeMachine();
    machine.place(0, 1);
    machine.ring(0, 1).desc(0, { addr: 0, len: 4 });
    machine.ring(0, 1).offer(0);
    machine.emul.ioOut(16, 2, 0);
    machine.emul.notify(0);
    machine.emul.state.interruptQueue(0);
    machine.emul.state.interruptConfig();
    expect([machine.device.calls, machine.irqs, machine.emul.ioIn(19, 1)]).toEqual([[], [], 0]);
    expect(machine.emul.queueCounters[0]).toMatchObject({ notifications: 2, interrupts: 0, chains: 0 });
    machine.emul.ioOut(18, 1, 7);
    expect(machine.device.calls).toEqual(["driver ok"]);
  });

  it("notifications reach the device for queues that are there and placed", () => {
    const machine = new FakeMachine();
    machine.place(1, 8);
    machine.emul.ioOut(18, 1, 7);
    for (const queue of [0, 1, 2, 0xffff]) machine.emul.ioOut(16, 2, queue);
    expect(machine.device.calls).toEqual(["driver ok", "notify 1"]);
    expect(machine.emul.queueCounters.map(({ notifications }) => notifications)).toEqual([1, 1]);
  });
});

describe("2.2 feature bits", () => {
  it("stay as they are once the driver is ready: only a reset changes that", () => {
    const machine = new FakeMachine();
    machine.emul.ioOut(4, 4, 0x2000_0000);
    machine.emul.ioOut(18, 1, 7);
    machine.emul.ioOut(4, 4, FEATURES);
    expect(machine.emul.ioIn(4, 4)).toBe(0x2000_0000);
    machine.emul.ioOut(18, 1, 0);
    machine.emul.ioOut(4, 4, FEATURES);
    expect(machine.emul.ioIn(4, 4)).toBe(FEATURES);
  });

  it("are the queues' even where they were written after the queues' addresses, as iPXE does", () => {
    const machine = new FakeMachine();
    machine.place(0, 1);
    machine.place(1, 8);
    machine.emul.ioOut(4, 4, 0x3000_0000);
    machine.emul.ioOut(18, 1, 6);
    expect(machine.emul.state.queues.map(({ features }) => features)).toMatchObject([
      { indirect: true, eventIdx: true },
      { indirect: true, eventIdx: true },
    ]);
    machine.emul.ioOut(18, 1, 0);
    driverOk(machine);
    machine.emul.ioOut(18, 1, 0);
    machine.emul.ioOut(18, 1, 7);
    expect(machine.emul.state.queues[0]?.features).toMatchObject({ indirect: false, eventIdx: false });
  });

  it("hold for a queue that is placed while the device runs", () => {
    const machine = new FakeMachine();
    machine.emul.ioOut(4, 4, 0x1000_0000);
    machine.emul.ioOut(18, 1, 7);
    machine.place(0, 1);
    expect(machine.emul.state.queues[0]?.features).toMatchObject({ indirect: true, eventIdx: false });
  });
});

describe("4.1.4.5 ISR status", () => {
  it("says which kind of interrupt; reading clears it and lowers the line", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.emul.state.interruptQueue(1);
    expect([machine.irqs, machine.level]).toEqual([[1], true]);
    machine.emul.state.interruptConfig();
    expect(machine.emul.ioIn(19, 1)).toBe(3);
    expect(machine.level).toBe(false);
    expect(machine.emul.ioIn(19, 1)).toBe(0);
    machine.emul.state.interruptConfig();
    expect([machine.emul.ioIn(19, 1), machine.irqs]).toEqual([2, [1, -1, -1]]);
    expect(machine.emul.queueCounters.map(({ interrupts }) => interrupts)).toEqual([0, 1]);
  });

  it("is set before the interrupt is sent", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    const seen: number[] = [];
    const raised = machine.irqs.push.bind(machine.irqs);
    machine.irqs.push = (...irqs) => {
      seen.push(machine.emul.state.isr);
      return raised(...irqs);
    };
    machine.emul.state.interruptQueue(0);
    machine.emul.state.interruptConfig();
    expect(seen).toEqual([1, 3]);
  });

  it("is cleared by a wide read that includes it, and by no other", () => {
    for (const [offset, size] of [
      [19, 1],
      [18, 2],
      [19, 2],
      [16, 4],
      [17, 4],
      [18, 4],
      [19, 4],
    ] as const) {
      const machine = new FakeMachine();
      driverOk(machine);
      machine.emul.state.interruptQueue(0);
      const { lowered } = machine;
      expect((machine.emul.ioIn(offset, size) >>> (8 * (19 - offset))) & 0xff).toBe(1);
      expect([machine.emul.state.isr, machine.level, machine.lowered]).toEqual([0, false, lowered + 1]);
    }
    const machine = new FakeMachine();
    driverOk(machine);
    machine.emul.state.interruptQueue(0);
    for (const [offset, size] of [
      [18, 1],
      [17, 2],
      [15, 4],
      [20, 1],
      [20, 4],
    ] as const) {
      machine.emul.ioIn(offset, size);
    }
    expect([machine.emul.state.isr, machine.level]).toEqual([1, true]);
  });

  it("is read-only", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.emul.state.interruptQueue(0);
    machine.emul.ioOut(19, 1, 0);
    machine.emul.ioOut(18, 2, 0xff07);
    expect([machine.emul.state.isr, machine.level]).toEqual([1, true]);
  });
});

describe("4.1.4.10 the device's own configuration", () => {
  it.each([1, 2, 4])("reads the same by %i bytes at any offset, and as ones beyond its end", (size) => {
    const { emul, device } = new FakeMachine();
    const bytes = [...device.config, ...new Array<number>(8).fill(0xff)];
    for (let at = 0; at + size <= bytes.length; at++) {
      const expected = bytes.slice(at, at + size).reduceRight((value, byte) => value * 256 + byte, 0);
      expect(emul.ioIn(CONFIG + at, size)).toBe(expected);
      expect(emul.deviceIoIn(at, size)).toBe(expected);
    }
  });

  it("is written byte by byte in order, and not beyond its end", () => {
    const { emul, device } = new FakeMachine();
    emul.ioOut(CONFIG, 4, 0x4433_2211);
    emul.ioOut(CONFIG + 8, 4, 0x8877_6655);
    emul.ioOut(CONFIG + 10, 1, 1);
    emul.deviceIoOut(9, 2, 0x0a09);
    expect(device.calls).toEqual([
      "config 0 = 17",
      "config 1 = 34",
      "config 2 = 51",
      "config 3 = 68",
      "config 8 = 85",
      "config 9 = 102",
      "config 9 = 9",
    ]);
  });

  it("begins behind the registers: an access over the border reaches both", () => {
    const machine = new FakeMachine();
    expect(machine.emul.ioIn(18, 4)).toBe(0x5452_0000);
    machine.emul.ioOut(18, 4, 0xbbaa_ff03);
    expect(machine.emul.ioIn(18, 1)).toBe(3);
    expect(machine.device.calls).toEqual(["config 0 = 170", "config 1 = 187"]);
  });

  it("may be read and written before anything else was done (2.5.2, 3.1.2)", () => {
    const { emul, device } = new FakeMachine();
    emul.ioOut(CONFIG, 1, 0xfe);
    expect([emul.ioIn(CONFIG, 1), device.config[0]]).toEqual([0xfe, 0xfe]);
  });

  it("makes up the window with the registers", () => {
    expect(new FakeMachine().emul.windowBytes).toBe(30);
  });
});

describe("2.4 device reset", () => {
  it("brings everything back to where it was", () => {
    const fresh = new FakeMachine();
    const machine = new FakeMachine();
    driverOk(machine);
    machine.emul.ioOut(14, 2, 7);
    machine.emul.state.interruptQueue(0);
    machine.emul.state.interruptConfig();
    machine.emul.ioOut(18, 1, 0);
    expect(machine.level).toBe(false);
    expect(window(machine)).toEqual(window(fresh));
    expect(machine.emul.virtq.map(({ ready, error }) => [ready, error])).toEqual([
      [false, null],
      [false, null],
    ]);
    expect(machine.device.calls.at(-1)).toBe("reset");
    expect(machine.emul.ioIn(18, 1)).toBe(0);
  });

  it("2.4.1 after it nothing is sent and no queue looked at until the driver is back", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.emul.ioOut(18, 1, 0);
    machine.device.calls.length = 0;
    machine.emul.ioOut(16, 2, 0);
    machine.emul.state.interruptQueue(0);
    machine.emul.state.interruptConfig();
    expect([machine.device.calls, machine.irqs, machine.emul.ioIn(19, 1)]).toEqual([[], [], 0]);
    driverOk(machine);
    machine.emul.ioOut(16, 2, 0);
    expect(machine.device.calls).toEqual(["driver ok", "notify 0"]);
  });

  it("resets by any width that writes 0 to the status", () => {
    for (const [offset, size] of [
      [18, 1],
      [18, 2],
      [17, 2],
      [16, 4],
    ] as const) {
      const machine = new FakeMachine();
      driverOk(machine);
      machine.emul.ioOut(offset, size, 0);
      expect(machine.device.calls.at(-1)).toBe("reset");
      expect([machine.emul.ioIn(14, 2), machine.emul.ioIn(4, 4)]).toEqual([0, 0]);
    }
  });

  it("is what power-on does, too: VirtioEmul.reset", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.emul.reset();
    expect(window(machine)).toEqual(window(new FakeMachine()));
    expect(machine.device.calls.at(-1)).toBe("reset");
  });

  it("leaves counters alone", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.emul.ioOut(16, 2, 0);
    machine.emul.ioOut(18, 1, 0);
    expect(machine.emul.queueCounters[0]?.notifications).toBe(1);
  });
});

describe("queue address", () => {
  it("0 takes the queue away, and the device is told", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.device.calls.length = 0;
    machine.place(1, 0);
    machine.place(1, 0);
    expect([machine.emul.ioIn(8, 4), machine.emul.virtq[1]?.ready]).toEqual([0, false]);
    machine.emul.ioOut(16, 2, 1);
    expect(machine.device.calls).toEqual(["queue 1 reset"]);
  });

  it("another page starts the queue anew there, with all indices at 0", () => {
    const machine = new FakeMachine();
    driverOk(machine);
    const first = machine.ring(0, 1);
    first.desc(0, { addr: 0, len: 4 });
    first.offer(0, 0);
    const queue = machine.emul.state.queues[0];
    expect(queue?.available()).toBe(2);
    machine.place(0, 4);
    expect(queue?.available()).toBe(0);
    expect(machine.device.calls.at(-1)).toBe("queue 0 reset");
    const second = machine.ring(0, 4);
    second.desc(3, { addr: 0, len: 4 });
    second.offer(3);
    expect(queue?.available()).toBe(1);
  });
});

describe("2.1.2 an error that needs a reset", () => {
  function broken(): FakeMachine {
    const machine = new FakeMachine();
    driverOk(machine);
    machine.device.onNotify = (queue) => void machine.emul.virtq[queue]?.available();
    machine.ring(1, 8).availIdx = 17;
    machine.emul.ioOut(16, 2, 1);
    return machine;
  }

  it("sets DEVICE_NEEDS_RESET, sends one configuration interrupt and says one line", () => {
    const machine = broken();
    expect(machine.emul.ioIn(18, 1)).toBe(0x47);
    expect([machine.irqs, machine.lines]).toEqual([
      [-1],
      ["queue 1 stopped: availIndexJumped; the guest has to reset the device"],
    ]);
    expect(machine.emul.queueCounters[1]).toMatchObject({ stopped: 1, notifications: 1 });
    for (let i = 0; i < 5; i++) machine.emul.ioOut(16, 2, 1);
    expect([machine.irqs.length, machine.lines.length]).toEqual([1, 1]);
    expect(machine.emul.ioIn(19, 1)).toBe(2);
  });

  it("leaves the other queue and the registers at work", () => {
    const machine = broken();
    machine.device.calls.length = 0;
    machine.emul.ioOut(16, 2, 0);
    expect(machine.device.calls).toEqual(["notify 0"]);
    expect(machine.emul.virtq.map(({ error }) => error)).toEqual([null, "availIndexJumped"]);
    expect(machine.emul.ioIn(0, 4)).toBe(FEATURES);
  });

  it("is gone after a reset, and the queue works", () => {
    const machine = broken();
    machine.emul.ioOut(18, 1, 0);
    expect([machine.emul.ioIn(18, 1), machine.level]).toEqual([0, false]);
    machine.region.bytes.fill(0);
    driverOk(machine);
    machine.ring(1, 8).offer(2);
    expect(machine.emul.virtq[1]?.available()).toBe(1);
    expect([machine.emul.ioIn(18, 1), machine.lines.length]).toEqual([7, 1]);
  });

  it("is said again when it happens again after a reset, and not before, however often queues are placed", () => {
    const machine = broken();
    for (let i = 0; i < 10; i++) machine.place(i % 2, 0xf_ffff);
    expect(machine.lines).toHaveLength(1);
    machine.emul.ioOut(18, 1, 0);
    machine.place(0, 0xf_ffff);
    expect(machine.lines).toHaveLength(2);
    expect(machine.lines[1]).toBe("queue 0 stopped: ringOutOfRange; the guest has to reset the device");
  });

  it("before DRIVER_OK sets the bit and interrupts nobody", () => {
    const machine = new FakeMachine();
    machine.place(0, 0xf_ffff);
    expect([machine.emul.ioIn(18, 1), machine.irqs, machine.lines.length]).toEqual([0x40, [], 1]);
    machine.emul.ioOut(18, 1, 7);
    expect(machine.emul.ioIn(18, 1)).toBe(0x47);
  });
});

describe("any sequence of register accesses", () => {
  const access = fc.record({
    write: fc.boolean(),
    offset: fc.oneof({ weight: 9, arbitrary: fc.nat(34) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
    size: fc.constantFrom(1, 2, 4),
    value: fc.oneof(fc.nat(8), fc.nat(0xff), fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 })),
  });

  it("throws nothing, answers numbers of the width asked for, and writes no memory", () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 60 }), fc.boolean(), (accesses, working) => {
        const machine = new FakeMachine(new FakeDevice(), 0x2_0000);
        machine.device.onNotify = (index) => {
          const queue = machine.emul.virtq[index];
          if (queue?.begin()) queue.available();
        };
        if (working) driverOk(machine);
        for (const { write, offset, size, value } of accesses) {
          if (write) machine.emul.ioOut(offset, size, value);
          else {
            const read = machine.emul.ioIn(offset, size);
            if (!Number.isInteger(read) || read < 0 || read >= 256 ** size)
              expect.fail(`${size} at ${offset}: ${read}`);
          }
        }
        expect(machine.region.u32.every((word) => word === 0)).toBe(true);
        expect(machine.emul.ioIn(18, 1) & ~0x40).toBe(machine.emul.state.status & ~0x40);
        machine.emul.ioOut(18, 1, 0);
        // Whatever happened, a driver that begins anew finds a device that is as new.
        driverOk(machine);
        expect(machine.emul.ioIn(18, 1)).toBe(7);
        expect(machine.emul.virtq.map(({ ready, error }) => [ready, error])).toEqual([
          [true, null],
          [true, null],
        ]);
      }),
      { numRuns: 300 },
    );
  });
});
