import { readCounter, writeCounter } from "./take-counter.ts";

const HEADER_BYTES = 32;
const ENTRY_BYTES = 32;
/** Each region starts on a line of the cache. */
const ALIGNMENT = 64;
const VERSION = 1;
/** A wrap counter beside a slot, as in a base. */
const WRAP = 0x8000;
/** No entry: what stands behind the last one of a list, whatever the size. */
const NONE = 0xffff;

// Where a field is, in half-words of the region (`QueueRegionPacked`).
const VERSION_AT = 4;
const DESC_NUM_AT = 5;
const FREE_HEAD_AT = 6;
const OLD_FREE_HEAD_AT = 7;
const USED_IDX_AT = 8;
const OLD_USED_IDX_AT = 9;
/** The used index and the old one, in words. */
const INDEXES_AT = 4;
/** Those and the two wrap counters, in words of 64 bits. */
const POSITIONS_AT = 2;
// In bytes.
const USED_WRAP_AT = 20;
const OLD_USED_WRAP_AT = 21;
// Of an entry (`DescStatePacked`), in half-words of it, and in words.
const NEXT_AT = 1;
const LAST_AT = 2;
const NUM_AT = 3;
const COUNTER_AT = 2;
const DESC_AT = 4;

/** Bytes of a region for a packed queue of `size` entries. */
export function packedRegionBytes(size: number): number {
  return Math.ceil((HEADER_BYTES + ENTRY_BYTES * size) / ALIGNMENT) * ALIGNMENT;
}

/** A chain on record. */
export interface RecordedChain {
  readonly bufferId: number;
  /** Four words each, as the ring has them: address low and high, length, buffer id and flags. */
  readonly descriptors: readonly number[];
}

/** What an earlier back-end left: where the next used descriptor goes, as in a base, and the chains that it had, in order. */
export interface PackedLeft {
  readonly used: number;
  readonly chains: readonly RecordedChain[];
}

/**
 * The record of a packed virtqueue: the descriptors of the chains that the device has, as the ring may have them no longer,
 * in which order it took them, and where it writes used descriptors. Each step leaves something behind that can be told from
 * the others, so a back-end may be killed between any two. Others may have written into it, so it is read once, with care,
 * and from then on written alone.
 */
export class PackedInflightRegion {
  readonly #size: number;
  readonly #bytes: Uint8Array;
  readonly #halfWords: Uint16Array;
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  /** Our own copy of the list of free entries, and of how chains are linked. */
  readonly #next: Uint16Array;
  #free = NONE;
  #freeCount = 0;
  /** By buffer id: the first entry of its chain; NONE where there is no such chain. */
  readonly #entryOf: Uint16Array;
  /** By first entry: the last one, and how many there are. */
  readonly #last: Uint16Array;
  readonly #count: Uint16Array;
  #used = 0;
  /** How many chains were taken, modulo 2^53: the next one's `counter`. */
  #counter = 0;
  /** First entries of chains that are being given back. */
  #batch: number[] = [];

  constructor(buffer: ArrayBuffer, at: number, size: number) {
    this.#size = size;
    const bytes = packedRegionBytes(size);
    this.#bytes = new Uint8Array(buffer, at, bytes);
    this.#halfWords = new Uint16Array(buffer, at, bytes / 2);
    this.#words = new Uint32Array(buffer, at, bytes / 4);
    this.#longs = new BigUint64Array(buffer, at, bytes / 8);
    this.#next = new Uint16Array(size);
    this.#entryOf = new Uint16Array(size).fill(NONE);
    this.#last = new Uint16Array(size);
    this.#count = new Uint16Array(size);
  }

  /**
   * What an earlier back-end left, and null where there is nothing that makes sense.
   * @param isAvailable whether the descriptor in a slot is marked as the driver marks one with this wrap counter
   */
  recover(isAvailable: (slot: number, wrap: boolean) => boolean): PackedLeft | null {
    const half = this.#halfWords;
    if (half[VERSION_AT] !== VERSION || half[DESC_NUM_AT] !== this.#size) return null;
    const old = this.#position(OLD_USED_IDX_AT, OLD_USED_WRAP_AT);
    const next = this.#position(USED_IDX_AT, USED_WRAP_AT);
    if ((old & ~WRAP) >= this.#size || (next & ~WRAP) >= this.#size) return null;
    // It ended between saying that chains are given back and the end of that: what counts is whether the driver can see it.
    const isSeen = next !== old && !isAvailable(old & ~WRAP, (old & WRAP) !== 0);
    this.#used = isSeen ? next : old;
    const free = half[isSeen ? FREE_HEAD_AT : OLD_FREE_HEAD_AT] as number;
    const chains = this.#readAll(free);
    if (chains === null) return null;
    this.#settle();
    return { used: this.#used, chains };
  }

  /** None is out. @param used where the next used descriptor goes */
  begin(used: number): void {
    const half = this.#halfWords;
    Atomics.store(half, VERSION_AT, 0);
    this.#bytes.fill(0);
    this.#entryOf.fill(NONE);
    this.#batch = [];
    this.#counter = 0;
    for (let entry = 0; entry < this.#size; entry++) this.#link(entry, entry + 1 < this.#size ? entry + 1 : NONE);
    this.#free = 0;
    this.#freeCount = this.#size;
    this.#used = used;
    half[DESC_NUM_AT] = this.#size;
    this.#settle();
    Atomics.store(half, VERSION_AT, VERSION);
  }

  /**
   * A chain was taken.
   * @param descriptors its words, four for each
   * @param count of descriptors
   */
  take(bufferId: number, descriptors: Uint32Array, count: number): void {
    const head = this.#free;
    // More than there are: so many a driver can give that does as it likes.
    if (count > this.#freeCount || count === 0 || bufferId >= this.#size) return;
    let last = head;
    for (let i = 0, entry = head; i < count; i++, entry = this.#next[entry] as number) {
      const at = this.#entry(entry) / 4 + DESC_AT;
      const from = 4 * i;
      this.#words[at] = descriptors[from + 3] as number;
      this.#words[at + 1] = descriptors[from + 2] as number;
      this.#words[at + 2] = descriptors[from] as number;
      this.#words[at + 3] = descriptors[from + 1] as number;
      last = entry;
    }
    const half = this.#entry(head) / 2;
    this.#halfWords[half + LAST_AT] = last;
    this.#halfWords[half + NUM_AT] = count;
    writeCounter(this.#words, half / 2 + COUNTER_AT, this.#counter++);
    this.#bytes[2 * half] = 1;
    this.#note(bufferId, head, last, count);
    this.#freeCount -= count;
    this.#free = this.#next[last] as number;
    // The one store that counts: as long as they are on the free list, they are not in flight.
    Atomics.store(this.#halfWords, OLD_FREE_HEAD_AT, this.#free);
    this.#halfWords[FREE_HEAD_AT] = this.#free;
  }

  /** A chain is about to be given back. Nothing happens for one that was not taken. */
  give(bufferId: number): void {
    const entry = this.#entryOf[bufferId] ?? NONE;
    if (entry === NONE) return;
    this.#entryOf[bufferId] = NONE;
    this.#batch.push(entry);
  }

  /** The driver is about to see what was given back. @param used where the next used descriptor goes then */
  publishing(used: number): void {
    if (this.#batch.length === 0) return;
    for (const head of this.#batch) {
      this.#link(this.#last[head] as number, this.#free);
      this.#free = head;
      this.#freeCount += this.#count[head] as number;
    }
    this.#used = used;
    this.#halfWords[FREE_HEAD_AT] = this.#free;
    this.#bytes[USED_WRAP_AT] = used >>> 15;
    Atomics.store(this.#halfWords, USED_IDX_AT, used & ~WRAP);
  }

  /** The driver sees it. */
  published(): void {
    if (this.#batch.length === 0) return;
    for (const head of this.#batch) this.#bytes[this.#entry(head)] = 0;
    this.#batch = [];
    this.#settle();
  }

  /** The old state is the new one. */
  #settle(): void {
    const half = this.#halfWords;
    const [slot, wrap] = [this.#used & ~WRAP, this.#used >>> 15];
    half[FREE_HEAD_AT] = this.#free;
    Atomics.store(half, OLD_FREE_HEAD_AT, this.#free);
    const indexes = slot * 0x1_0001;
    // Index and wrap counter change at once: who finds one of them changed alone would take it for another position.
    if (this.#bytes[OLD_USED_WRAP_AT] === wrap && this.#bytes[USED_WRAP_AT] === wrap) {
      Atomics.store(this.#words, INDEXES_AT, indexes);
    } else {
      const wraps = (BigInt(wrap) << 8n) | BigInt(wrap);
      Atomics.store(this.#longs, POSITIONS_AT, (wraps << 32n) | BigInt(indexes));
    }
  }

  /** All chains in flight, in order. What is neither in one nor on the free list makes no sense, and neither does both. */
  #readAll(free: number): RecordedChain[] | null {
    const seen = new Uint8Array(this.#size);
    let left = this.#size;
    this.#free = free < this.#size ? free : NONE;
    this.#freeCount = 0;
    for (let entry = this.#free; entry !== NONE; entry = this.#next[entry] as number) {
      if (seen[entry] === 1) return null;
      seen[entry] = 1;
      left--;
      this.#freeCount++;
      this.#bytes[this.#entry(entry)] = 0;
      this.#readLink(entry);
    }
    this.#entryOf.fill(NONE);
    this.#batch = [];
    this.#counter = 0;
    const chains: { counter: number; chain: RecordedChain }[] = [];
    for (let head = 0; head < this.#size; head++) {
      if (seen[head] === 1 || this.#bytes[this.#entry(head)] === 0) continue;
      const chain = this.#readChain(head, seen);
      if (chain === null) return null;
      left -= chain.descriptors.length / 4;
      chains.push({ counter: this.#counterOf(head), chain });
      this.#counter = Math.max(this.#counter, this.#counterOf(head) + 1);
    }
    return left === 0 ? chains.sort((a, b) => a.counter - b.counter).map(({ chain }) => chain) : null;
  }

  #readChain(head: number, seen: Uint8Array): RecordedChain | null {
    const count = this.#halfWords[this.#entry(head) / 2 + NUM_AT] as number;
    const descriptors: number[] = [];
    let last = head;
    for (let i = 0, entry = head; i < count; i++, entry = this.#next[entry] as number) {
      if (entry >= this.#size || seen[entry] === 1) return null;
      seen[entry] = 1;
      this.#readLink(entry);
      const at = this.#entry(entry) / 4 + DESC_AT;
      const [word, length, low, high] = this.#words.subarray(at, at + 4) as unknown as [number, number, number, number];
      descriptors.push(low, high, length, word);
      last = entry;
    }
    const bufferId = (descriptors.at(-1) ?? NONE) & 0xffff;
    if (bufferId >= this.#size || this.#entryOf[bufferId] !== NONE) return null;
    this.#note(bufferId, head, last, count);
    return { bufferId, descriptors };
  }

  #note(bufferId: number, head: number, last: number, count: number): void {
    this.#entryOf[bufferId] = head;
    this.#last[head] = last;
    this.#count[head] = count;
  }

  #link(entry: number, next: number): void {
    this.#next[entry] = next;
    this.#halfWords[this.#entry(entry) / 2 + NEXT_AT] = next;
  }

  #readLink(entry: number): void {
    const next = this.#halfWords[this.#entry(entry) / 2 + NEXT_AT] as number;
    this.#next[entry] = next < this.#size ? next : NONE;
  }

  #position(indexAt: number, wrapAt: number): number {
    return (this.#halfWords[indexAt] as number) | (this.#bytes[wrapAt] === 0 ? 0 : WRAP);
  }

  /** Where an entry starts, in bytes. */
  #entry(entry: number): number {
    return HEADER_BYTES + ENTRY_BYTES * entry;
  }

  #counterOf(head: number): number {
    return readCounter(this.#words, this.#entry(head) / 4 + COUNTER_AT);
  }
}
