import { type RangeEntry, RangeTable } from "./range-table.ts";

/** What became of an entry. */
export type DecoderChange = "mapped" | "unmapped";

/**
 * Who answers where: entries that are mapped never share an address. One that is moved onto another waits, and is
 * mapped as soon as the addresses are free; so nothing that a guest does with its BARs makes two devices fight.
 */
export class Decoder<Entry extends RangeEntry> {
  readonly #entries = new Set<Entry>();
  readonly #table = new RangeTable<Entry>();
  /** Entries that decode addresses somebody else has, in the order they came. */
  readonly #waiting = new Set<Entry>();
  readonly #tell: (kind: DecoderChange, entry: Entry) => void;

  /** @param tell called after each change of what is mapped */
  constructor(tell: (kind: DecoderChange, entry: Entry) => void) {
    this.#tell = tell;
  }

  /** All entries, mapped or not, in the order they were added. */
  get entries(): ReadonlySet<Entry> {
    return this.#entries;
  }

  /** The mapped entry that has `address`, or null. */
  find(address: number): Entry | null {
    return this.#table.find(address);
  }

  /** The lowest mapped entry that shares an address with `start` to `end`, or null. */
  overlapping(start: number, end: number): Entry | null {
    return this.#table.overlapping(start, end);
  }

  /** Takes an entry in, not mapped yet. */
  add(entry: Entry): void {
    this.#entries.add(entry);
  }

  /** Takes an entry out, mapped or not. */
  delete(entry: Entry): void {
    this.#entries.delete(entry);
    this.release(entry);
  }

  /** Whether the entry ought to answer: it does, or waits for its addresses. */
  decodes(entry: Entry): boolean {
    return entry.mapped || this.#waiting.has(entry);
  }

  /** Maps an entry that is not mapped, or lets it wait. @returns whether it answers now */
  map(entry: Entry): boolean {
    if (this.#table.overlapping(entry.range.start, entry.range.end) !== null) {
      this.#waiting.add(entry);
      return false;
    }
    this.#waiting.delete(entry);
    this.#table.insert(entry);
    entry.mapped = true;
    this.#tell("mapped", entry);
    return true;
  }

  /** Lets go of an entry's addresses and gives them to whoever waits for them. */
  release(entry: Entry): void {
    this.#waiting.delete(entry);
    if (!entry.mapped) return;
    this.#table.remove(entry);
    entry.mapped = false;
    this.#tell("unmapped", entry);
    for (const waiting of [...this.#waiting]) this.map(waiting);
  }
}
