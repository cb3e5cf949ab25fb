import { afterEach, describe, expect, it } from "vitest";
import { attachVmmkit, V86AttachError, V86InternalsError } from "../src/index.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";
import { TOY_ID, ToyFunction } from "./support/toy-function.ts";

const DONE = 0x600;
const RESULT = 0x610;
const PASSES = 0x620;

let guest: TestEmulator | undefined;

afterEach(async () => {
  await guest?.destroy();
  guest = undefined;
});

async function load(firmware: Firmware): Promise<TestEmulator> {
  guest = await TestEmulator.load(firmware);
  return guest;
}

describe("attachVmmkit", () => {
  it("refuses what is not a loaded V86, and says so", () => {
    expect(() => attachVmmkit({})).toThrow(V86InternalsError);
    expect(() => attachVmmkit({ v86: { cpu: {} } })).toThrow("emulator-loaded");
  });

  it("lists what a build of v86 lacks", async () => {
    const { emulator, cpu } = await load(new Firmware().stop());
    const { jit_dirty_cache: _, ...rest } = cpu;
    expect(() => attachVmmkit({ v86: { cpu: { ...rest, main_loop: 5 } } })).toThrow(
      /no .*jit_dirty_cache, v86\.cpu\.main_loop/,
    );
    expect(() => attachVmmkit(emulator)).not.toThrow();
  });

  it("refuses a second time, and not after detach", async () => {
    const { emulator } = await load(new Firmware().stop());
    const machine = attachVmmkit(emulator);
    expect(() => attachVmmkit(emulator)).toThrow(V86AttachError);
    machine.detach();
    attachVmmkit(emulator).detach();
  });

  it("offers the slots that v86 has left free", async () => {
    const { emulator } = await load(new Firmware().stop());
    const machine = attachVmmkit(emulator);
    const slots: number[] = [];
    for (let i = 0; i < 4; i++) {
      const next = machine.freeAddress();
      const toy = new ToyFunction(machine);
      expect(toy.address).toEqual(next);
      slots.push(next.dev);
    }
    expect(slots).toEqual([2, 3, 4, 5]);
  });

  it("says when no slot is left", async () => {
    const { emulator } = await load(new Firmware().stop());
    const machine = attachVmmkit(emulator);
    expect(() => {
      for (let i = 0; i < 32; i++) new ToyFunction(machine);
    }).toThrow("no slot of PCI bus 0 is free");
  });
});

describe("a machine reset", () => {
  /** Counts its starts; on the first one maps the toy and resets by `reset`. */
  const twoPasses = (reset: (code: Firmware) => Firmware): Firmware =>
    reset(
      new Firmware()
        .configRead(2, 0x10, RESULT)
        .configRead(2, 4, RESULT + 4)
        .increment(PASSES)
        .skipUnlessEqual(PASSES, 1, "second pass")
        .configWrite(2, 0x10, 0xd000)
        .configWrite(2, 4, 1, 2)
        .in(1, 0xd001, RESULT + 8),
    )
      .stop()
      .label("second pass")
      .in(1, 0xd001, RESULT + 12)
      .store(DONE, 1)
      .stop();

  it.each([
    ["port 0xcf9", (code: Firmware) => code.out(1, 0xcf9, 0x02).out(1, 0xcf9, 0x06)],
    ["the keyboard controller", (code: Firmware) => code.out(1, 0x64, 0xfe)],
  ])("through %s resets our functions, and the card stays", async (_, reset) => {
    const guest = await load(twoPasses(reset));
    const machine = attachVmmkit(guest.emulator);
    const toy = new ToyFunction(machine);
    const initial = toy.iobase;
    let told = 0;
    machine.onReset(() => told++);
    await guest.runUntil(DONE, 1);
    expect(told).toBe(1);
    expect(toy.resets).toBe(1);
    expect(guest.read32(RESULT)).toBe(initial | 1);
    expect(guest.read32(RESULT + 4) & 0xffff).toBe(0);
    expect(guest.read32(RESULT + 8)).toBe(0x01);
    expect(guest.read32(RESULT + 12)).toBe(0xff);
  });

  it("through V86.restart() does so too", async () => {
    const guest = await load(new Firmware().stop());
    const machine = attachVmmkit(guest.emulator);
    const toy = new ToyFunction(machine);
    const end = machine.onReset(() => expect(toy.resets).toBe(1));
    guest.emulator.restart();
    expect(toy.resets).toBe(1);
    end();
  });
});

describe("detach", () => {
  it("gives ports, hooks and interrupt lines back", async () => {
    const guest = await load(
      new Firmware()
        .configRead(2, 0, RESULT)
        .configRead(1, 0, RESULT + 4)
        .store(DONE, 1)
        .stop(),
    );
    const { cpu } = guest;
    const before = { ...cpu, ports: [...cpu.io.ports], reboot: cpu.reboot_internal };
    const machine = attachVmmkit(guest.emulator);
    const toy = new ToyFunction(machine);
    toy.config.ioWrite(4, 2, 1);
    machine.vm.interrupts.setLine(11, true);
    expect(cpu.io.ports[toy.iobase]).not.toBe(before.ports[toy.iobase]);
    machine.detach();
    machine.detach();
    expect(cpu.main_loop).toBe(before.main_loop);
    expect(cpu.device_raise_irq).toBe(before.device_raise_irq);
    expect(cpu.device_lower_irq).toBe(before.device_lower_irq);
    expect(cpu.reboot_internal).toBe(before.reboot);
    expect(Object.hasOwn(cpu, "reboot_internal")).toBe(false);
    expect(cpu.io.ports.every((entry, port) => entry === before.ports[port])).toBe(true);
    await guest.runUntil(DONE, 1);
    expect(guest.read32(RESULT)).not.toBe(TOY_ID);
    expect(guest.read32(RESULT + 4)).toBe(0x7000_8086);
  });

  it("leaves devices that speak on without a machine in peace", async () => {
    const guest = await load(new Firmware().store(DONE, 1).stop());
    const machine = attachVmmkit(guest.emulator);
    machine.detach();
    await guest.emulator.destroy();
    const { interrupts, memory } = machine.vm;
    interrupts.setLine(11, true);
    interrupts.setLine(11, false);
    expect(memory.write(0x1000, Uint8Array.of(1))).toBe(true);
    let ran = false;
    machine.vm.defer?.(() => {
      ran = true;
    });
    await Promise.resolve();
    expect(ran).toBe(true);
  });

  it("leaves a hook alone that somebody put on top of ours", async () => {
    const guest = await load(new Firmware().store(DONE, 1).stop());
    const machine = attachVmmkit(guest.emulator);
    const toy = new ToyFunction(machine);
    const ours = guest.cpu.reboot_internal;
    let calls = 0;
    guest.cpu.reboot_internal = () => {
      calls++;
      ours.call(guest.cpu);
    };
    machine.detach();
    guest.emulator.restart();
    expect(calls).toBe(1);
    expect(toy.resets).toBe(0);
    await guest.runUntil(DONE, 1);
  });
});
