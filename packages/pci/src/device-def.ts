import { PciDefinitionError } from "./errors.ts";
import { type MemDevice, memDevice } from "./mem-device.ts";
import * as spec from "./spec.ts";

/**
 * A function's type 0 header and capabilities (C original: `vmm_pci_device_def_t`). What is left out is 0, but for
 * the fields that say otherwise.
 */
export interface PciDeviceDef {
  /** Offset 0x00, 16 bits. */
  readonly vendorId: number;
  /** Offset 0x02, 16 bits. */
  readonly deviceId: number;
  /** Offset 0x04, 16 bits: the command register after a reset. */
  readonly command?: number;
  /** Offset 0x06, 16 bits. The bit for a capability list follows from `capsPointer`. */
  readonly status?: number;
  /** Offset 0x08. */
  readonly revisionId?: number;
  /** Offset 0x09. */
  readonly progIf?: number;
  /** Offset 0x0a. */
  readonly subclass?: number;
  /** Offset 0x0b. */
  readonly classCode?: number;
  /** Offset 0x0c. */
  readonly cacheLineSize?: number;
  /** Offset 0x0d. */
  readonly latencyTimer?: number;
  /** Offset 0x0e. Type 0 alone; a `VmmPciSpace` sets the bit for several functions by itself. */
  readonly headerType?: number;
  /** Offset 0x0f. */
  readonly bist?: number;
  /** Offset 0x10, 32 bits, read-only: `barEmulation` makes BARs that can be sized and moved. */
  readonly bar0?: number;
  /** Offset 0x14, as `bar0`. */
  readonly bar1?: number;
  /** Offset 0x18, as `bar0`. */
  readonly bar2?: number;
  /** Offset 0x1c, as `bar0`. */
  readonly bar3?: number;
  /** Offset 0x20, as `bar0`. */
  readonly bar4?: number;
  /** Offset 0x24, as `bar0`. */
  readonly bar5?: number;
  /** Offset 0x28, 32 bits. */
  readonly cardbus?: number;
  /** Offset 0x2c, 16 bits. */
  readonly subsystemVendorId?: number;
  /** Offset 0x2e, 16 bits. */
  readonly subsystemId?: number;
  /** Offset 0x30, 32 bits, read-only: 0 says that there is no ROM. */
  readonly expansionRom?: number;
  /** Offset 0x34: the first capability, 0x40 to 0xfc in steps of 4. Default 0x40 where there are `caps`, else 0. */
  readonly capsPointer?: number;
  /** Offset 0x35. */
  readonly reserved1?: number;
  /** Offset 0x36, 16 bits. */
  readonly reserved2?: number;
  /** Offset 0x38, 32 bits. */
  readonly reserved3?: number;
  /** Offset 0x3c: a note between firmware and driver; the guest writes it. */
  readonly interruptLine?: number;
  /** Offset 0x3d: 0 for none, 1 to 4 for INTA# to INTD#. */
  readonly interruptPin?: number;
  /** Offset 0x3e. */
  readonly minGrant?: number;
  /** Offset 0x3f. */
  readonly maxLatency?: number;
  /** The bytes from 0x40 on, at most 192: capabilities, already linked with each other. */
  readonly caps?: Uint8Array;
  /** Which bits of `caps` the guest can write, byte by byte. Default none. */
  readonly capsWritable?: Uint8Array;
  /** Which bits of the command register the guest can write. Default `DEFAULT_COMMAND_WRITABLE`. */
  readonly commandWritable?: number;
}

/** I/O and memory decoding, bus master, parity and system error, INTx disable. */
export const DEFAULT_COMMAND_WRITABLE: number =
  spec.PCI_COMMAND_IO |
  spec.PCI_COMMAND_MEMORY |
  spec.PCI_COMMAND_MASTER |
  spec.PCI_COMMAND_PARITY |
  spec.PCI_COMMAND_SERR |
  spec.PCI_COMMAND_INTX_DISABLE;

type NumericField = Exclude<keyof PciDeviceDef, "caps" | "capsWritable" | "commandWritable">;

/** The header's fields in their order, with their lengths in bytes. They fill the 64 bytes without a gap. */
const FIELDS: readonly (readonly [NumericField, 1 | 2 | 4])[] = [
  ["vendorId", 2],
  ["deviceId", 2],
  ["command", 2],
  ["status", 2],
  ["revisionId", 1],
  ["progIf", 1],
  ["subclass", 1],
  ["classCode", 1],
  ["cacheLineSize", 1],
  ["latencyTimer", 1],
  ["headerType", 1],
  ["bist", 1],
  ["bar0", 4],
  ["bar1", 4],
  ["bar2", 4],
  ["bar3", 4],
  ["bar4", 4],
  ["bar5", 4],
  ["cardbus", 4],
  ["subsystemVendorId", 2],
  ["subsystemId", 2],
  ["expansionRom", 4],
  ["capsPointer", 1],
  ["reserved1", 1],
  ["reserved2", 2],
  ["reserved3", 4],
  ["interruptLine", 1],
  ["interruptPin", 1],
  ["minGrant", 1],
  ["maxLatency", 1],
];

/**
 * A function with the header and capabilities of `def`. The guest can write the command register's bits that `def`
 * names, cache line size, latency timer, interrupt line and the bits of `capsWritable`, and clear the error bits
 * of the status register; all else is read-only, as PCI has it.
 * @throws PciDefinitionError for a value that its field cannot hold
 */
export function deviceEntry(def: PciDeviceDef): MemDevice {
  const bytes = new Uint8Array(spec.PCI_CONFIG_SPACE_BYTES);
  const writable = new Uint8Array(spec.PCI_CONFIG_SPACE_BYTES);
  const writeOneToClear = new Uint8Array(spec.PCI_CONFIG_SPACE_BYTES);
  const caps = checkedCaps("caps", def.caps);
  const capsWritable = checkedCaps("capsWritable", def.capsWritable);
  writeHeader(bytes, def);
  bytes.set(caps, spec.PCI_STD_HEADER_SIZEOF);
  put(writable, spec.PCI_COMMAND, 2, checked("commandWritable", 2, def.commandWritable ?? DEFAULT_COMMAND_WRITABLE));
  for (const offset of [spec.PCI_CACHE_LINE_SIZE, spec.PCI_LATENCY_TIMER, spec.PCI_INTERRUPT_LINE]) {
    writable[offset] = 0xff;
  }
  writable.set(capsWritable, spec.PCI_STD_HEADER_SIZEOF);
  put(writeOneToClear, spec.PCI_STATUS, 2, spec.PCI_STATUS_ERROR_BITS);
  return memDevice(bytes, { writable, writeOneToClear });
}

function writeHeader(bytes: Uint8Array, def: PciDeviceDef): void {
  let offset = 0;
  for (const [name, size] of FIELDS) {
    put(bytes, offset, size, checked(name, size, def[name] ?? 0));
    offset += size;
  }
  const headerType = (bytes[spec.PCI_HEADER_TYPE] ?? 0) & spec.PCI_HEADER_TYPE_MASK;
  if (headerType !== spec.PCI_HEADER_TYPE_NORMAL) {
    throw new PciDefinitionError(`"headerType" expected type 0, got ${headerType}`);
  }
  const pin = def.interruptPin ?? 0;
  if (pin > 4) throw new PciDefinitionError(`"interruptPin" expected 0 for none or 1 to 4, got ${pin}`);
  writeCapsPointer(bytes, def);
}

function writeCapsPointer(bytes: Uint8Array, def: PciDeviceDef): void {
  const pointer = def.capsPointer ?? (def.caps !== undefined && def.caps.length > 0 ? spec.PCI_STD_HEADER_SIZEOF : 0);
  if (pointer !== 0 && (pointer < spec.PCI_STD_HEADER_SIZEOF || pointer % 4 !== 0)) {
    throw new PciDefinitionError(`"capsPointer" expected 0 or a multiple of 4 from 0x40 on, got ${pointer}`);
  }
  bytes[spec.PCI_CAPABILITY_LIST] = pointer;
  const status = (def.status ?? 0) & ~spec.PCI_STATUS_CAP_LIST;
  put(bytes, spec.PCI_STATUS, 2, pointer === 0 ? status : status | spec.PCI_STATUS_CAP_LIST);
}

function put(bytes: Uint8Array, offset: number, size: number, value: number): void {
  for (let i = 0; i < size; i++) bytes[offset + i] = value >>> (8 * i);
}

function checked(name: string, size: number, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** (8 * size)) return value;
  throw new PciDefinitionError(`"${name}" expected an unsigned integer of ${8 * size} bits, got ${value}`);
}

function checkedCaps(name: string, caps: Uint8Array | undefined): Uint8Array {
  const room = spec.PCI_CONFIG_SPACE_BYTES - spec.PCI_STD_HEADER_SIZEOF;
  if (caps === undefined) return new Uint8Array(0);
  if (caps.length <= room) return caps;
  throw new PciDefinitionError(`"${name}" expected at most ${room} bytes, got ${caps.length}`);
}
