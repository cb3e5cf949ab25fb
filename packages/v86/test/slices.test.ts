import { afterEach, describe, expect, it } from "vitest";
import { attachVmmkit, type V86Machine } from "../src/index.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";
import { ToyFunction } from "./support/toy-function.ts";

const DONE = 0x600;
const COUNT = 0x610;
const PORT = 0xd000;

let guest: TestEmulator | undefined;

afterEach(async () => {
  await guest?.destroy();
  guest = undefined;
});

/** Maps the toy at PORT, counts interrupt 10, runs `middle`, then waits for interrupts. */
function firmware(middle: (code: Firmware) => Firmware): Firmware {
  const code = new Firmware()
    .initInterruptControllers(0x0c00)
    .onInterrupt(0x2a, "irq10")
    .configWrite(1, 0x60, 0x8080_0a80)
    .configWrite(2, 0x10, PORT)
    .configWrite(2, 4, 1, 2)
    .sti();
  return middle(code)
    .store(DONE, 1)
    .label("sleep")
    .hlt()
    .jump("sleep")
    .label("irq10")
    .increment(COUNT)
    .out(1, PORT + 4, 0)
    .endOfInterrupt()
    .iret();
}

async function start(code: Firmware): Promise<{ guest: TestEmulator; machine: V86Machine; toy: ToyFunction }> {
  guest = await TestEmulator.load(code);
  const machine = attachVmmkit(guest.emulator);
  return { guest, machine, toy: new ToyFunction(machine) };
}

describe("defer", () => {
  it("runs a task after the guest's slice, not within its instruction", async () => {
    const { guest, toy } = await start(firmware((code) => code.out(1, PORT, 1).out(1, PORT, 2)));
    const events: string[] = [];
    toy.onWrite = (_, __, value) => {
      events.push(`write ${value}`);
      toy.vm.defer?.(() => events.push(`task ${value}`));
    };
    await guest.runUntil(DONE, 1);
    expect(events).toEqual(["write 1", "write 2", "task 1", "task 2"]);
  });

  it("runs a task of a task later, and does not spin", async () => {
    const { guest, machine } = await start(firmware((code) => code));
    await guest.runUntil(DONE, 1);
    let runs = 0;
    const again = (): void => {
      if (++runs < 3) machine.vm.defer?.(again);
    };
    machine.vm.defer?.(again);
    expect(runs).toBe(0);
    await Promise.resolve();
    expect(runs).toBeGreaterThan(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toBe(3);
  });

  it("wakes a halted guest at once when a task interrupts it", async () => {
    const { guest, toy } = await start(firmware((code) => code.out(1, PORT, 1)));
    toy.onWrite = (offset) => {
      if (offset === 0) toy.vm.defer?.(() => toy.vm.interrupts.setLine(0, true));
      else toy.vm.interrupts.setLine(0, false);
    };
    const sleeps = recordSleeps(guest);
    await guest.runUntil(COUNT, 1);
    // Without this the emulator would have slept until its next timer, 100 ms with none programmed.
    expect(sleeps[0]).toBe(0);
  });
});

describe("an interrupt from outside", () => {
  it("makes a halted guest run in this turn of the event loop", async () => {
    const { guest, toy } = await start(firmware((code) => code));
    await guest.runUntil(DONE, 1);
    expect(guest.cpu.in_hlt[0]).not.toBe(0);
    toy.vm.interrupts.setLine(0, true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(guest.read32(COUNT)).toBe(1);
  });
});

describe("onSlice", () => {
  it("calls after each slice until it is ended", async () => {
    const { guest, machine, toy } = await start(firmware((code) => code));
    let calls = 0;
    const end = machine.onSlice(() => calls++);
    await guest.runUntil(DONE, 1);
    expect(calls).toBeGreaterThan(0);
    end();
    const before = calls;
    toy.vm.interrupts.setLine(0, true);
    await guest.runUntil(COUNT, 1);
    expect(calls).toBe(before);
  });
});

describe("Vm.onSlice", () => {
  it("is called after each slice, and what it defers runs before v86 is told how long it may sleep", async () => {
    const { guest, toy } = await start(firmware((code) => code));
    await guest.runUntil(DONE, 1);
    let raised = 0;
    const end = toy.vm.onSlice?.(() => {
      if (raised++ > 0) return;
      toy.vm.defer?.(() => toy.vm.interrupts.setLine(0, true));
    });
    const sleeps = recordSleeps(guest);
    await guest.runUntil(COUNT, 1);
    end?.();
    expect(raised).toBeGreaterThan(0);
    expect(sleeps).toContain(0);
  });
});

/** What each slice tells v86 of how long it may sleep. */
function recordSleeps(guest: TestEmulator): number[] {
  const sleeps: number[] = [];
  const mainLoop = guest.cpu.main_loop;
  guest.cpu.main_loop = () => {
    const sleepMs = mainLoop.call(guest.cpu);
    sleeps.push(sleepMs);
    return sleepMs;
  };
  return sleeps;
}
