import type { IoPortEntry, IoPortInterface, IoPortRange } from "./io-port.ts";

/** An entry as the list sees it: what the public type shows read-only can change here. */
export class PortEntry implements IoPortEntry {
  range: IoPortRange;
  readonly iface: IoPortInterface;
  mapped = false;

  constructor(range: IoPortRange, iface: IoPortInterface) {
    this.range = range;
    this.iface = iface;
  }
}

/** The mapped entries, sorted by port. Their ranges do not overlap. */
export class PortTable {
  readonly #sorted: PortEntry[] = [];

  /** The entry that has `port`, or null. Binary search. */
  find(port: number): PortEntry | null {
    const entry = this.#sorted[this.#firstEndingAt(port)];
    return entry !== undefined && entry.range.start <= port ? entry : null;
  }

  /** The entry with the lowest ports among those that share a port with `start` to `end`, or null. */
  overlapping(start: number, end: number): PortEntry | null {
    const entry = this.#sorted[this.#firstEndingAt(start)];
    return entry !== undefined && entry.range.start <= end ? entry : null;
  }

  /** Adds an entry that overlaps with none. */
  insert(entry: PortEntry): void {
    this.#sorted.splice(this.#firstEndingAt(entry.range.start), 0, entry);
  }

  /** Takes an entry out. */
  remove(entry: PortEntry): void {
    this.#sorted.splice(this.#sorted.indexOf(entry), 1);
  }

  /** Index of the first entry whose last port is `port` or behind it. */
  #firstEndingAt(port: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#sorted[middle];
      if (entry !== undefined && entry.range.end < port) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
