import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { V86 } from "v86";
import type { GuestFiles } from "./image/guest-image.ts";

/** What is used here of v86's inside. The build from npm keeps these names. */
interface V86Cpu {
  /** Guest RAM; each access makes a typed array anew, so whole ranges at a time. */
  readonly mem8: { set(bytes: Uint8Array, offset: number): void };
  jit_dirty_cache(start: number, end: number): void;
  set_jit_config(index: number, value: number): void;
  reboot_internal(): void;
}

/** Files and sizes of an emulated PC that boots a Linux-like kernel image. */
export interface EmulatorOptions {
  /** A bzImage, or what looks like one (iPXE's `.lkrn`). */
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  readonly cmdline: string;
  /** RAM; the initrd lies from 64 MiB upwards. */
  readonly memoryBytes: number;
  /** Gives the PC v86's own network card too. Default: none. */
  readonly netDevice?: "virtio" | "ne2k";
}

/** An emulated PC that is loaded and does not run yet. */
export interface Emulator {
  /** The `V86` object, for whoever attaches a device before `run()`. */
  readonly v86: V86;
  /** Guest instructions executed so far, modulo 2^32. */
  readonly instructions: number;
  /** Whether hot code is compiled. Compiling does not pay for code that runs once, which is what a boot is. */
  setJit(enabled: boolean): void;
  /** Calls `listener` whenever the PC is reset, when kernel and initrd are in their places again. */
  onReset(listener: () => void): void;
}

const KERNEL_SETUP_ADDRESS = 0x8_0000;
const CMDLINE_ADDRESS = 0x8_e000;
const KERNEL_ADDRESS = 0x10_0000;
const INITRD_ADDRESS = 0x400_0000;
const VGA_MEMORY_BYTES = 2 << 20;
/** `set_jit_config`'s number for the switch that turns the JIT off. */
const JIT_DISABLED = 0;

const wasmPath = createRequire(import.meta.url).resolve("v86/build/v86.wasm");

/** Makes an emulated PC. Two serial ports, VGA, no sound; the JIT is on. It runs when `v86.run()` is called. */
export async function createEmulator(options: EmulatorOptions): Promise<Emulator> {
  const kernel = ownKernel(options.kernel);
  const v86 = new V86({
    wasm_path: wasmPath,
    memory_size: options.memoryBytes,
    vga_memory_size: VGA_MEMORY_BYTES,
    bios: image(options.bios),
    vga_bios: image(options.vgaBios),
    bzimage: { buffer: kernel.buffer },
    initrd: image(options.initrd),
    cmdline: options.cmdline,
    uart1: true,
    disable_speaker: true,
    autostart: false,
    // v86 puts an ne2k in where nothing is said, and nothing where it does not know the name.
    net_device: { type: (options.netDevice ?? "none") as "virtio" },
  });
  await new Promise<void>((resolve) => v86.add_listener("emulator-loaded", resolve));
  const cpu = (v86 as unknown as { v86: { cpu: V86Cpu } }).v86.cpu;
  const listeners: (() => void)[] = [];
  hookReset(cpu, bootRanges(kernel, options), listeners);
  return {
    v86,
    get instructions() {
      return v86.get_instruction_counter();
    },
    setJit: (enabled) => cpu.set_jit_config(JIT_DISABLED, enabled ? 0 : 1),
    onReset: (listener) => listeners.push(listener),
  };
}

/**
 * A copy that v86 may fill the header of; with what it filled in, it is what a reset puts back. v86 looks at it as
 * 32-bit words, so its length is made a multiple of 4.
 */
function ownKernel(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(Math.ceil(file.length / 4) * 4);
  copy.set(file);
  return copy;
}

/**
 * Reads the files of an emulated PC.
 * @param overlays further archives behind the initramfs: Linux unpacks one after the other
 */
export async function readEmulatorFiles(
  paths: GuestFiles,
  overlays: readonly string[] = [],
): Promise<Record<keyof GuestFiles, Uint8Array>> {
  const archives = await Promise.all([paths.initrd, ...overlays].map((path) => readFile(path)));
  return {
    kernel: await readFile(paths.kernel),
    initrd: Buffer.concat(archives),
    bios: await readFile(paths.bios),
    vgaBios: await readFile(paths.vgaBios),
  };
}

interface BootRange {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * What v86 puts into RAM for its kernel loader, once, before the first boot: where its option ROM looks for it
 * after each reset. The addresses are v86's.
 */
function bootRanges(kernel: Uint8Array, { initrd, cmdline }: EmulatorOptions): BootRange[] {
  const setupBytes = ((kernel[0x1f1] || 4) + 1) * 512;
  return [
    { address: KERNEL_SETUP_ADDRESS, bytes: kernel.subarray(0, setupBytes) },
    { address: CMDLINE_ADDRESS, bytes: Buffer.from(`${cmdline}\0`) },
    { address: KERNEL_ADDRESS, bytes: kernel.subarray(setupBytes) },
    { address: INITRD_ADDRESS, bytes: initrd },
  ];
}

/** v86 resets a PC without loading the kernel again; the RAM there holds what the last boot left. */
function hookReset(cpu: V86Cpu, ranges: readonly BootRange[], listeners: readonly (() => void)[]): void {
  const reset = cpu.reboot_internal;
  cpu.reboot_internal = () => {
    reset.call(cpu);
    for (const { address, bytes } of ranges) {
      cpu.jit_dirty_cache(address, address + bytes.length);
      cpu.mem8.set(bytes, address);
    }
    for (const listener of listeners) listener();
  };
}

function image(bytes: Uint8Array): { buffer: ArrayBuffer } {
  return { buffer: Uint8Array.from(bytes).buffer };
}
