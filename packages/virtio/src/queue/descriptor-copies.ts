import { VIRTQ_DESC_BYTES } from "../spec.ts";

const DESC_WORDS = VIRTQ_DESC_BYTES / 4;

/**
 * Descriptors of chains that are out, by buffer id. A packed virtqueue writes used descriptors over available ones in
 * the order of use, so a chain that waits longer than its successors loses its descriptors in the ring.
 */
export class DescriptorCopies {
  /** Cells of one descriptor each. */
  readonly #words: Uint32Array;
  /** Per cell: the one behind it, in its chain or on the free list. */
  readonly #next: Uint16Array;
  #free = 0;
  /** By buffer id: the first cell of its chain, its last one, and how many there are; 0 where there is no copy. */
  readonly #first: Uint16Array;
  readonly #last: Uint16Array;
  readonly #count: Uint16Array;
  /** By buffer id: when it was copied. */
  readonly #age: Float64Array;
  #copied = 0;
  readonly #chain: Uint32Array;

  /** @param size entries of the queue: there are never more descriptors out */
  constructor(size: number) {
    this.#words = new Uint32Array(DESC_WORDS * size);
    this.#chain = new Uint32Array(DESC_WORDS * size);
    this.#next = Uint16Array.from({ length: size }, (_, i) => i + 1);
    this.#first = new Uint16Array(size);
    this.#last = new Uint16Array(size);
    this.#count = new Uint16Array(size);
    this.#age = new Float64Array(size);
  }

  /**
   * Copies a chain. There is no copy of it yet, and room: all chains together have no more descriptors than the queue.
   * @param words where its descriptors are
   * @param base index of the first word of the ring
   * @param size entries of the ring
   * @param slot where the chain starts in it
   * @param count descriptors, at least 1
   */
  keep(id: number, words: Uint32Array, base: number, size: number, slot: number, count: number): void {
    this.#first[id] = this.#free;
    this.#count[id] = count;
    this.#age[id] = this.#copied++;
    for (let i = 0; i < count; i++) {
      const from = base + DESC_WORDS * ((slot + i) % size);
      const to = DESC_WORDS * this.#free;
      for (let k = 0; k < DESC_WORDS; k++) this.#words[to + k] = words[from + k] as number;
      this.#last[id] = this.#free;
      this.#free = this.#next[this.#free] as number;
    }
  }

  /** A copied chain's descriptors, one behind the other, until the next call. */
  read(id: number): Uint32Array {
    const count = this.#count[id] as number;
    let cell = this.#first[id] as number;
    for (let i = 0; i < count; i++, cell = this.#next[cell] as number) {
      for (let k = 0; k < DESC_WORDS; k++) {
        this.#chain[DESC_WORDS * i + k] = this.#words[DESC_WORDS * cell + k] as number;
      }
    }
    return this.#chain.subarray(0, DESC_WORDS * count);
  }

  /** Forgets a chain's copy. */
  drop(id: number): void {
    if (this.#count[id] === 0) return;
    this.#next[this.#last[id] as number] = this.#free;
    this.#free = this.#first[id] as number;
    this.#count[id] = 0;
  }

  /** Buffer ids of all copied chains, in the order in which they were copied. */
  ids(): number[] {
    const all: number[] = [];
    for (let id = 0; id < this.#count.length; id++) if (this.#count[id] !== 0) all.push(id);
    return all.sort((a, b) => (this.#age[a] as number) - (this.#age[b] as number));
  }

  /** Forgets all copies. */
  clear(): void {
    for (const id of this.ids()) this.drop(id);
  }
}
