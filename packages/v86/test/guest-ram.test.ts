import { afterEach, describe, expect, it } from "vitest";
import { attachVmmkit } from "../src/index.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";

let guest: TestEmulator | undefined;

afterEach(async () => {
  await guest?.destroy();
  guest = undefined;
});

async function load(firmware = new Firmware().stop()): Promise<TestEmulator> {
  guest = await TestEmulator.load(firmware);
  return guest;
}

describe("guest memory", () => {
  it("is all of RAM but the hole for video memory", async () => {
    const { emulator } = await load();
    const { memory } = attachVmmkit(emulator).vm;
    expect(memory.regions.map(({ gpa, end }) => [gpa, end])).toEqual([
      [0, 0xa_0000],
      [0xc_0000, 16 << 20],
    ]);
    expect(memory.find(0x9_fffc, 8)).toBeNull();
    expect(memory.find(0xa_0000, 1)).toBeNull();
  });

  it("is the emulator's own memory, in place", async () => {
    const { emulator, cpu } = await load();
    const { memory } = attachVmmkit(emulator).vm;
    const region = memory.find(0xf_fff0, 5);
    expect(region?.bytes.subarray(0xf_fff0 - region.gpa).subarray(0, 5)).toEqual(
      Uint8Array.of(0xea, 0x00, 0x00, 0x00, 0xf0),
    );
    memory.write(0x5000, Uint8Array.of(1, 2, 3));
    expect(emulator.read_memory(0x5000, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(region?.bytes.buffer).toBe(cpu.wasm_memory.buffer);
  });

  it("finds its bytes again when the emulator's memory has grown", async () => {
    const { emulator, cpu } = await load();
    const { memory } = attachVmmkit(emulator).vm;
    memory.write(0x12_3450, Uint8Array.of(9, 8, 7));
    const generation = memory.validate();
    (cpu.wasm_memory as unknown as { grow(pages: number): number }).grow(1);
    expect(memory.regions[0]?.detached).toBe(true);
    expect(memory.validate()).toBeGreaterThan(generation);
    const target = new Uint8Array(3);
    expect(memory.read(0x12_3450, target)).toBe(true);
    expect(target).toEqual(Uint8Array.of(9, 8, 7));
  });
});
