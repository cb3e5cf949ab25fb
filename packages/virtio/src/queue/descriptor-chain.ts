import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import { VIRTQ_DESC_BYTES, VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../spec.ts";
import { pushAcrossRegions, pushRange } from "./push-range.ts";
import type { RangeList } from "./range-list.ts";

/** Longest chain of an indirect table where the queue itself is shorter: as long as QEMU allows (2.7.4.1). */
const INDIRECT_LIMIT = 1024;

/**
 * Descriptors visited between two looks at the available index, for each entry of the queue: one of its own, and an
 * indirect table. This keeps the work linear where all entries name one chain that is as long as the queue.
 */
const STEPS_PER_ENTRY = 1 + INDIRECT_LIMIT;

const NO_WORDS = new Uint32Array(0);

/** What `walk` answers for a chain that is sound. */
export const CHAIN_SOUND = -1;
// Codes of CHAIN_ERRORS, as small integers: nothing is made of strings while a chain is walked.
const CHAIN_TOO_LONG = 0;
const NEXT_OUT_OF_RANGE = 1;
const WRONG_DIRECTION = 2;
const ADDRESS_OUT_OF_RANGE = 3;
const LENGTH_OVERFLOW = 4;
const INDIRECT_NOT_ALLOWED = 5;
const INDIRECT_BAD_LENGTH = 6;
const INDIRECT_OUT_OF_RANGE = 7;

/** 2^53 / 2^32: from this high half on an address is not a safe integer, and no guest has that much memory. */
const ADDRESS_HIGH_LIMIT = 0x20_0000;
const TWO_32 = 0x1_0000_0000;

/**
 * Turns descriptor chains into byte ranges (VIRTIO 1.2, 2.7.5). The descriptors are the guest's to change while they
 * are walked: each word is read once.
 */
export class ChainWalker {
  readonly #memory: GuestMemory;
  readonly #size: number;
  #table: Uint32Array = NO_WORDS;
  #tableAt = 0;
  /** Descriptors that may still be visited. */
  #stepsLeft = 0;
  /** The region that the last buffer lay in: the next one is nearly always there too. */
  #region: MemoryRegion | null = null;
  /** Where an indirect table goes that cannot be read in place. Made when first needed. */
  #tableCopy: Uint32Array | null = null;

  /** @param size entries of the queue */
  constructor(memory: GuestMemory, size: number) {
    this.#memory = memory;
    this.#size = size;
  }

  /** Says where the descriptor table is, whenever guest memory changed: its words, and the index of the first. */
  useTable(words: Uint32Array, at: number): void {
    this.#table = words;
    this.#tableAt = at;
    this.#region = null;
  }

  /** The available index has been looked at: there may be a whole ring of chains to walk. */
  allowSteps(): void {
    this.#stepsLeft = STEPS_PER_ENTRY * this.#size;
  }

  /**
   * Walks a chain. Its ranges are added as it goes, up to where something is wrong.
   * @param mayBeIndirect INDIRECT_DESC was negotiated
   * @param writable which way all its descriptors have to point
   * @param headBytes how many bytes go to `head`, the others to `body`
   * @param mayTurn device-writable descriptors may follow device-readable ones; they go to `body`
   * @returns CHAIN_SOUND, or the index in `CHAIN_ERRORS` of the first thing that is wrong
   */
  walk(
    headIndex: number,
    mayBeIndirect: boolean,
    writable: boolean,
    headBytes: number,
    head: RangeList,
    body: RangeList,
    mayTurn = false,
  ): number {
    let writes = writable;
    let table = this.#table;
    let tableAt = this.#tableAt;
    let tableSize = this.#size;
    let stepsLeft = this.#size;
    let indirect = false;
    let index = headIndex;
    let total = 0;
    let headLeft = headBytes;
    for (;;) {
      // A chain that comes back to itself runs out of steps: it cannot visit more descriptors than there are.
      if (stepsLeft-- === 0 || this.#stepsLeft-- <= 0) return CHAIN_TOO_LONG;
      const at = tableAt + index * (VIRTQ_DESC_BYTES / 4);
      const addressLow = table[at] as number;
      const addressHigh = table[at + 1] as number;
      const length = table[at + 2] as number;
      const flagsNext = table[at + 3] as number;

      if ((flagsNext & VIRTQ_DESC_F_INDIRECT) !== 0) {
        if (indirect || !mayBeIndirect || (flagsNext & VIRTQ_DESC_F_NEXT) !== 0) return INDIRECT_NOT_ALLOWED;
        if (length === 0 || length % VIRTQ_DESC_BYTES !== 0) return INDIRECT_BAD_LENGTH;
        const gpa = addressHigh * TWO_32 + addressLow;
        if (addressHigh >= ADDRESS_HIGH_LIMIT) return INDIRECT_OUT_OF_RANGE;
        const region = this.#memory.find(gpa, length);
        if (region !== null && gpa % 4 === 0) {
          table = region.u32;
          tableAt = (gpa - region.gpa) >>> 2;
        } else {
          table = this.#copyTable(gpa, length);
          if (table.length === 0) return INDIRECT_OUT_OF_RANGE;
          tableAt = 0;
        }
        indirect = true;
        tableSize = length / VIRTQ_DESC_BYTES;
        stepsLeft = Math.min(tableSize, Math.max(this.#size, INDIRECT_LIMIT));
        index = 0;
        continue;
      }

      if (((flagsNext & VIRTQ_DESC_F_WRITE) !== 0) !== writes) {
        if (!mayTurn || writes) return WRONG_DIRECTION;
        writes = true;
        headLeft = 0;
      }
      total += length;
      if (total >= TWO_32) return LENGTH_OVERFLOW;
      if (length !== 0) {
        if (addressHigh >= ADDRESS_HIGH_LIMIT) return ADDRESS_OUT_OF_RANGE;
        const gpa = addressHigh * TWO_32 + addressLow;
        let region = this.#region;
        if (region === null || gpa < region.gpa || gpa + length > region.end) {
          region = this.#memory.find(gpa, length);
          if (region === null) {
            if (!pushAcrossRegions(this.#memory, gpa, length, writes, headLeft, head, body)) {
              return ADDRESS_OUT_OF_RANGE;
            }
            headLeft = headLeft > length ? headLeft - length : 0;
          } else {
            this.#region = region;
          }
        }
        if (region !== null) {
          if (writes && !region.writable) return ADDRESS_OUT_OF_RANGE;
          headLeft = pushRange(region, gpa, length, headLeft, head, body);
        }
      }

      if ((flagsNext & VIRTQ_DESC_F_NEXT) === 0) return CHAIN_SOUND;
      index = flagsNext >>> 16;
      if (index >= tableSize) return NEXT_OUT_OF_RANGE;
    }
  }

  /**
   * An indirect table may be anywhere in memory (2.7.5.3): one that does not lie on a word, or over the border of
   * regions that adjoin, is copied first. No driver has one. Empty where it is outside memory, or longer than any
   * chain may be.
   */
  #copyTable(gpa: number, length: number): Uint32Array {
    const limit = VIRTQ_DESC_BYTES * Math.max(this.#size, INDIRECT_LIMIT);
    if (length > limit) return NO_WORDS;
    const copy = this.#tableCopy ?? new Uint32Array(limit / 4);
    this.#tableCopy = copy;
    return this.#memory.read(gpa, new Uint8Array(copy.buffer, 0, length)) ? copy : NO_WORDS;
  }
}
