import type { GuestMemory } from "@vmmkit/vm";
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../spec.ts";
import { BufferRanges } from "./buffer-ranges.ts";
import {
  ADDRESS_OUT_OF_RANGE,
  CHAIN_SOUND,
  CHAIN_TOO_LONG,
  INDIRECT_LIMIT,
  INDIRECT_NOT_ALLOWED,
  LENGTH_OVERFLOW,
  NO_WORDS,
  TWO_32,
  WRONG_DIRECTION,
} from "./chain-codes.ts";
import { IndirectTable } from "./indirect-table.ts";
import type { MemoryWindow } from "./memory-window.ts";
import type { RangeList } from "./range-list.ts";

/*
 * Constants again that are imported: the JIT has a file's own as numbers in its code, and loads and checks imported
 * ones at each use.
 */
const NEXT = VIRTQ_DESC_F_NEXT << 16;
const WRITE = VIRTQ_DESC_F_WRITE << 16;
const INDIRECT = VIRTQ_DESC_F_INDIRECT << 16;
const SOUND = CHAIN_SOUND;
const OTHER_WAY = WRONG_DIRECTION;
const OVERFLOW = LENGTH_OVERFLOW;
const OUTSIDE = ADDRESS_OUT_OF_RANGE;
const LENGTH_LIMIT = TWO_32;
/** Words of a descriptor: address low and high, length, and in the last the buffer id (low) and flags (high). */
const WORDS = 4;

/**
 * Turns the chains of a packed virtqueue into byte ranges (VIRTIO 1.2, 2.8.5 to 2.8.7). A chain lies in slots that
 * follow each other; its last descriptor has the buffer id. The descriptors are the guest's to change while they are
 * walked: each word is read once.
 */
export class PackedChainWalker {
  /** Slots of the ring that the chain walked last takes; 0 where it has no end. */
  slots = 0;
  /** Its buffer id, any 16 bits. */
  bufferId = 0;
  /** Device-writable descriptors may follow device-readable ones; they go to `body`. */
  mayTurn = false;
  readonly #buffers: BufferRanges;
  readonly #indirect: IndirectTable;
  #ring: Uint32Array = NO_WORDS;
  #ringAt = 0;
  readonly #size: number;

  /** @param size entries of the queue */
  constructor(memory: GuestMemory, size: number) {
    this.#size = size;
    this.#buffers = new BufferRanges(memory);
    this.#indirect = new IndirectTable(memory, size);
  }

  /** Where the last buffer lay. */
  get window(): MemoryWindow {
    return this.#buffers.window;
  }

  /** Says where the descriptor ring is, whenever guest memory changed: its words, and the index of the first. */
  useRing(words: Uint32Array, at: number): void {
    this.#ring = words;
    this.#ringAt = at;
    this.#buffers.forget();
  }

  /**
   * Walks a chain to its end. Its ranges are added as it goes, up to where something is wrong; from there on only the
   * end is looked for, which has the id that the chain is given back with.
   * @param slot where the chain starts
   * @param limit the most slots that it can take, at least 1
   * @param mayBeIndirect INDIRECT_DESC was negotiated
   * @param writable which way all its descriptors have to point
   * @param headBytes how many bytes go to `head`, the others to `body`
   * @returns CHAIN_SOUND, or the index in `CHAIN_ERRORS` of the first thing that is wrong
   */
  walk(
    slot: number,
    limit: number,
    mayBeIndirect: boolean,
    writable: boolean,
    headBytes: number,
    head: RangeList,
    body: RangeList,
  ): number {
    const ring = this.#ring;
    let at = this.#ringAt + WORDS * slot;
    const end = this.#ringAt + WORDS * this.#size;
    // Whole numbers of 32 bits with a sign: others would be objects wherever a word is kept beyond this loop.
    let word = (ring[at + 3] as number) | 0;
    let slots = 1;
    let code = SOUND;
    let total = 0;
    let headLeft = headBytes;
    let writes = writable;
    for (;;) {
      if (code === SOUND) {
        const length = ring[at + 2] as number;
        if ((word & INDIRECT) !== 0) {
          // A table is alone in its chain (2.8.5); WRITE beside it means nothing (2.8.7).
          if (!mayBeIndirect || slots > 1 || (word & NEXT) !== 0) code = INDIRECT_NOT_ALLOWED;
          else
            code = this.#walkTable(ring[at] as number, ring[at + 1] as number, length, writable, headLeft, head, body);
        } else if (((word & WRITE) !== 0) !== writes && (!this.mayTurn || writes)) {
          code = OTHER_WAY;
        } else {
          if (((word & WRITE) !== 0) !== writes) {
            writes = true;
            headLeft = 0;
          }
          total += length;
          if (total >= LENGTH_LIMIT) code = OVERFLOW;
          else if (length !== 0) {
            headLeft = this.#buffers.add(
              ring[at] as number,
              ring[at + 1] as number,
              length,
              writes,
              headLeft,
              head,
              body,
            );
            if (headLeft < 0) code = OUTSIDE;
          }
        }
      }
      if ((word & NEXT) === 0) break;
      if (slots === limit) {
        this.slots = 0;
        return CHAIN_TOO_LONG;
      }
      slots++;
      at += WORDS;
      if (at === end) at = this.#ringAt;
      word = (ring[at + 3] as number) | 0;
    }
    this.slots = slots;
    this.bufferId = word & 0xffff;
    return code;
  }

  /** All of a table is the chain (2.8.7): its descriptors have no flags but WRITE. */
  #walkTable(
    addressLow: number,
    addressHigh: number,
    length: number,
    writable: boolean,
    headBytes: number,
    head: RangeList,
    body: RangeList,
  ): number {
    const found = this.#indirect.find(addressLow, addressHigh, length);
    if (found !== SOUND) return found;
    const entries = this.#indirect.entries;
    // The device may limit chains (2.8.18): so the work for a ring is linear in it, whatever its tables share.
    if (entries > INDIRECT_LIMIT) return CHAIN_TOO_LONG;
    const table = this.#indirect.words;
    let at = this.#indirect.at;
    let total = 0;
    let headLeft = headBytes;
    let writes = writable;
    for (let left = entries; left > 0; left--, at += WORDS) {
      if ((((table[at + 3] as number) & WRITE) !== 0) !== writes) {
        if (!this.mayTurn || writes) return OTHER_WAY;
        writes = true;
        headLeft = 0;
      }
      const bytes = table[at + 2] as number;
      if (bytes === 0) continue;
      total += bytes;
      if (total >= LENGTH_LIMIT) return OVERFLOW;
      headLeft = this.#buffers.add(table[at] as number, table[at + 1] as number, bytes, writes, headLeft, head, body);
      if (headLeft < 0) return OUTSIDE;
    }
    return SOUND;
  }
}
