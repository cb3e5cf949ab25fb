import {
  VIRTQ_DESC_BYTES,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_USED,
  VIRTQ_DESC_F_WRITE,
} from "../spec.ts";
import { NO_WORDS } from "./chain-codes.ts";
import { type MemoryWindow, placeIn } from "./memory-window.ts";
import type { PackedChainsOut } from "./packed-chains-out.ts";
import { MOST_AHEAD, type PlainChains } from "./plain-chains.ts";

const NEXT = VIRTQ_DESC_F_NEXT << 16;
const WRITE = VIRTQ_DESC_F_WRITE << 16;
const INDIRECT = VIRTQ_DESC_F_INDIRECT << 16;
/** The bits of a descriptor's last word that say whose it is. */
const OWNER = (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED) << 16;
const DESC_BYTES = VIRTQ_DESC_BYTES;
const MOST = MOST_AHEAD;

/**
 * Looks at many chains of a packed virtqueue in one loop (VIRTIO 1.2, 2.8.5 to 2.8.7). The descriptors are the guest's to
 * change meanwhile: what a decision hangs on is read once.
 */
export class PackedLookAhead {
  readonly #size: number;
  readonly #window: MemoryWindow;
  #ring: Uint32Array = NO_WORDS;
  #ringAt = 0;
  /** By buffer id: which look met it last. A driver may have put one into several chains, and then one of them counts. */
  readonly #met: Uint32Array;
  #look = 0;

  /**
   * @param size entries of the queue
   * @param window where the last buffer lay
   */
  constructor(size: number, window: MemoryWindow) {
    this.#size = size;
    this.#met = new Uint32Array(size);
    this.#window = window;
  }

  /** Says where the descriptor ring is: its words, and the index of the first. */
  useRing(words: Uint32Array, at: number): void {
    this.#ring = words;
    this.#ringAt = at;
  }

  /**
   * The first slot of the last chain that looks available, as far as chains have one descriptor or two. Nothing orders
   * this look: what follows from it has to be looked at again.
   * @param slot where the first chain starts
   * @param owner what OWNER is where a chain is available
   * @param limit how many chains at most
   * @param slots how many slots at most
   * @returns -1 where none is available
   */
  lastAvailable(slot: number, owner: number, limit: number, slots: number): number {
    const ring = this.#ring;
    const size = this.#size | 0;
    const lastWord = (this.#ringAt + 3) | 0;
    const next = NEXT | 0;
    const mask = OWNER | 0;
    const most = limit | 0;
    let last = -1;
    let at = slot | 0;
    let wanted = owner | 0;
    let left = slots | 0;
    for (let count = 0; count < most && left > 0; count++) {
      const word = (ring[(lastWord + (at << 2)) | 0] as number) | 0;
      if ((word & mask) !== wanted) break;
      last = at;
      const taken = (word & next) === 0 ? 1 : 2;
      left -= taken;
      at += taken;
      if (at >= size) {
        at -= size;
        wanted ^= mask;
      }
    }
    return last;
  }

  /**
   * Looks at chains of the usual kind: a head and then a body, in one descriptor or in one each, or in a table of such,
   * all in the memory where the last buffer was, under a buffer id that is not out. A head that the device reads has to
   * start with two bytes of 0. Finds no fault: it ends before the first chain of another kind, and leaves that to `walk`.
   * @param slot where the first chain starts
   * @param owner what OWNER is where a chain is available
   * @param last the slot where the last chain starts
   * @param slots how many slots at most
   * @param ahead gets the chains
   */
  look(
    slot: number,
    owner: number,
    last: number,
    slots: number,
    out: PackedChainsOut,
    mayBeIndirect: boolean,
    writable: boolean,
    headBytes: number,
    ahead: PlainChains,
  ): void {
    const window = this.#window;
    const { bytes, words } = window;
    const { words: found } = ahead;
    const ring = this.#ring;
    // `| 0`, and the file's constants in locals: see `SplitLookAhead`.
    const ringAt = this.#ringAt | 0;
    const size = this.#size | 0;
    const offset = window.offset | 0;
    const low = window.low | 0;
    const high = window.high | 0;
    const lengthBytes = window.lengthBytes | 0;
    const head0 = headBytes | 0;
    const next = NEXT | 0;
    const indirect = INDIRECT | 0;
    const write = WRITE | 0;
    const mask = OWNER | 0;
    const oneEntry = DESC_BYTES | 0;
    const way = writable ? WRITE | 0 : 0;
    const outChains = out.chains;
    const met = this.#met;
    const thisLook = (this.#look + 1) >>> 0;
    this.#look = thisLook;
    let count = 0;
    let left = writable && !window.writable ? 0 : slots | 0;
    let at = slot | 0;
    let wanted = owner | 0;
    while (left > 0 && count < MOST) {
      const isLast = at === last;
      const first = (ringAt + (at << 2)) | 0;
      let word = (ring[(first + 3) | 0] as number) | 0;
      if ((word & mask) !== wanted) break;
      let taken = 1;
      let table = ring;
      let from = first;
      let second = -1;
      if ((word & indirect) !== 0) {
        const tableBytes = (ring[(first + 2) | 0] as number) | 0;
        const place = placeIn(
          low,
          high,
          lengthBytes,
          ring[first] as number,
          ring[(first + 1) | 0] as number,
          tableBytes,
        );
        if (!mayBeIndirect || (word & next) !== 0 || place < 0 || (place & 3) !== 0) break;
        if (tableBytes !== oneEntry && tableBytes !== oneEntry << 1) break;
        table = words;
        from = (offset + place) >>> 2;
        if (tableBytes !== oneEntry) second = (from + 4) | 0;
        // No flag but WRITE means anything in a table.
        if (((table[(from + 3) | 0] as number) & write) !== way) break;
      } else {
        if ((word & write) !== way) break;
        if ((word & next) !== 0) {
          taken = 2;
          second = at + 1 === size ? ringAt : (first + 4) | 0;
        }
      }
      const length = (table[(from + 2) | 0] as number) | 0;
      const head = placeIn(low, high, lengthBytes, table[from] as number, table[(from + 1) | 0] as number, length);
      let body = (head + head0) | 0;
      let rest = (length - head0) | 0;
      if (head < 0 || taken > left) break;
      if (second >= 0) {
        if (rest !== 0) break;
        rest = (table[(second + 2) | 0] as number) | 0;
        body = placeIn(low, high, lengthBytes, table[second] as number, table[(second + 1) | 0] as number, rest);
        const secondWord = (table[(second + 3) | 0] as number) | 0;
        if (body < 0 || (secondWord & write) !== way) break;
        if (taken === 2) {
          if ((secondWord & (next | indirect)) !== 0) break;
          word = secondWord;
        }
      } else if (rest <= 0) {
        break;
      }
      const bufferId = word & 0xffff;
      if (bufferId >= size || outChains[bufferId] !== 0 || met[bufferId] === thisLook) break;
      met[bufferId] = thisLook;
      if (way === 0) {
        const place = (offset + head) | 0;
        if (((bytes[place] as number) | (bytes[(place + 1) | 0] as number)) !== 0) break;
      }
      const to = count << 2;
      found[to] = bufferId | (taken << 16);
      found[to + 1] = head;
      found[to + 2] = body;
      found[to + 3] = rest;
      count++;
      if (isLast) break;
      left -= taken;
      at += taken;
      if (at >= size) {
        at -= size;
        wanted ^= mask;
      }
    }
    ahead.fill(count, window);
  }
}
