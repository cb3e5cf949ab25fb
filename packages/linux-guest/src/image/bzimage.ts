import { readElf32 } from "./elf32.ts";

/*
 * A bzImage is real-mode setup code, then a 32-bit program that unpacks the kernel proper and jumps to it. The setup
 * code ends with a jump to the address in its header's field `code32_start`, with the boot parameters in ESI, and
 * the kernel proper takes exactly that too (kernel documentation: "The Linux/x86 Boot Protocol", "32-bit boot
 * protocol"). So a kernel that was unpacked beforehand boots when it lies where it was linked to and `code32_start`
 * names its entry: the guest is spared some two thousand million instructions of decompression.
 */

const SETUP_SECTORS = 0x1f1;
const BOOT_FLAG = 0x1fe;
const HEADER_MAGIC = 0x202;
const PROTOCOL_VERSION = 0x206;
/** Where the kernel's version stands as text, counted from `HEADER_BASE`. */
const KERNEL_VERSION = 0x20e;
const HEADER_BASE = 0x200;
const CODE32_START = 0x214;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;

const BOOT_FLAG_VALUE = 0xaa55;
/** "HdrS" */
const HEADER_MAGIC_VALUE = 0x5372_6448;
/** The first version whose header says where the compressed kernel is. */
const PROTOCOL_WITH_PAYLOAD = 0x208;

/** Where boot loaders put the part behind the setup code. */
export const PROTECTED_MODE_ADDRESS = 0x10_0000;

/** The parts of a bzImage, as views of the file. */
export interface BzImage {
  /** Boot sector and setup code. */
  readonly setup: Uint8Array;
  /** What goes to `PROTECTED_MODE_ADDRESS`. */
  readonly program: Uint8Array;
  /** The compressed kernel proper inside `program`, or null where the header does not name it. */
  readonly payload: Uint8Array | null;
  /** The kernel's release, as `uname -r` says it, or empty where the file does not say. */
  readonly release: string;
  /** Whether `program` is the kernel proper already, as `unpackedBzImage` makes it. */
  readonly unpacked: boolean;
}

/** Takes a bzImage apart, or answers null where the file is not one. */
export function readBzImage(file: Uint8Array): BzImage | null {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < 0x270 || view.getUint16(BOOT_FLAG, true) !== BOOT_FLAG_VALUE) return null;
  if (view.getUint32(HEADER_MAGIC, true) !== HEADER_MAGIC_VALUE) return null;
  // The header's 0 stands for 4, for kernels older than the field; one more sector is the boot sector.
  const setupBytes = ((file[SETUP_SECTORS] || 4) + 1) * 512;
  const program = file.subarray(setupBytes);
  const unpacked = view.getUint32(CODE32_START, true) !== PROTECTED_MODE_ADDRESS;
  const payload = findPayload(view, program, unpacked);
  return { setup: file.subarray(0, setupBytes), program, payload, release: readRelease(view, file), unpacked };
}

function readRelease(view: DataView, file: Uint8Array): string {
  const offset = view.getUint16(KERNEL_VERSION, true);
  if (offset === 0) return "";
  // Release, space, who built it; the text ends with a zero byte inside the setup code.
  const text = new TextDecoder("latin1").decode(file.subarray(HEADER_BASE + offset, HEADER_BASE + offset + 128));
  return /^[^\s\0]*/.exec(text)?.[0] ?? "";
}

function findPayload(view: DataView, program: Uint8Array, unpacked: boolean): Uint8Array | null {
  if (unpacked || view.getUint16(PROTOCOL_VERSION, true) < PROTOCOL_WITH_PAYLOAD) return null;
  const offset = view.getUint32(PAYLOAD_OFFSET, true);
  const length = view.getUint32(PAYLOAD_LENGTH, true);
  return length === 0 || offset + length > program.length ? null : program.subarray(offset, offset + length);
}

/**
 * Makes a bzImage that needs no unpacking in the guest.
 * @param setup the setup code of the kernel's own bzImage; it is copied
 * @param kernel the kernel proper, an ELF file
 * @returns the new file, or null where `kernel` is not an ELF file that fits above `PROTECTED_MODE_ADDRESS`
 */
export function unpackedBzImage(setup: Uint8Array, kernel: Uint8Array): Uint8Array | null {
  const elf = readElf32(kernel);
  if (elf === null || elf.segments.length === 0) return null;
  if (elf.segments.some((segment) => segment.address < PROTECTED_MODE_ADDRESS)) return null;
  const end = Math.max(...elf.segments.map((segment) => segment.address + segment.bytes.length));
  const file = new Uint8Array(setup.length + end - PROTECTED_MODE_ADDRESS);
  file.set(setup);
  for (const { address, bytes } of elf.segments) file.set(bytes, setup.length + address - PROTECTED_MODE_ADDRESS);
  new DataView(file.buffer).setUint32(CODE32_START, elf.entry, true);
  return file;
}
