import { stateIntegers } from "@vmmkit/vm";

/** Bytes of an entry: le64 message address, le32 message data, le32 vector control. */
const ENTRY_BYTES = 16;
const ENTRY_WORDS = 4;
/** Vector control: the vector is masked. All other bits are reserved and read 0. */
const MASKED = 1;
/** The pending bits start on a half page at least, so that they and the table never share one. */
const LEAST_PENDING_OFFSET = 0x800;
const ONES = 0xffff_ffff;

/**
 * The table of an MSI-X function and its pending bits, as they lie behind a BAR (PCI Local Bus Specification 3.0,
 * 6.8.2). A vector that is masked, or whose function is, leaves a pending bit, and is sent once when it is let through.
 */
export class MsixTable {
  /** Where the pending bits start. */
  readonly pendingOffset: number;
  /** Bytes of table and pending bits, as a power of two, a page at least. */
  readonly sizeBits: number;
  readonly #vectors: number;
  readonly #send: (addressLow: number, addressHigh: number, data: number) => void;
  readonly #words: Uint32Array;
  readonly #pending: Uint32Array;
  /** Whether the function is on and not masked as a whole. */
  #sending = false;

  /** @param send takes a message that is let through */
  constructor(vectors: number, send: (addressLow: number, addressHigh: number, data: number) => void) {
    this.#vectors = vectors;
    this.#send = send;
    this.#words = new Uint32Array(vectors * ENTRY_WORDS);
    // One bit each, in whole words of 64 bits.
    this.#pending = new Uint32Array(Math.ceil(vectors / 64) * 2);
    this.pendingOffset = Math.max(LEAST_PENDING_OFFSET, vectors * ENTRY_BYTES);
    this.sizeBits = Math.max(12, Math.ceil(Math.log2(this.pendingOffset + 4 * this.#pending.length)));
    this.reset();
  }

  /** Every vector masked, nothing pending. */
  reset(): void {
    this.#words.fill(0);
    for (let vector = 0; vector < this.#vectors; vector++) this.#words[vector * ENTRY_WORDS + 3] = MASKED;
    this.#pending.fill(0);
  }

  /** The table's words, and those of the pending bits. */
  save(): { readonly table: readonly number[]; readonly pending: readonly number[] } {
    return { table: [...this.#words], pending: [...this.#pending] };
  }

  /**
   * Checks a table from outside.
   * @returns what puts it in place. Nothing is sent before `setSending`
   * @throws TypeError, RangeError naming the field
   */
  prepare(state: { readonly table?: unknown; readonly pending?: unknown }): () => void {
    const [words, bits] = [this.#words.length, this.#pending.length];
    const table = stateIntegers("msix.table", state.table, words, words, ONES);
    const pending = stateIntegers("msix.pending", state.pending, bits, bits, ONES);
    return () => {
      this.#sending = false;
      this.#pending.fill(0);
      for (const [index, word] of table.entries()) this.#writeWord(index, word, ONES);
      this.#pending.set(pending);
      for (let vector = this.#vectors; vector < 32 * bits; vector++) this.#setPending(vector, false);
    };
  }

  /** The guest turned the function on or off, or masked all of it. */
  setSending(sending: boolean): void {
    this.#sending = sending;
    if (sending) for (let vector = 0; vector < this.#vectors; vector++) this.#sendPending(vector);
  }

  /** Sends a message now or, where it is masked, later. Nothing for a vector that there is not. */
  signal(vector: number): void {
    if (!(vector >= 0 && vector < this.#vectors)) return;
    const at = vector * ENTRY_WORDS;
    const words = this.#words;
    if (this.#sending && ((words[at + 3] as number) & MASKED) === 0) {
      this.#send(words[at] as number, words[at + 1] as number, words[at + 2] as number);
    } else {
      this.#setPending(vector, true);
    }
  }

  /** The guest reads. What belongs to neither table nor pending bits is 0. */
  read(offset: number, size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.#byte(offset + i) << (8 * i);
    return value >>> 0;
  }

  /** The guest writes, of an entry's fields as many bytes as it likes. The pending bits are read-only. */
  write(offset: number, size: number, value: number): void {
    for (let done = 0; done < size; ) {
      const at = offset + done;
      const skipped = at & 3;
      const count = Math.min(4 - skipped, size - done);
      const mask = (2 ** (8 * count) - 1) * 2 ** (8 * skipped);
      this.#writeWord(at >> 2, ((value >>> (8 * done)) << (8 * skipped)) >>> 0, mask >>> 0);
      done += count;
    }
  }

  #writeWord(index: number, value: number, mask: number): void {
    const before = this.#words[index];
    if (before === undefined) return;
    let after = ((before & ~mask) | (value & mask)) >>> 0;
    const field = index % ENTRY_WORDS;
    // The lowest two bits of an address have to be 0, as messages are aligned.
    if (field === 0) after = (after & ~3) >>> 0;
    if (field === 3) after &= MASKED;
    this.#words[index] = after;
    if (field === 3) this.#sendPending((index - 3) / ENTRY_WORDS);
  }

  #sendPending(vector: number): void {
    if (!this.#sending || (((this.#pending[vector >> 5] as number) >>> (vector & 31)) & 1) === 0) return;
    if (((this.#words[vector * ENTRY_WORDS + 3] as number) & MASKED) !== 0) return;
    this.#setPending(vector, false);
    this.signal(vector);
  }

  #setPending(vector: number, pending: boolean): void {
    const bits = this.#pending[vector >> 5] as number;
    const bit = 1 << (vector & 31);
    this.#pending[vector >> 5] = pending ? bits | bit : bits & ~bit;
  }

  #byte(offset: number): number {
    const inTable = offset < this.#words.length * 4;
    const word = inTable ? this.#words[offset >> 2] : this.#pending[(offset - this.pendingOffset) >> 2];
    return ((word ?? 0) >>> (8 * (offset & 3))) & 0xff;
  }
}
