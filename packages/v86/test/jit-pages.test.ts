import { afterEach, describe, expect, it } from "vitest";
import { attachVmmkit } from "../src/index.ts";
import type { V86Cpu } from "../src/internals.ts";
import { JitPages } from "../src/jit-pages.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";
import { ToyFunction } from "./support/toy-function.ts";

const MEMORY = 4 << 20;

/** Notes what the compiler is told. */
function recorder(): { jit: JitPages; told: [number, number][] } {
  const told: [number, number][] = [];
  const cpu = { jit_dirty_cache: (start: number, end: number) => told.push([start, end]) } as unknown as V86Cpu;
  return { jit: new JitPages(cpu, MEMORY), told };
}

describe("JitPages", () => {
  it("tells each page once, neighbours together, when the guest continues", () => {
    const { jit, told } = recorder();
    jit.note(0x5010, 100);
    jit.note(0x5ff0, 0x20);
    jit.note(0x7000, 1);
    jit.note(0x5000, 4);
    expect(told).toEqual([]);
    jit.guestContinues();
    expect(told).toEqual([[0x5000, 0x8000]]);
  });

  it("tells nothing where nothing was written", () => {
    const { jit, told } = recorder();
    jit.note(0x1000, 0);
    jit.guestContinues();
    expect(told).toEqual([]);
  });

  it("tells a page again when it was written again later", () => {
    const { jit, told } = recorder();
    jit.note(0, 1);
    jit.flush();
    jit.note(0, 1);
    jit.flush();
    expect(told).toEqual([
      [0, 0x1000],
      [0, 0x1000],
    ]);
  });

  it("tells at once while the guest runs", () => {
    const { jit, told } = recorder();
    jit.guestContinues();
    jit.note(0x2000, 0x1001);
    expect(told).toEqual([[0x2000, 0x4000]]);
    jit.guestPaused();
    jit.note(0x2000, 1);
    expect(told).toHaveLength(1);
  });

  it("takes a write over all of memory", () => {
    const { jit, told } = recorder();
    jit.note(0, MEMORY);
    jit.flush();
    expect(told.at(0)?.[0]).toBe(0);
    expect(told.at(-1)?.[1]).toBe(MEMORY);
    for (let i = 1; i < told.length; i++) expect(told[i]?.[0]).toBe(told[i - 1]?.[1]);
  });
});

describe("code that a device overwrites", () => {
  const ROUTINE = 0x8000;
  const RESULT = 0x610;
  const PORT = 0xd000;
  // mov cx, 32; loop to itself: hot enough to be compiled; mov word [RESULT], n; retf
  const routine = (n: number): Uint8Array =>
    Uint8Array.of(0xb9, 32, 0, 0xe2, 0xfe, 0xc7, 0x06, RESULT & 0xff, RESULT >> 8, n, 0, 0xcb);
  let guest: TestEmulator | undefined;

  afterEach(async () => {
    await guest?.destroy();
    guest = undefined;
  });

  it("is compiled anew", async () => {
    const DONE = 0x600;
    const TIMES = 0x604;
    const code = new Firmware()
      .configWrite(2, 0x10, PORT)
      .configWrite(2, 4, 1, 2)
      .label("again")
      .call(ROUTINE)
      .increment(TIMES)
      .skipUnlessEqual(TIMES, 0, "again")
      .out(1, PORT, 1)
      .call(ROUTINE)
      .store(DONE, 1)
      .stop();
    guest = await TestEmulator.load(code);
    const machine = attachVmmkit(guest.emulator);
    const toy = new ToyFunction(machine);
    machine.vm.memory.write(ROUTINE, routine(1));
    const compiled = compiledAddresses(guest);
    let wasCompiled = false;
    toy.onWrite = () => {
      wasCompiled = compiled.has(ROUTINE);
      machine.vm.memory.write(ROUTINE, routine(2));
    };
    await guest.runUntil(DONE, 1);
    expect(wasCompiled).toBe(true);
    expect(guest.read32(RESULT)).toBe(2);
  });
});

/** Fills with the physical addresses from which v86 compiles code. */
function compiledAddresses(guest: TestEmulator): Set<number> {
  type Finalize = (index: number, start: number, ...rest: unknown[]) => void;
  const cpu = guest.cpu as unknown as { codegen_finalize: Finalize };
  const finalize = cpu.codegen_finalize;
  const addresses = new Set<number>();
  cpu.codegen_finalize = (index, start, ...rest) => {
    addresses.add(start);
    finalize.call(cpu, index, start, ...rest);
  };
  return addresses;
}
