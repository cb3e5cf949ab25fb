import { Decoder } from "./decoder.ts";
import { MmioRangeError, UnknownMmioEntryError } from "./errors.ts";
import { Listeners } from "./listeners.ts";
import type { MmioChange, MmioEntry, MmioInterface, MmioRange } from "./mmio.ts";
import { allOnes, cut, isWidth } from "./width.ts";

/** What guests tried that nobody answered. */
export interface MmioCounters {
  /** Reads with at least one byte that no handler has. */
  unclaimedReads: number;
  /** Writes with at least one byte that no handler has. */
  unclaimedWrites: number;
}

/** An entry as the list sees it: what the public type shows read-only can change here. */
class Entry implements MmioEntry {
  range: MmioRange;
  readonly iface: MmioInterface;
  mapped = false;

  constructor(range: MmioRange, iface: MmioInterface) {
    this.range = range;
    this.iface = iface;
  }
}

/** Stands in the cache of the last hit when there is none: no address is in it. */
const NO_HIT = new Entry({ start: 1, end: 0 }, { read: () => 0, write: () => {}, desc: "" });

/**
 * The guest physical addresses of one machine that reach devices and not memory, and the handlers behind them: the
 * sibling of `VmmIoPortList` for memory BARs. The C original has no such list, as its devices have I/O ports alone.
 *
 * Mapped entries never share an address. When the guest moves one onto another, the one that was there first keeps
 * the addresses; the other waits, and is mapped as soon as they are free. No access and no move by the guest throws.
 */
export class VmmMmioList {
  /** What nobody answered. Only counts up. */
  readonly counters: MmioCounters = { unclaimedReads: 0, unclaimedWrites: 0 };
  readonly #decoder = new Decoder<Entry>((kind, entry) => this.#tell(kind, entry));
  readonly #listeners = new Listeners<MmioChange>();
  #lastHit = NO_HIT;

  /**
   * Adds a handler.
   * @param mapped false for a handler whose addresses the guest has yet to turn on: `mapHandler` makes it answer
   * @throws MmioRangeError for a range that cannot be, or, of a mapped one, that another entry has a part of
   */
  addHandler(range: MmioRange, iface: MmioInterface, mapped = true): MmioEntry {
    if (!isRange(range.start, range.end)) {
      throw new MmioRangeError(
        `"range" for ${iface.desc} expected addresses below 2^53, got ${range.start} to ${range.end}`,
      );
    }
    const entry = new Entry({ start: range.start, end: range.end }, iface);
    const other = mapped ? this.#decoder.overlapping(range.start, range.end) : null;
    if (other !== null) {
      throw new MmioRangeError(
        `"range" ${format(range)} for ${iface.desc} overlaps ${format(other.range)} of ${other.iface.desc}`,
      );
    }
    this.#decoder.add(entry);
    if (mapped) this.#decoder.map(entry);
    return entry;
  }

  /** Takes a handler off the list. @throws UnknownMmioEntryError for an entry that is not on it */
  removeHandler(entry: MmioEntry): void {
    this.#decoder.delete(this.#own(entry));
  }

  /**
   * Makes an entry answer, at another place if `start` says so: the guest turned decoding on, or wrote its BAR.
   * @returns whether it answers now. False where there are no such addresses (the entry keeps its range), or where
   * somebody else has them (it is mapped as soon as they are free)
   * @throws UnknownMmioEntryError for an entry that is not on the list
   */
  mapHandler(entry: MmioEntry, start: number = entry.range.start): boolean {
    const own = this.#own(entry);
    if (own.mapped && start === own.range.start) return true;
    this.#decoder.release(own);
    const end = start + (own.range.end - own.range.start);
    if (!isRange(start, end)) return false;
    own.range = { start, end };
    return this.#decoder.map(own);
  }

  /**
   * Makes an entry stop answering; it keeps its range: the guest turned decoding off.
   * @throws UnknownMmioEntryError for an entry that is not on the list
   */
  unmapHandler(entry: MmioEntry): void {
    this.#decoder.release(this.#own(entry));
  }

  /** The entry that answers at `gpa`, or null. */
  find(gpa: number): MmioEntry | null {
    return this.#decoder.find(gpa);
  }

  /** All entries, mapped or not, in the order they were added. A list of the caller's own. */
  entries(): MmioEntry[] {
    return [...this.#decoder.entries];
  }

  /**
   * Calls `listener` after each change of what is mapped, so that a machine with a memory map of its own can follow.
   * A move is an `unmapped` and a `mapped`.
   * @returns stops the calls
   */
  onChange(listener: (change: MmioChange) => void): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * The guest reads `size` bytes (1, 2 or 4; a processor's access of 8 is two of 4). An access wholly inside one
   * handler goes to it as it is; any other goes byte by byte. Bytes that nobody has are 0xff.
   * @returns the bytes as an unsigned little-endian number
   */
  emulateRead(gpa: number, size: number): number {
    const entry = this.#whole(gpa, size);
    if (entry !== null) return cut(entry.iface.read(gpa - entry.range.start, size), size);
    let value = allOnes(size);
    let unclaimed = !isWidth(size);
    for (let i = 0; i < size && isWidth(size); i++) {
      const part = this.#decoder.find(gpa + i);
      if (part === null) unclaimed = true;
      else value = (value & ~(0xff << (8 * i))) | (cut(part.iface.read(gpa + i - part.range.start, 1), 1) << (8 * i));
    }
    if (unclaimed) this.counters.unclaimedReads++;
    return value >>> 0;
  }

  /** The guest writes. Goes to handlers as `emulateRead` does; bytes that nobody has are ignored. */
  emulateWrite(gpa: number, size: number, value: number): void {
    const entry = this.#whole(gpa, size);
    if (entry !== null) {
      entry.iface.write(gpa - entry.range.start, size, cut(value, size));
      return;
    }
    let unclaimed = !isWidth(size);
    for (let i = 0; i < size && isWidth(size); i++) {
      const part = this.#decoder.find(gpa + i);
      if (part === null) unclaimed = true;
      else part.iface.write(gpa + i - part.range.start, 1, (value >>> (8 * i)) & 0xff);
    }
    if (unclaimed) this.counters.unclaimedWrites++;
  }

  /** The entry that has all bytes of an access, or null. */
  #whole(gpa: number, size: number): Entry | null {
    if (!isWidth(size)) return null;
    const last = gpa + size - 1;
    const hit = this.#lastHit;
    if (gpa >= hit.range.start && last <= hit.range.end) return hit;
    const entry = this.#decoder.find(gpa);
    if (entry === null || last > entry.range.end) return null;
    this.#lastHit = entry;
    return entry;
  }

  #own(entry: MmioEntry): Entry {
    if (entry instanceof Entry && this.#decoder.entries.has(entry)) return entry;
    throw new UnknownMmioEntryError(`"entry" ${entry.iface.desc} at ${format(entry.range)} is not on this list`);
  }

  #tell(kind: MmioChange["kind"], entry: Entry): void {
    this.#lastHit = NO_HIT;
    const { start, end } = entry.range;
    this.#listeners.tell({ kind, start, end, entry });
  }
}

function isRange(start: number, end: number): boolean {
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start;
}

function format(range: MmioRange): string {
  return `0x${range.start.toString(16)}-0x${range.end.toString(16)}`;
}
