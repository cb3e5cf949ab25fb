import { afterEach, describe, expect, it } from "vitest";
import { attachVmmkit, type V86Machine } from "../src/index.ts";
import { pirqOf } from "../src/pirq-router.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";
import { TOY_IRQ_REGISTER, ToyFunction } from "./support/toy-function.ts";

const DONE = 0x600;
const COUNT_10 = 0x610;
const COUNT_11 = 0x614;
const PORT = 0xd000;
const IRQ_PORT = PORT + TOY_IRQ_REGISTER;
const LEVEL_10_11 = 0x0c00;

let guest: TestEmulator | undefined;

afterEach(async () => {
  await guest?.destroy();
  guest = undefined;
});

/** Routes PIRQB, where the toy in slot 2 is wired, to interrupt 10, and counts interrupts 10 and 11. */
function firmware(elcr = LEVEL_10_11): Firmware {
  return new Firmware()
    .initInterruptControllers(elcr)
    .onInterrupt(0x2a, "irq10")
    .onInterrupt(0x2b, "irq11")
    .configWrite(1, 0x60, 0x8080_0a80)
    .configWrite(2, 0x10, PORT)
    .configWrite(2, 4, 1, 2)
    .jump("main")
    .label("irq10")
    .increment(COUNT_10)
    .out(1, IRQ_PORT, 0)
    .endOfInterrupt()
    .iret()
    .label("irq11")
    .increment(COUNT_11)
    .out(1, IRQ_PORT, 0)
    .endOfInterrupt()
    .iret()
    .label("main");
}

/** Ends the firmware: interruptible, in HLT, for ever. */
function sleeping(code: Firmware): Firmware {
  return code.sti().store(DONE, 1).label("sleep").hlt().jump("sleep");
}

async function start(code: Firmware): Promise<{ guest: TestEmulator; machine: V86Machine; toy: ToyFunction }> {
  guest = await TestEmulator.load(code);
  const machine = attachVmmkit(guest.emulator);
  const toy = new ToyFunction(machine);
  return { guest, machine, toy };
}

describe("pirqOf", () => {
  it("shifts pins by one for each slot, as the chipset's firmware expects", () => {
    expect([1, 2, 3, 4, 5].map((dev) => pirqOf(dev, 1))).toEqual([0, 1, 2, 3, 0]);
    expect([1, 2, 3, 4].map((pin) => pirqOf(5, pin))).toEqual([0, 1, 2, 3]);
    expect(pirqOf(0, 1)).toBe(3);
  });
});

describe("INTx", () => {
  it("reaches the interrupt that the guest routed the PIRQ to", async () => {
    const { guest, machine, toy } = await start(sleeping(firmware().sti().out(1, IRQ_PORT, 1)));
    await guest.runUntil(DONE, 1);
    expect(machine.irqOf(machine.lineOf(toy.address, 1))).toBe(10);
    expect(guest.read32(COUNT_10)).toBe(1);
    expect(guest.read32(COUNT_11)).toBe(0);
  });

  it("goes nowhere while the guest has not routed it, and arrives as soon as it has", async () => {
    const code = firmware().configWrite(1, 0x61, 0x80, 1).sti().out(1, IRQ_PORT, 1).configWrite(1, 0x61, 0x0b, 1);
    const { guest, machine, toy } = await start(sleeping(code));
    const routes: number[] = [];
    toy.onWrite = () => routes.push(machine.irqOf(1));
    await guest.runUntil(DONE, 1);
    expect(routes).toEqual([-1, 11]);
    expect(guest.read32(COUNT_10)).toBe(0);
    expect(guest.read32(COUNT_11)).toBe(1);
  });

  it("moves with a line that is high when the guest routes it elsewhere", async () => {
    const code = firmware().out(1, IRQ_PORT, 1).configWrite(1, 0x61, 0x0b, 1).sti();
    const { guest } = await start(sleeping(code));
    await guest.runUntil(DONE, 1);
    expect(guest.read32(COUNT_10)).toBe(0);
    expect(guest.read32(COUNT_11)).toBe(1);
  });

  it("does not take reserved interrupts for routes", async () => {
    const { guest, machine } = await start(sleeping(firmware().configWrite(1, 0x60, 0x0d08_0200)));
    await guest.runUntil(DONE, 1);
    expect([0, 1, 2, 3].map((pirq) => machine.irqOf(pirq))).toEqual([-1, -1, -1, -1]);
  });

  it("interrupts again after the end of the handler while the level stays", async () => {
    const { guest, toy } = await start(sleeping(firmware().sti().out(1, IRQ_PORT, 1)));
    // The toy takes the first attempt of the guest to clear it for nothing.
    toy.onWrite = (_, __, value) => toy.vm.interrupts.setLine(0, value !== 0 || toy.writes.length === 2);
    await guest.runUntil(DONE, 1);
    expect(guest.read32(COUNT_10)).toBe(2);
  });

  it("outlives the guest's initialisation of its interrupt controllers", async () => {
    const code = firmware().out(1, IRQ_PORT, 1).initInterruptControllers(LEVEL_10_11);
    const { guest } = await start(sleeping(code));
    await guest.runUntil(COUNT_10, 1);
  });

  it("is a line of its own for each number, and 4 to 15 are ISA interrupts", async () => {
    const { guest, machine } = await start(sleeping(firmware()));
    await guest.runUntil(DONE, 1);
    expect(machine.irqOf(11)).toBe(11);
    machine.vm.interrupts.setLine(11, true);
    expect(guest.cpu.in_hlt[0]).toBe(0);
    machine.vm.interrupts.setLine(11, false);
  });

  it("refuses lines, slots and pins that there are not", async () => {
    const { machine } = await start(firmware());
    const { interrupts } = machine.vm;
    expect(() => interrupts.setLine(16, true)).toThrow('"line" expected');
    expect(() => interrupts.setLine(-1, true)).toThrow(RangeError);
    expect(() => machine.lineOf({ bus: 0, dev: 32, fun: 0 }, 1)).toThrow('"address" expected');
    expect(() => machine.lineOf({ bus: 1, dev: 3, fun: 0 }, 1)).toThrow('"address" expected');
    expect(() => machine.vmFor({ bus: 0, dev: 3, fun: 0 }, 0)).toThrow('"pin" expected');
  });
});

describe("a line shared with v86's own devices", () => {
  it("stays high when v86's device lowers it while ours is high, and falls with the last", async () => {
    const { guest, machine } = await start(sleeping(firmware()));
    const { cpu } = guest;
    const ours = machine.vm.interrupts;
    const levels: boolean[] = [];
    const note = (): void => {
      levels.push(irqLevel(guest, 10));
    };
    await guest.runUntil(DONE, 1);
    ours.setLine(10, true);
    note();
    cpu.device_raise_irq(10);
    cpu.device_lower_irq(10);
    note();
    cpu.device_raise_irq(10);
    ours.setLine(10, false);
    note();
    cpu.device_lower_irq(10);
    note();
    expect(levels).toEqual([true, true, true, false]);
  });

  it("is high as long as one of several functions of ours drives it", async () => {
    const { guest, machine } = await start(sleeping(firmware()));
    const [first, second] = [
      machine.vmFor({ bus: 0, dev: 2, fun: 0 }, 1),
      machine.vmFor({ bus: 0, dev: 6, fun: 0 }, 1),
    ];
    await guest.runUntil(DONE, 1);
    first.interrupts.setLine(99, true);
    second.interrupts.setLine(99, true);
    first.interrupts.setLine(99, false);
    expect(irqLevel(guest, 10)).toBe(true);
    second.interrupts.setLine(99, false);
    expect(irqLevel(guest, 10)).toBe(false);
  });
});

/** The level that v86's second interrupt controller sees: byte 11 of its state. */
function irqLevel(guest: TestEmulator, irq: number): boolean {
  const cpu = guest.cpu as unknown as { get_pic_addr_slave(): number };
  const state = new Uint8Array(guest.cpu.wasm_memory.buffer, cpu.get_pic_addr_slave(), 13);
  return (((state[11] ?? 0) >> (irq - 8)) & 1) === 1;
}
