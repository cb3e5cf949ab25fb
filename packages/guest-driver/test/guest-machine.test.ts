import { describe, expect, it } from "vitest";
import { GuestMachine, InterruptStormError, RecordedInterrupts } from "../src/index.ts";

describe("RecordedInterrupts", () => {
  it("keeps levels, edges, calls and messages", () => {
    const interrupts = new RecordedInterrupts();
    for (const level of [true, true, false, true]) interrupts.setLine(5, level);
    interrupts.signalMessage(0xfee0_0000, 0, 0x41);
    expect(interrupts.level(5)).toBe(true);
    expect(interrupts.edges(5)).toBe(2);
    expect(interrupts.calls(5)).toBe(4);
    expect([interrupts.level(6), interrupts.edges(6), interrupts.calls(6)]).toEqual([false, 0, 0]);
    expect(interrupts.messages).toEqual([{ addressLow: 0xfee0_0000, addressHigh: 0, data: 0x41 }]);
  });
});

describe("GuestMachine", () => {
  it("has memory where and of what it is told", () => {
    const buffer = new SharedArrayBuffer(1 << 20);
    const machine = new GuestMachine({ buffer, gpa: 0x1_0000_0000 });
    const page = machine.ram.alloc(1);
    machine.ram.writeUint(page, 4, 0x01020304);
    expect(page).toBe(0x1_0000_0000);
    expect(new Uint32Array(buffer)[0]).toBe(0x01020304);
  });

  it("has PCI configuration ports with a host bridge behind them", () => {
    const { ports } = new GuestMachine();
    ports.out(0xcf8, 4, 0x8000_0000);
    expect(ports.in(0xcfc, 2)).not.toBe(0xffff);
    ports.out(0xcf8, 4, 0x8000_f800);
    expect(ports.in(0xcfc, 4)).toBe(0xffff_ffff);
  });

  it("runs handlers while their line is high, and only in settle", () => {
    const machine = new GuestMachine();
    let calls = 0;
    machine.onLine(9, () => {
      if (++calls === 3) machine.interrupts.setLine(9, false);
    });
    machine.vm.interrupts.setLine(9, true);
    expect(calls).toBe(0);
    expect(machine.settle()).toBe(3);
    expect(machine.settle()).toBe(0);
  });

  it("runs every handler of a shared line", () => {
    const machine = new GuestMachine();
    const seen: string[] = [];
    machine.onLine(9, () => seen.push("a"));
    machine.onLine(9, () => {
      seen.push("b");
      machine.interrupts.setLine(9, false);
    });
    machine.interrupts.setLine(9, true);
    machine.settle();
    expect(seen).toEqual(["a", "b"]);
  });

  it("finds a line that stays high", () => {
    const machine = new GuestMachine();
    machine.onLine(9, () => {});
    machine.interrupts.setLine(9, true);
    expect(() => machine.settle()).toThrow(InterruptStormError);
  });

  it("defers tasks to settle where it is told to, and those that they defer too", () => {
    const machine = new GuestMachine({ defer: true });
    const seen: number[] = [];
    machine.vm.defer?.(() => {
      seen.push(1);
      machine.vm.defer?.(() => seen.push(2));
    });
    expect(seen).toEqual([]);
    machine.settle();
    expect(seen).toEqual([1, 2]);
    expect(new GuestMachine().vm.defer).toBe(undefined);
  });
});
