import type { EntryState, PciEntry, PciRegion } from "@vmmkit/pci";
import { joinRestorations, type Restoration } from "@vmmkit/vm";
import { CAP_BAR, CAP_DATA, CAP_LENGTH, CAP_OFFSET } from "./virtio-caps.ts";

/** Bytes of `pci_cfg_data`. */
const DATA_BYTES = 4;

/**
 * The PCI_CFG capability: a window through which a guest reads and writes what is behind the BARs without mapping
 * them, as firmware does (VIRTIO 1.2, 4.1.4.9).
 */
export class CfgWindow implements PciEntry {
  readonly #below: PciEntry;
  readonly #at: number;
  readonly #regions: readonly (PciRegion | null)[];

  /** @param at where the capability is; its fields are memory in `below` */
  constructor(below: PciEntry, at: number, regions: readonly (PciRegion | null)[]) {
    this.#below = below;
    this.#at = at;
    this.#regions = regions;
  }

  ioRead(offset: number, size: number): number {
    const from = this.#isData(offset) ? this.#target() : null;
    if (from !== null) {
      const value = from.region.read(from.offset, from.length);
      this.#below.ioWrite(this.#at + CAP_DATA, from.length, value);
    }
    return this.#below.ioRead(offset, size);
  }

  ioWrite(offset: number, size: number, value: number): void {
    this.#below.ioWrite(offset, size, value);
    const to = this.#isData(offset) ? this.#target() : null;
    if (to !== null) to.region.write(to.offset, to.length, this.#below.ioRead(this.#at + CAP_DATA, to.length));
  }

  reset(): void {
    this.#below.reset?.();
  }

  /** Where it looks is in the entry below. */
  save(): EntryState {
    return this.#below.save?.() ?? {};
  }

  prepare(state: unknown): Restoration {
    return this.#below.prepare?.(state) ?? joinRestorations([]);
  }

  #isData(offset: number): boolean {
    return offset >= this.#at + CAP_DATA && offset < this.#at + CAP_DATA + DATA_BYTES;
  }

  /** What the window looks at; null where the driver wrote what it must not (4.1.4.9.2). */
  #target(): { region: PciRegion; offset: number; length: number } | null {
    const region = this.#regions[this.#below.ioRead(this.#at + CAP_BAR, 1)];
    const offset = this.#below.ioRead(this.#at + CAP_OFFSET, 4);
    const length = this.#below.ioRead(this.#at + CAP_LENGTH, 4);
    if (region === undefined || region === null) return null;
    if (length !== 1 && length !== 2 && length !== 4) return null;
    if (offset % length !== 0 || offset + length > 2 ** region.bar.sizeBits) return null;
    return { region, offset, length };
  }
}
