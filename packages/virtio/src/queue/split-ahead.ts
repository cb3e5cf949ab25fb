import type { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../spec.ts";
import { NO_WORDS } from "./chain-codes.ts";
import { type MemoryWindow, placeIn } from "./memory-window.ts";
import { MOST_AHEAD, type PlainChains } from "./plain-chains.ts";

const MOST = MOST_AHEAD;

/**
 * Looks at many chains of a split virtqueue in one loop (VIRTIO 1.2, 2.7.5). The descriptors are the guest's to change
 * meanwhile: each word is read once.
 */
export class SplitLookAhead {
  readonly #size: number;
  readonly #window: MemoryWindow;
  #table: Uint32Array = NO_WORDS;
  #tableAt = 0;

  /**
   * @param size entries of the queue
   * @param window where the last buffer lay
   */
  constructor(size: number, window: MemoryWindow) {
    this.#size = size;
    this.#window = window;
  }

  /** Says where the descriptor table is: its words, and the index of the first. */
  useTable(words: Uint32Array, at: number): void {
    this.#table = words;
    this.#tableAt = at;
  }

  /**
   * Looks at chains of the usual kind: a head and then a body, in one descriptor or in one each, or in a table of such,
   * all in the memory where the last buffer was. A head that the device reads has to start with two bytes of 0. Finds no
   * fault: it ends before the first chain of another kind, and leaves that to `walk`.
   *
   * This costs no steps: no chain is looked at twice unless guest memory or the queue changed.
   * @param avail half words that the available ring lies in
   * @param ringAt index of its first entry
   * @param from how many entries into the ring, modulo its size
   * @param limit how many chains at most
   * @param ahead gets the chains
   * @param used words that the used ring lies in. Device-readable chains go back with length 0, so they are written
   * there at once, each at the index at which it is available: the guest looks at none before the ring's `idx` says so,
   * and where no chain is out they are where they have to be
   * @param usedAt index of the used ring's first element
   */
  look(
    avail: Uint16Array,
    ringAt: number,
    from: number,
    limit: number,
    mayBeIndirect: boolean,
    writable: boolean,
    headBytes: number,
    ahead: PlainChains,
    used: Uint32Array,
    usedAt: number,
  ): void {
    const window = this.#window;
    const { bytes, words } = window;
    const { words: found } = ahead;
    const ringTable = this.#table;
    // `| 0` tells the JIT that these are small integers: it has them in registers then, and adds without checks.
    const ringTableAt = this.#tableAt | 0;
    const size = this.#size | 0;
    const offset = window.offset | 0;
    const low = window.low | 0;
    const high = window.high | 0;
    const lengthBytes = window.lengthBytes | 0;
    const head0 = headBytes | 0;
    // Numbers and not the specification's names, which only have to agree: a name is a variable in a bundle, loaded and
    // checked for each chain.
    const next: typeof VIRTQ_DESC_F_NEXT = 1;
    const write: typeof VIRTQ_DESC_F_WRITE = 2;
    const indirect: typeof VIRTQ_DESC_F_INDIRECT = 4;
    const flags = next | write | indirect;
    const way = writable ? write : 0;
    const entry = ringAt | 0;
    const start = from | 0;
    const usedRing = usedAt | 0;
    const most = writable && !window.writable ? 0 : Math.min(limit, MOST) | 0;
    let count = 0;
    for (; count < most; count++) {
      const slot = (start + count) & (size - 1);
      const index = avail[(entry + slot) | 0] as number;
      if (index >= size) break;
      let table = ringTable;
      let tableAt = ringTableAt;
      let entries = size;
      let first = (tableAt + (index << 2)) | 0;
      let flagsNext = (table[(first + 3) | 0] as number) | 0;
      if ((flagsNext & indirect) !== 0) {
        const tableBytes = (table[(first + 2) | 0] as number) | 0;
        const at = placeIn(
          low,
          high,
          lengthBytes,
          table[first] as number,
          table[(first + 1) | 0] as number,
          tableBytes,
        );
        if (!mayBeIndirect || (flagsNext & next) !== 0 || at < 0 || (at & 3) !== 0 || (tableBytes & 15) !== 0) break;
        table = words;
        tableAt = (offset + at) >>> 2;
        entries = tableBytes >>> 4;
        first = tableAt;
        flagsNext = (table[(first + 3) | 0] as number) | 0;
      }
      const length = (table[(first + 2) | 0] as number) | 0;
      const head = placeIn(low, high, lengthBytes, table[first] as number, table[(first + 1) | 0] as number, length);
      let body = (head + head0) | 0;
      let rest = (length - head0) | 0;
      if (head < 0) break;
      if ((flagsNext & flags) === (way | next)) {
        const index2 = flagsNext >>> 16;
        if (rest !== 0 || index2 >= entries) break;
        const second = (tableAt + (index2 << 2)) | 0;
        rest = (table[(second + 2) | 0] as number) | 0;
        body = placeIn(low, high, lengthBytes, table[second] as number, table[(second + 1) | 0] as number, rest);
        if (body < 0 || ((table[(second + 3) | 0] as number) & flags) !== way) break;
      } else if ((flagsNext & flags) !== way || rest <= 0) {
        break;
      }
      const to = count << 2;
      found[to] = index;
      found[(to + 1) | 0] = head;
      found[(to + 2) | 0] = body;
      found[(to + 3) | 0] = rest;
      if (way !== 0) continue;
      const at = (offset + head) | 0;
      if (((bytes[at] as number) | (bytes[(at + 1) | 0] as number)) !== 0) break;
      const element = (usedRing + (slot << 1)) | 0;
      used[element] = index;
      used[(element + 1) | 0] = 0;
    }
    ahead.fill(count, window);
  }
}
