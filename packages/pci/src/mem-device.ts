import { PciDefinitionError } from "./errors.ts";
import { allOnes, cut, isConfigAccess, type PciEntry } from "./pci-entry.ts";
import { PCI_CONFIG_SPACE_BYTES } from "./spec.ts";

/** A function whose configuration space is memory. */
export interface MemDevice extends PciEntry {
  /** The 256 bytes as the guest reads them. The device model may change them at any time. */
  readonly bytes: Uint8Array;
  reset(): void;
}

/** What the guest can change in a `memDevice`: one byte per byte of configuration space, one bit per bit. */
export interface MemDeviceMasks {
  /** Bits that take what is written. Default none. */
  readonly writable?: Uint8Array;
  /** Bits that a written 1 clears. Default none. */
  readonly writeOneToClear?: Uint8Array;
}

/**
 * A function whose configuration space is memory (C original: `vmm_pci_mem_device_read` and
 * `vmm_pci_mem_device_write`, which wrote every bit).
 * @param bytes the initial contents, 256 bytes, copied
 * @param masks which bits the guest can change, copied
 * @throws PciDefinitionError for other lengths
 */
export function memDevice(bytes: Uint8Array, masks: MemDeviceMasks = {}): MemDevice {
  const initial = copyOf256("bytes", bytes);
  const writable = copyOf256("masks.writable", masks.writable);
  const clearing = copyOf256("masks.writeOneToClear", masks.writeOneToClear);
  const now = initial.slice();
  return {
    bytes: now,
    ioRead(offset, size) {
      if (!isConfigAccess(offset, size)) return allOnes(size);
      let value = 0;
      for (let i = 0; i < size; i++) value |= at(now, offset + i) << (8 * i);
      return cut(value, size);
    },
    ioWrite(offset, size, value) {
      if (!isConfigAccess(offset, size)) return;
      for (let i = 0; i < size; i++) {
        const byte = (value >>> (8 * i)) & 0xff;
        const taken = at(writable, offset + i);
        const cleared = at(clearing, offset + i) & byte;
        now[offset + i] = ((at(now, offset + i) & ~taken) | (byte & taken)) & ~cleared;
      }
    },
    reset() {
      now.set(initial);
    },
  };
}

/** An entry that the guest can read but not write (C original: `vmm_pci_entry_ignore_write`). */
export function ignoreWrite(entry: PciEntry): PciEntry {
  return { ioRead: (offset, size) => entry.ioRead(offset, size), ioWrite: () => {} };
}

function at(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function copyOf256(name: string, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) return new Uint8Array(PCI_CONFIG_SPACE_BYTES);
  if (bytes.length === PCI_CONFIG_SPACE_BYTES) return bytes.slice();
  throw new PciDefinitionError(`"${name}" expected ${PCI_CONFIG_SPACE_BYTES} bytes, got ${bytes.length}`);
}
