import type { PciBar, PciBarWindow } from "./bar-registers.ts";
import type { PciEntry } from "./pci-entry.ts";

/** What lies behind a BAR: registers, or a table, that the guest reads and writes. */
export interface PciRegion {
  /** What the BAR asks for. `address` is where it is after a reset. */
  readonly bar: PciBar;
  /**
   * The guest reads. It chooses the arguments: nothing throws.
   * @param offset first byte, from the start of the BAR
   * @param size 1, 2 or 4 bytes
   * @returns the bytes as an unsigned little-endian number
   */
  read(offset: number, size: number): number;
  /** The guest writes `size` (1, 2 or 4) bytes at `offset`. `value` is unsigned. */
  write(offset: number, size: number, value: number): void;
}

/**
 * A PCI function in one piece: its configuration space and what lies behind its BARs. A VMM that has an address space of
 * its own maps the regions as `bars()` says; a server for other processes' VMMs hands their accesses on.
 */
export interface PciFunction extends PciEntry {
  /** By number of the BAR's register, 0 to 5: what is behind it. Null for none, and for the upper half of a `mem64`. */
  readonly regions: readonly (PciRegion | null)[];
  /** Where the BARs are now, in the order of their registers. */
  bars(): PciBarWindow[];
  /**
   * Set by whoever maps the regions, null for nobody: told when the guest's write changed a BAR's `address` or
   * `enabled`. Not called for the initial state, which `bars()` tells.
   */
  onBarChange: ((window: PciBarWindow) => void) | null;
  reset(): void;
}
