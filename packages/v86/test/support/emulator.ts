import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { V86 } from "v86";
import { type V86Cpu, v86Internals } from "../../src/internals.ts";
import type { Firmware } from "./firmware.ts";

export type V86Options = ConstructorParameters<typeof V86>[0];

/** What v86's types leave out: any other type means no card. */
const NO_CARD = { type: "none" } as unknown as NonNullable<V86Options["net_device"]>;

const BUILD = dirname(createRequire(import.meta.url).resolve("v86"));

/** The unmodified v86 from npm, with firmware of ours in place of a BIOS. */
export class TestEmulator {
  readonly emulator: V86;
  readonly cpu: V86Cpu;

  private constructor(emulator: V86) {
    this.emulator = emulator;
    this.cpu = v86Internals(emulator);
  }

  /** Loads an emulator that does not run yet. */
  static async load(firmware: Firmware, options: Partial<V86Options> = {}): Promise<TestEmulator> {
    const emulator = new V86({
      wasm_path: join(BUILD, "v86.wasm"),
      memory_size: 16 << 20,
      bios: { buffer: firmware.image() },
      net_device: NO_CARD,
      autostart: false,
      ...options,
    });
    await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));
    return new TestEmulator(emulator);
  }

  /** 32 bits of guest memory. */
  read32(address: number): number {
    const { buffer } = this.cpu.wasm_memory;
    return new DataView(buffer).getUint32(this.cpu.mem8.byteOffset + address, true);
  }

  /** Runs until the firmware has stored `value` at `address`, looking after each time slice. */
  async runUntil(address: number, value: number): Promise<void> {
    this.emulator.run();
    while (this.read32(address) !== value) await new Promise((resolve) => setImmediate(resolve));
  }

  async destroy(): Promise<void> {
    await this.emulator.destroy();
  }
}
