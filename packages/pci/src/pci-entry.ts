import type { Restoration } from "@vmmkit/vm";
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
  /**
   * What the guest made of it, for `prepare`: plain data. A wrapper adds a field of its own to what the entry below it
   * has. Absent: there is nothing to keep.
   */
  save?(): EntryState;
  /** See `Saveable.prepare` of `@vmmkit/vm`. Absent where `save` is. */
  prepare?(state: unknown): Restoration;
}

/** The state of an entry: a field of each of its layers. */
export type EntryState = Readonly<Record<string, unknown>>;

/** The state of an entry, of which some keep nothing. Null for none. */
export function saveBelow(below: PciEntry | null): EntryState {
  return below?.save?.() ?? {};
}

/** Restores the entry below a wrapper, and then the wrapper. */
export function prepareBelow(below: PciEntry | null, state: unknown, own: Partial<Restoration> = {}): Restoration {
  const other = below?.prepare?.(state);
  return {
    apply: () => {
      other?.apply();
      own.apply?.();
    },
    resume: () => {
      other?.resume();
      own.resume?.();
    },
  };
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
