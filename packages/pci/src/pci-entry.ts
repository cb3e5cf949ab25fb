import { PCI_CONFIG_SPACE_BYTES } from "./spec.ts";

/**
 * A function's configuration space (C original: `vmm_pci_entry_t`). Wrappers take an entry and give one.
 *
 * The guest chooses every argument. An access that `isConfigAccess` refuses reads all ones and writes nothing;
 * no access throws.
 */
export interface PciEntry {
  /**
   * @param offset first byte, 0 to 255
   * @param size 1, 2 or 4 bytes, aligned to itself
   * @returns the bytes as an unsigned little-endian number
   */
  ioRead(offset: number, size: number): number;
  /**
   * @param offset first byte, 0 to 255
   * @param size 1, 2 or 4 bytes, aligned to itself
   * @param value unsigned; what is above `size` bytes does not count
   */
  ioWrite(offset: number, size: number, value: number): void;
  /** The machine is reset: registers go back to what they were when the function was made. Absent: nothing does. */
  reset?(): void;
}

/** Whether an access is one that a bus can carry: 1, 2 or 4 bytes, aligned to itself, inside the 256 bytes. */
export function isConfigAccess(offset: number, size: number): boolean {
  if (size !== 1 && size !== 2 && size !== 4) return false;
  return Number.isInteger(offset) && offset >= 0 && offset + size <= PCI_CONFIG_SPACE_BYTES && offset % size === 0;
}

/** Cuts a value to `size` bytes, unsigned. */
export function cut(value: number, size: number): number {
  if (size === 1) return value & 0xff;
  return size === 2 ? value & 0xffff : value >>> 0;
}

/** What a read of `size` bytes gives where nothing answers: all ones, unsigned. */
export function allOnes(size: number): number {
  return cut(-1, size);
}
