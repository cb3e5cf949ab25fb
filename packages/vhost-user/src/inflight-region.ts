import { readCounter, writeCounter } from "./take-counter.ts";

const HEADER_BYTES = 16;
const ENTRY_BYTES = 16;
/** Each region starts on a line of the cache. */
const ALIGNMENT = 64;
const VERSION = 1;

// Where a field is, in half-words of the region or of an entry (`QueueRegionSplit`, `DescStateSplit`).
const VERSION_AT = 4;
const DESC_NUM_AT = 5;
const LAST_BATCH_HEAD_AT = 6;
const USED_IDX_AT = 7;
const ENTRIES_AT = HEADER_BYTES / 2;
const ENTRY_HALF_WORDS = ENTRY_BYTES / 2;
const NEXT_AT = 3;
// In words of an entry.
const COUNTER_AT = 2;

/** Bytes of a region for a queue of `size` entries. */
export function regionBytes(size: number): number {
  return Math.ceil((HEADER_BYTES + ENTRY_BYTES * size) / ALIGNMENT) * ALIGNMENT;
}

/**
 * The record of a split virtqueue: which chains the device has, and in which order it took them, so that another back-end
 * goes on where one that was killed was. Others may have written into it, so it is read with care.
 */
export class InflightRegion {
  readonly #size: number;
  readonly #bytes: Uint8Array;
  readonly #halfWords: Uint16Array;
  readonly #words: Uint32Array;
  /** How many chains were taken, modulo 2^53: the next one's `counter`. */
  #counter = 0;
  /** Chains on the list of what is being given back. */
  #batch: number[] = [];

  constructor(buffer: ArrayBuffer, at: number, size: number) {
    this.#size = size;
    this.#bytes = new Uint8Array(buffer, at, regionBytes(size));
    this.#halfWords = new Uint16Array(buffer, at, regionBytes(size) / 2);
    this.#words = new Uint32Array(buffer, at, regionBytes(size) / 4);
  }

  /**
   * What an earlier back-end had, in the order in which it took them. Nothing where there was none.
   * @param usedIdx of the used ring, as the driver sees it
   */
  recover(usedIdx: number): number[] {
    const half = this.#halfWords;
    if (half[VERSION_AT] !== VERSION || half[DESC_NUM_AT] !== this.#size) return [];
    this.#counter = 0;
    this.#batch = [];
    this.#finishBatch(usedIdx);
    const heads: number[] = [];
    for (let head = 0; head < this.#size; head++) if (this.#bytes[this.#entry(head)] !== 0) heads.push(head);
    const counters = new Map(heads.map((head) => [head, this.#counterOf(head)]));
    heads.sort((a, b) => (counters.get(a) ?? 0) - (counters.get(b) ?? 0));
    for (const counter of counters.values()) this.#counter = Math.max(this.#counter, counter + 1);
    return heads;
  }

  /** No chain is out. @param usedIdx of the used ring, as the driver sees it */
  begin(usedIdx: number): void {
    this.#counter = 0;
    this.#batch = [];
    this.#bytes.fill(0);
    this.#halfWords[DESC_NUM_AT] = this.#size;
    this.#halfWords[USED_IDX_AT] = usedIdx;
    Atomics.store(this.#halfWords, VERSION_AT, VERSION);
  }

  /** A chain was taken. */
  take(head: number): void {
    const at = this.#entry(head);
    writeCounter(this.#words, at / 4 + COUNTER_AT, this.#counter++);
    // A full fence: who sees that it is in flight sees its number.
    Atomics.store(this.#bytes, at, 1);
  }

  /** A chain is about to be given back: it goes on the list of those. */
  give(head: number): void {
    const half = this.#halfWords;
    half[ENTRIES_AT + ENTRY_HALF_WORDS * head + NEXT_AT] = half[LAST_BATCH_HEAD_AT] as number;
    Atomics.store(half, LAST_BATCH_HEAD_AT, head);
    this.#batch.push(head);
  }

  /** Those on the list are in the used ring now, for the driver to see. */
  given(): void {
    const count = this.#batch.length;
    if (count === 0) return;
    for (const head of this.#batch) Atomics.store(this.#bytes, this.#entry(head), 0);
    this.#batch = [];
    Atomics.add(this.#halfWords, USED_IDX_AT, count);
  }

  /** An earlier back-end ended between the used ring and its record of it: what it had listed was given back. */
  #finishBatch(usedIdx: number): void {
    const half = this.#halfWords;
    const given = (usedIdx - (half[USED_IDX_AT] as number)) & 0xffff;
    let head = half[LAST_BATCH_HEAD_AT] as number;
    for (let i = 0; i < Math.min(given, this.#size) && head < this.#size; i++) {
      this.#bytes[this.#entry(head)] = 0;
      head = half[ENTRIES_AT + ENTRY_HALF_WORDS * head + NEXT_AT] as number;
    }
    half[USED_IDX_AT] = usedIdx;
  }

  #entry(head: number): number {
    return HEADER_BYTES + ENTRY_BYTES * head;
  }

  #counterOf(head: number): number {
    return readCounter(this.#words, this.#entry(head) / 4 + COUNTER_AT);
  }
}
