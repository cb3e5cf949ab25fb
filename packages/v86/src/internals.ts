import { V86InternalsError } from "./errors.ts";

/*
 * v86 has no interface for devices from outside, so this package works on properties that its npm build keeps by
 * name (0.5.462; only local names are shortened there). All of them are listed in this file, and nothing else of
 * the package names a property of v86. `v86Internals` looks for each one when it attaches, so that a build which
 * renamed something is refused with a sentence and not met by a crash in a running guest.
 */

/** One entry of v86's table of I/O ports. Its functions are called with `device` as `this`. */
export interface V86PortEntry {
  read8: (this: unknown, port: number) => number;
  read16: (this: unknown, port: number) => number;
  /** Signed, as all 32-bit numbers at this border. */
  read32: (this: unknown, port: number) => number;
  write8: (this: unknown, value: number) => void;
  write16: (this: unknown, value: number) => void;
  write32: (this: unknown, value: number) => void;
  device: unknown;
}

/** v86's I/O bus: 65536 entries, each replaceable. */
export interface V86Io {
  readonly ports: V86PortEntry[];
}

/** v86's PCI bus 0, indexed by device number times 8 plus function number. */
interface V86Pci {
  /** Configuration spaces as 32-bit words; undefined where v86 has no function. */
  readonly device_spaces: readonly (Int32Array | undefined)[];
}

/** v86's processor, to which it ties everything else. */
export interface V86Cpu {
  readonly io: V86Io;
  readonly devices: { readonly pci: V86Pci };
  /** WebAssembly memory. `buffer` is another object each time the memory has grown. */
  readonly wasm_memory: { readonly buffer: ArrayBuffer };
  /** Guest RAM. A Proxy that makes a typed array at each access: only asked where the RAM is. */
  readonly mem8: { readonly byteOffset: number; readonly length: number };
  /** One element that is not 0 while the processor waits in HLT. A Proxy as well. */
  readonly in_hlt: { readonly [index: number]: number };
  /** One element of 32 bits: EFLAGS. A Proxy as well, only asked where it is. */
  readonly flags: { readonly byteOffset: number };
  /** Who answers for physical addresses, by blocks of 128 KiB; undefined where there is RAM. Numbers are signed. */
  readonly memory_map_read8: (((address: number) => number) | undefined)[];
  readonly memory_map_write8: (((address: number, value: number) => void) | undefined)[];
  readonly memory_map_read32: (((address: number) => number) | undefined)[];
  readonly memory_map_write32: (((address: number, value: number) => void) | undefined)[];
  /** Takes 16 bits that the guest writes beyond RAM; by itself it makes two writes of 8 bits of them. */
  mmap_write16: (address: number, value: number) => void;
  /** Sets an ISA interrupt's level, and enters its handler at once where the processor lets it. */
  device_raise_irq: (irq: number) => void;
  device_lower_irq: (irq: number) => void;
  /** Drops compiled code of these guest pages. `end` is the address behind the last byte. */
  readonly jit_dirty_cache: (start: number, end: number) => void;
  /** Runs the guest for about a millisecond, or until HLT. Answers in how many ms it wants to run again. */
  main_loop: () => number;
  /** The machine's reset: port 0xcf9, the keyboard controller, `V86.restart()`. */
  reboot_internal: () => void;
}

type Kind = "object" | "function" | "number";

/** Where everything is, seen from the `V86` object. */
const NEEDED: readonly (readonly [path: string, kind: Kind])[] = [
  ["v86.cpu.io.ports", "object"],
  ["v86.cpu.io.ports.65535.read8", "function"],
  ["v86.cpu.io.ports.65535.read16", "function"],
  ["v86.cpu.io.ports.65535.read32", "function"],
  ["v86.cpu.io.ports.65535.write8", "function"],
  ["v86.cpu.io.ports.65535.write16", "function"],
  ["v86.cpu.io.ports.65535.write32", "function"],
  ["v86.cpu.devices.pci.device_spaces", "object"],
  ["v86.cpu.wasm_memory.buffer", "object"],
  ["v86.cpu.mem8.byteOffset", "number"],
  ["v86.cpu.mem8.length", "number"],
  ["v86.cpu.in_hlt.0", "number"],
  ["v86.cpu.flags.byteOffset", "number"],
  ["v86.cpu.memory_map_read8.32767", "function"],
  ["v86.cpu.memory_map_write8.32767", "function"],
  ["v86.cpu.memory_map_read32.32767", "function"],
  ["v86.cpu.memory_map_write32.32767", "function"],
  ["v86.cpu.mmap_write16", "function"],
  ["v86.cpu.device_raise_irq", "function"],
  ["v86.cpu.device_lower_irq", "function"],
  ["v86.cpu.jit_dirty_cache", "function"],
  ["v86.cpu.main_loop", "function"],
  ["v86.cpu.reboot_internal", "function"],
];

/**
 * Finds what this package works on inside an emulator.
 * @param emulator the `V86` object, after its event "emulator-loaded"
 * @throws V86InternalsError where it is not loaded yet, or something is missing; the message lists what
 */
export function v86Internals(emulator: object): V86Cpu {
  if (at(emulator, "v86.cpu.io.ports") === undefined) {
    const hint = 'not a V86 object whose event "emulator-loaded" has come';
    throw new V86InternalsError(`"emulator" is ${hint}: it has no v86.cpu.io.ports`);
  }
  const missing = NEEDED.filter(([path, kind]) => !isKind(at(emulator, path), kind)).map(([path]) => path);
  if (missing.length > 0) {
    throw new V86InternalsError(`this build of v86 is not one that vmmkit knows: it has no ${missing.join(", ")}`);
  }
  return at(emulator, "v86.cpu") as V86Cpu;
}

/** The configuration space of v86's function `devfn` (device times 8 plus function), or undefined. */
export function v86ConfigSpace(cpu: V86Cpu, devfn: number): Int32Array | undefined {
  return cpu.devices.pci.device_spaces[devfn];
}

function at(root: object, path: string): unknown {
  let value: unknown = root;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function isKind(value: unknown, kind: Kind): boolean {
  return value !== null && typeof value === kind;
}
