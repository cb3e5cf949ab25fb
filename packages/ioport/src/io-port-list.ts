import { Decoder } from "./decoder.ts";
import { IoPortExhaustedError, IoPortOverlapError, UnknownIoPortEntryError } from "./errors.ts";
import { type IoPortChange, type IoPortEntry, type IoPortInterface, type IoPortRange, IoPortType } from "./io-port.ts";
import { Listeners } from "./listeners.ts";
import { PortEntry } from "./port-entry.ts";
import { checkedRange, checkPort, checkSize, formatRange, isPort, LAST_PORT, powerOfTwoFor, rangeAt } from "./range.ts";
import { allOnes, cut, isWidth } from "./width.ts";

/** What guests tried that nobody answered. */
export interface IoPortCounters {
  /** Reads with at least one byte that no handler has. */
  unclaimedReads: number;
  /** Writes with at least one byte that no handler has. */
  unclaimedWrites: number;
}

/** Stands in the cache of the last hit when there is none: no port is in it. */
const NO_HIT = new PortEntry({ start: 1, end: 0, size: 0 }, { portIn: () => 0, portOut: () => {}, desc: "" });

/**
 * The I/O ports of one machine and the handlers behind them (C original: `vmm_io_port_list_t`, and
 * `vmm_io_port_init` as its constructor).
 *
 * Mapped entries never share a port. When the guest moves one onto another, the one that was there first keeps
 * the ports; the other waits, and is mapped as soon as the ports are free. No access and no move by the guest throws.
 */
export class VmmIoPortList {
  /** What nobody answered. Only counts up. */
  readonly counters: IoPortCounters = { unclaimedReads: 0, unclaimedWrites: 0 };
  readonly #allocAddr: number;
  readonly #decoder = new Decoder<PortEntry>((kind, entry) => this.#tell(kind, entry));
  readonly #listeners = new Listeners<IoPortChange>();
  #lastHit = NO_HIT;

  /**
   * @param allocAddr where ranges of type `Free` are looked for, up to 0xffff
   * @throws IoPortRangeError for anything but a port
   */
  constructor(allocAddr = 0xc000) {
    checkPort("allocAddr", allocAddr);
    this.#allocAddr = allocAddr;
  }

  /**
   * Adds a handler (C original: `vmm_io_port_add_handler`).
   * @param range with `Free` only its `size` counts: the entry gets the lowest free range that starts at a multiple
   * of the next power of two, as a BAR must; with `Addr` its `start` and `end`
   * @param mapped false for a handler whose ports the guest has yet to turn on: it keeps its range, and
   * `mapHandler` makes it answer
   * @throws IoPortRangeError for an impossible range
   * @throws IoPortOverlapError where mapped ports would be shared
   * @throws IoPortExhaustedError where no free range is left
   */
  addHandler(range: IoPortRange, iface: IoPortInterface, type: IoPortType, mapped = true): IoPortEntry {
    const entry = new PortEntry(this.#resolve(range, iface, type), iface);
    const other = mapped ? this.#decoder.overlapping(entry.range.start, entry.range.end) : null;
    if (other !== null) {
      const wanted = `${formatRange(entry.range)} for ${iface.desc}`;
      throw new IoPortOverlapError(`"range" ${wanted} overlaps ${formatRange(other.range)} of ${other.iface.desc}`);
    }
    this.#decoder.add(entry);
    if (mapped) this.#decoder.map(entry);
    return entry;
  }

  /**
   * Takes a handler off the list.
   * @throws UnknownIoPortEntryError for an entry that is not on it
   */
  removeHandler(entry: IoPortEntry): void {
    this.#decoder.delete(this.#own(entry));
  }

  /**
   * Makes an entry answer, at another place if `start` says so: the guest turned decoding on.
   * @returns whether it answers now. False where the ports do not exist (the entry keeps its range), or are somebody
   * else's (the entry has its new range and is mapped as soon as they are free).
   * @throws UnknownIoPortEntryError for an entry that is not on the list
   */
  mapHandler(entry: IoPortEntry, start: number = entry.range.start): boolean {
    const own = this.#own(entry);
    if (own.mapped && start === own.range.start) return true;
    this.#decoder.release(own);
    return this.#place(own, start) && this.#decoder.map(own);
  }

  /**
   * Makes an entry stop answering; it keeps its range: the guest turned decoding off.
   * @throws UnknownIoPortEntryError for an entry that is not on the list
   */
  unmapHandler(entry: IoPortEntry): void {
    this.#decoder.release(this.#own(entry));
  }

  /**
   * Moves an entry: the guest wrote its BAR. An entry that answers, or waits for its ports, is treated as by
   * `mapHandler`; one that does not only changes its range.
   * @returns false where the ports do not exist (the entry keeps its range and no longer answers), or where it ought
   * to answer but the ports are somebody else's
   * @throws UnknownIoPortEntryError for an entry that is not on the list
   */
  moveHandler(entry: IoPortEntry, newStart: number): boolean {
    const own = this.#own(entry);
    return this.#decoder.decodes(own) ? this.mapHandler(own, newStart) : this.#place(own, newStart);
  }

  /** The entry that answers for `port`, or null. */
  find(port: number): IoPortEntry | null {
    return this.#decoder.find(port);
  }

  /** All entries, mapped or not, in the order they were added. A list of the caller's own. */
  entries(): IoPortEntry[] {
    return [...this.#decoder.entries];
  }

  /**
   * Calls `listener` after each change of what is mapped, so that a machine with a port table of its own can
   * follow. A move is an `unmapped` and a `mapped`.
   * @returns stops the calls
   */
  onChange(listener: (change: IoPortChange) => void): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * The guest reads `size` bytes (1, 2 or 4). An access wholly inside one handler goes to it as it is; any other
   * goes byte by byte. Bytes that nobody has, and those behind port 0xffff, are 0xff.
   * @returns the bytes as an unsigned little-endian number
   */
  emulateIn(port: number, size: number): number {
    const hit = this.#lastHit;
    if (port >= hit.range.start && port + size - 1 <= hit.range.end && isWidth(size)) {
      return cut(hit.iface.portIn(port, size), size);
    }
    return this.#in(port, size);
  }

  /**
   * The guest writes `size` bytes (1, 2 or 4). Goes to handlers as `emulateIn` does; bytes that nobody has are
   * ignored.
   */
  emulateOut(port: number, size: number, value: number): void {
    const hit = this.#lastHit;
    if (port >= hit.range.start && port + size - 1 <= hit.range.end && isWidth(size)) {
      hit.iface.portOut(port, size, cut(value, size));
    } else {
      this.#out(port, size, value);
    }
  }

  /**
   * One I/O instruction (C original: `emulate_io_handler`).
   * @param value what is written; not looked at for a read
   * @returns what was read; 0 for a write
   */
  emulateIo(port: number, isIn: boolean, size: number, value = 0): number {
    if (isIn) return this.emulateIn(port, size);
    this.emulateOut(port, size, value);
    return 0;
  }

  #in(port: number, size: number): number {
    const entry = isWidth(size) ? this.#decoder.find(port) : null;
    if (entry !== null && port + size - 1 <= entry.range.end) {
      this.#lastHit = entry;
      return cut(entry.iface.portIn(port, size), size);
    }
    return this.#inBytes(port, size);
  }

  #inBytes(port: number, size: number): number {
    let value = allOnes(size);
    let unclaimed = !isWidth(size);
    for (let i = 0; i < size && isWidth(size); i++) {
      const entry = this.#decoder.find(port + i);
      if (entry === null) unclaimed = true;
      else value = (value & ~(0xff << (8 * i))) | (cut(entry.iface.portIn(port + i, 1), 1) << (8 * i));
    }
    if (unclaimed) this.counters.unclaimedReads++;
    return value >>> 0;
  }

  #out(port: number, size: number, value: number): void {
    const entry = isWidth(size) ? this.#decoder.find(port) : null;
    if (entry !== null && port + size - 1 <= entry.range.end) {
      this.#lastHit = entry;
      entry.iface.portOut(port, size, cut(value, size));
    } else {
      this.#outBytes(port, size, value);
    }
  }

  #outBytes(port: number, size: number, value: number): void {
    let unclaimed = !isWidth(size);
    for (let i = 0; i < size && isWidth(size); i++) {
      const entry = this.#decoder.find(port + i);
      if (entry === null) unclaimed = true;
      else entry.iface.portOut(port + i, 1, (value >>> (8 * i)) & 0xff);
    }
    if (unclaimed) this.counters.unclaimedWrites++;
  }

  #resolve(range: IoPortRange, iface: IoPortInterface, type: IoPortType): IoPortRange {
    if (type === IoPortType.Addr) return checkedRange(range);
    if (type !== IoPortType.Free) throw new TypeError(`"type" expected an IoPortType, got ${String(type)}`);
    checkSize(range.size);
    const block = powerOfTwoFor(range.size);
    const first = Math.ceil(this.#allocAddr / block) * block;
    for (let start = first; start + block - 1 <= LAST_PORT; start += block) {
      if (this.#isFree(start, start + block - 1)) return rangeAt(start, range.size);
    }
    throw new IoPortExhaustedError(`"range.size" ${range.size} for ${iface.desc}: no free range left`);
  }

  /** Free of every entry, mapped or not, each with the whole power of two that its BAR decodes. */
  #isFree(start: number, end: number): boolean {
    for (const { range } of this.#decoder.entries) {
      if (range.start <= end && range.start + powerOfTwoFor(range.size) - 1 >= start) return false;
    }
    return true;
  }

  #own(entry: IoPortEntry): PortEntry {
    if (entry instanceof PortEntry && this.#decoder.entries.has(entry)) return entry;
    throw new UnknownIoPortEntryError(`"entry" ${entry.iface.desc} at ${formatRange(entry.range)} is not on this list`);
  }

  /** Gives an entry that is not mapped another range; false where there are no such ports. */
  #place(entry: PortEntry, start: number): boolean {
    const range = rangeAt(start, entry.range.size);
    if (!isPort(start) || range.end > LAST_PORT) return false;
    entry.range = range;
    return true;
  }

  #tell(kind: IoPortChange["kind"], entry: PortEntry): void {
    this.#lastHit = NO_HIT;
    const { start, end } = entry.range;
    this.#listeners.tell({ kind, start, end, entry });
  }
}
