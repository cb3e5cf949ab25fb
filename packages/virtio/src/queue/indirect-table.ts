import type { GuestMemory } from "@vmmkit/vm";
import { VIRTQ_DESC_BYTES } from "../spec.ts";
import {
  ADDRESS_HIGH_LIMIT,
  CHAIN_SOUND,
  INDIRECT_BAD_LENGTH,
  INDIRECT_LIMIT,
  INDIRECT_OUT_OF_RANGE,
  NO_WORDS,
  TWO_32,
} from "./chain-codes.ts";

/** Finds indirect tables (2.7.5.3, 2.8.7). One object, which tells of the table that was found last. */
export class IndirectTable {
  /** The words that the table is in. */
  words: Uint32Array = NO_WORDS;
  /** Index of its first word in them. */
  at = 0;
  /** How many descriptors it has. */
  entries = 0;
  readonly #memory: GuestMemory;
  /** No chain of a table is longer than this. */
  readonly #limit: number;
  /** Where a table goes that cannot be read in place. Made when first needed. */
  #copy: Uint32Array | null = null;

  /** @param size entries of the queue */
  constructor(memory: GuestMemory, size: number) {
    this.#memory = memory;
    this.#limit = Math.max(size, INDIRECT_LIMIT);
  }

  /** @returns CHAIN_SOUND, or what is wrong with the table */
  find(addressLow: number, addressHigh: number, length: number): number {
    if (length === 0 || length % VIRTQ_DESC_BYTES !== 0) return INDIRECT_BAD_LENGTH;
    if (addressHigh >= ADDRESS_HIGH_LIMIT) return INDIRECT_OUT_OF_RANGE;
    const gpa = addressHigh * TWO_32 + addressLow;
    const region = this.#memory.find(gpa, length);
    if (region !== null && gpa % 4 === 0) {
      this.words = region.u32;
      this.at = (gpa - region.gpa) >>> 2;
    } else if (!this.#copyFrom(gpa, length)) {
      return INDIRECT_OUT_OF_RANGE;
    }
    this.entries = length / VIRTQ_DESC_BYTES;
    return CHAIN_SOUND;
  }

  /**
   * A table may be anywhere in memory: one that does not lie on a word, or over the border of regions that adjoin, is
   * copied first. No driver has one. False where it is outside memory, or longer than any chain may be.
   */
  #copyFrom(gpa: number, length: number): boolean {
    const limitBytes = VIRTQ_DESC_BYTES * this.#limit;
    if (length > limitBytes) return false;
    const copy = this.#copy ?? new Uint32Array(limitBytes / 4);
    this.#copy = copy;
    this.words = copy;
    this.at = 0;
    return this.#memory.read(gpa, new Uint8Array(copy.buffer, 0, length));
  }
}
