import { VIRTQ_DESC_BYTES } from "../spec.ts";
import { DescriptorCopies } from "./descriptor-copies.ts";

const DESC_WORDS = VIRTQ_DESC_BYTES / 4;

/**
 * The chains of a packed queue that are out: taken, and not yet used.
 *
 * Used descriptors go into the ring in the order of use, over available ones: over each chain's own as long as chains
 * are used in the order in which they were taken. The first time that one is not, the descriptors of all that are out
 * are copied, and those of chains taken after it too, until none is out.
 */
export class PackedChainsOut {
  /** Slots of all of them. There are never more than the ring has. */
  slots = 0;
  /** By buffer id: the chain's first slot, and above 16 bits how many it has; 0 where none is out. For loops to look at. */
  readonly chains: Uint32Array;
  /** By first slot: the chain's buffer id. */
  readonly ids: Uint16Array;
  readonly #size: number;
  /** Made when first needed. */
  #copies: DescriptorCopies | null = null;
  #scattered = false;

  /** @param size entries of the queue */
  constructor(size: number) {
    this.#size = size;
    this.chains = new Uint32Array(size);
    this.ids = new Uint16Array(size);
  }

  /** Whether all of them were used in the order in which they were taken up to now: there are no copies. */
  get inRow(): boolean {
    return !this.#scattered;
  }

  /** Whether a chain with this buffer id is out; any number will do. */
  has(id: number): boolean {
    return (this.chains[id] as number) > 0;
  }

  /** Slots of a chain that is out. */
  slotsOf(id: number): number {
    return (this.chains[id] as number) >>> 16;
  }

  /** The slot that a chain started in. Its descriptors are there while there is no copy of them. */
  slotOf(id: number): number {
    return (this.chains[id] as number) & 0xffff;
  }

  /** The descriptors of a chain that is out, one behind the other, or null where they are still in the ring. */
  copyOf(id: number): Uint32Array | null {
    return this.#scattered && this.#copies !== null ? this.#copies.read(id) : null;
  }

  /**
   * A chain was taken.
   * @param ring words of the ring's region
   * @param ringAt index of the ring's first
   */
  take(id: number, slot: number, slots: number, ring: Uint32Array, ringAt: number): void {
    this.chains[id] = (slots << 16) | slot;
    this.ids[slot] = id;
    this.slots += slots;
    if (this.#scattered) this.#copy(id, slot, slots, ring, ringAt);
  }

  /**
   * `take` for many chains, one behind the other.
   * @param chains as `PlainChains.words` has them
   * @param index number of the first
   * @param slot where that starts
   * @returns slots of all of them
   */
  takeRun(chains: Int32Array, index: number, count: number, slot: number, ring: Uint32Array, ringAt: number): number {
    const out = this.chains;
    const ids = this.ids;
    const size = this.#size | 0;
    const scattered = this.#scattered;
    let at = slot | 0;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const word = chains[((index + i) << 2) | 0] as number;
      const id = word & 0xffff;
      const slots = word >>> 16;
      out[id] = (slots << 16) | at;
      ids[at] = id;
      if (scattered) this.#copy(id, at, slots, ring, ringAt);
      total += slots;
      at += slots;
      if (at >= size) at -= size;
    }
    this.slots += total;
    return total;
  }

  /**
   * A chain is used: its used descriptor is about to go into slot `usedSlot`.
   * @returns how many slots it had
   */
  release(id: number, usedSlot: number, ring: Uint32Array, ringAt: number): number {
    const slots = (this.chains[id] as number) >>> 16;
    if (this.#scattered) this.#copies?.drop(id);
    else if (this.ids[usedSlot] !== id) this.#scatter(id, usedSlot, ring, ringAt);
    this.chains[id] = 0;
    this.slots -= slots;
    if (this.slots === 0) this.#scattered = false;
    return slots;
  }

  /** Makes copies of all, and answers their ids in the order in which they were taken. */
  copyAll(usedSlot: number, ring: Uint32Array, ringAt: number): readonly number[] {
    if (this.slots === 0) return [];
    if (!this.#scattered) this.#scatter(-1, usedSlot, ring, ringAt);
    return this.#copies?.ids() ?? [];
  }

  /** A chain is out of which there is nothing but its descriptors. */
  restore(id: number, descriptors: Uint32Array): void {
    const slots = descriptors.length / DESC_WORDS;
    this.#scattered = true;
    this.chains[id] = slots << 16;
    this.slots += slots;
    this.#copy(id, 0, slots, descriptors, 0);
  }

  /** None is out. */
  clear(): void {
    this.chains.fill(0);
    this.#copies?.clear();
    this.#scattered = false;
    this.slots = 0;
  }

  /** Up to now all chains that are out lie one behind the other, from `usedSlot` on. */
  #scatter(usedId: number, usedSlot: number, ring: Uint32Array, ringAt: number): void {
    this.#scattered = true;
    let slot = usedSlot;
    for (let left = this.slots; left > 0; ) {
      const id = this.ids[slot] as number;
      const slots = this.slotsOf(id);
      if (id !== usedId) this.#copy(id, slot, slots, ring, ringAt);
      left -= slots;
      slot = (slot + slots) % this.#size;
    }
  }

  #copy(id: number, slot: number, slots: number, words: Uint32Array, base: number): void {
    this.#copies ??= new DescriptorCopies(this.#size);
    this.#copies.keep(id, words, base, this.#size, slot, slots);
  }
}
