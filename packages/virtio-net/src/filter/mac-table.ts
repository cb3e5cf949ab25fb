import { MAC_BYTES } from "@vmmkit/ethif";

/** Addresses that a table holds. A driver that wants more of a kind gets all of that kind. */
export const MAC_TABLE_ENTRIES = 64;

/** Addresses that the guest wants frames for: a fixed number, compared without allocation. */
export class MacTable {
  readonly #bytes = new Uint8Array(MAC_TABLE_ENTRIES * MAC_BYTES);
  #count = 0;
  #overflowed = false;

  /** Entries. */
  get count(): number {
    return this.#count;
  }

  /** The driver wanted more than the table holds: every address counts as being in it. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** The addresses in it, six bytes each, a copy. */
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#count * MAC_BYTES);
  }

  clear(): void {
    this.#count = 0;
    this.#overflowed = false;
  }

  /** Replaces the contents. @param entries how many the driver wants; @param bytes as many of them as the table holds */
  set(entries: number, bytes: Uint8Array): void {
    this.clear();
    if (entries > MAC_TABLE_ENTRIES) {
      this.#overflowed = true;
      return;
    }
    this.#bytes.set(bytes.subarray(0, entries * MAC_BYTES));
    this.#count = entries;
  }

  /** Whether the address at `at` of `bytes` is in the table. */
  has(bytes: Uint8Array, at: number): boolean {
    if (this.#overflowed) return true;
    for (let i = 0; i < this.#count; i++) if (sameMac(this.#bytes, i * MAC_BYTES, bytes, at)) return true;
    return false;
  }
}

/** Whether two addresses are equal. The last bytes are compared first: they differ most. */
export function sameMac(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = MAC_BYTES - 1; i >= 0; i--) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}
