/** A range of ports or addresses, and whether it is decoded. Whoever owns the entry changes both. */
export interface RangeEntry {
  range: { readonly start: number; readonly end: number };
  mapped: boolean;
}

/** The mapped entries, sorted by address. Their ranges do not overlap. */
export class RangeTable<Entry extends RangeEntry> {
  readonly #sorted: Entry[] = [];

  /** The entry that has `address`, or null. Binary search. */
  find(address: number): Entry | null {
    const entry = this.#sorted[this.#firstEndingAt(address)];
    return entry !== undefined && entry.range.start <= address ? entry : null;
  }

  /** The lowest entry among those that share an address with `start` to `end`, or null. */
  overlapping(start: number, end: number): Entry | null {
    const entry = this.#sorted[this.#firstEndingAt(start)];
    return entry !== undefined && entry.range.start <= end ? entry : null;
  }

  /** Adds an entry that overlaps with none. */
  insert(entry: Entry): void {
    this.#sorted.splice(this.#firstEndingAt(entry.range.start), 0, entry);
  }

  /** Takes an entry out. */
  remove(entry: Entry): void {
    this.#sorted.splice(this.#sorted.indexOf(entry), 1);
  }

  /** Index of the first entry whose last address is `address` or behind it. */
  #firstEndingAt(address: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#sorted[middle];
      if (entry !== undefined && entry.range.end < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
