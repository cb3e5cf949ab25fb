import { allOnes, cut, isConfigAccess, type PciEntry } from "./pci-entry.ts";
import { PCI_CONFIG_SPACE_BYTES } from "./spec.ts";

/** What a wrapper shows in place of the entry below it, bit by bit, and which bytes it keeps writes from. */
export class Overlay {
  /** Bits that read from `value`. */
  readonly mask: Uint8Array = new Uint8Array(PCI_CONFIG_SPACE_BYTES);
  /** What they read; 0 outside `mask`. */
  readonly value: Uint8Array = new Uint8Array(PCI_CONFIG_SPACE_BYTES);
  /** 1 for each byte whose writes are ignored. */
  readonly blocked: Uint8Array = new Uint8Array(PCI_CONFIG_SPACE_BYTES);

  /** Shows `value` in the bits `mask` of one byte. */
  show(offset: number, mask: number, value: number): void {
    this.mask[offset] = (this.mask[offset] ?? 0) | mask;
    this.value[offset] = ((this.value[offset] ?? 0) & ~mask) | (value & mask);
  }
}

/** The entry `below` with `overlay` over it. */
export function overlaid(below: PciEntry, overlay: Overlay): PciEntry {
  const entry: PciEntry = {
    ioRead(offset, size) {
      if (!isConfigAccess(offset, size)) return allOnes(size);
      const mask = gather(overlay.mask, offset, size);
      const shown = gather(overlay.value, offset, size);
      if (mask === allOnes(size)) return shown;
      return cut((below.ioRead(offset, size) & ~mask) | shown, size);
    },
    ioWrite(offset, size, value) {
      if (!isConfigAccess(offset, size)) return;
      if (gather(overlay.blocked, offset, size) === 0) below.ioWrite(offset, size, value);
      else writeUnblocked(below, overlay.blocked, offset, size, value);
    },
  };
  const reset = below.reset?.bind(below);
  const save = below.save?.bind(below);
  const prepare = below.prepare?.bind(below);
  return { ...entry, ...(reset && { reset }), ...(save && { save }), ...(prepare && { prepare }) };
}

function writeUnblocked(below: PciEntry, blocked: Uint8Array, offset: number, size: number, value: number): void {
  for (let i = 0; i < size; i++) {
    if (blocked[offset + i] === 0) below.ioWrite(offset + i, 1, (value >>> (8 * i)) & 0xff);
  }
}

function gather(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value |= (bytes[offset + i] ?? 0) << (8 * i);
  return value >>> 0;
}
