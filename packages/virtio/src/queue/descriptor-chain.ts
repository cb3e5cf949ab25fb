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
  NEXT_OUT_OF_RANGE,
  NO_WORDS,
  TWO_32,
  WRONG_DIRECTION,
} from "./chain-codes.ts";
import { IndirectTable } from "./indirect-table.ts";
import { placeIn } from "./memory-window.ts";
import { MOST_AHEAD, type PlainChains } from "./plain-chains.ts";
import type { RangeList } from "./range-list.ts";

/*
 * Constants again that are imported: the JIT has a file's own as numbers in its code, and loads and checks imported
 * ones at each use.
 */
const NEXT = VIRTQ_DESC_F_NEXT;
const WRITE = VIRTQ_DESC_F_WRITE;
const INDIRECT = VIRTQ_DESC_F_INDIRECT;
const SOUND = CHAIN_SOUND;
const TOO_LONG = CHAIN_TOO_LONG;
const OVERFLOW = LENGTH_OVERFLOW;
const NEXT_OUTSIDE = NEXT_OUT_OF_RANGE;
const OUTSIDE = ADDRESS_OUT_OF_RANGE;
const OTHER_WAY = WRONG_DIRECTION;
const NOT_ALLOWED = INDIRECT_NOT_ALLOWED;
const LENGTH_LIMIT = TWO_32;
const MOST = MOST_AHEAD;
/** What a descriptor's flags say that a device looks at. */
const FLAGS = VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_INDIRECT;

/**
 * Descriptors visited between two looks at the available index, for each entry of the queue: one of its own, and an
 * indirect table. This keeps the work linear where all entries name one chain that is as long as the queue.
 */
const STEPS_PER_ENTRY = 1 + INDIRECT_LIMIT;

/**
 * Turns the chains of a split virtqueue into byte ranges (VIRTIO 1.2, 2.7.5). The descriptors are the guest's to
 * change while they are walked: each word is read once.
 */
export class ChainWalker {
  readonly #size: number;
  readonly #buffers: BufferRanges;
  readonly #indirect: IndirectTable;
  #table: Uint32Array = NO_WORDS;
  #tableAt = 0;
  /** Descriptors that may still be visited. */
  #stepsLeft = 0;

  /** @param size entries of the queue */
  constructor(memory: GuestMemory, size: number) {
    this.#size = size;
    this.#buffers = new BufferRanges(memory);
    this.#indirect = new IndirectTable(memory, size);
  }

  /** Says where the descriptor table is, whenever guest memory changed: its words, and the index of the first. */
  useTable(words: Uint32Array, at: number): void {
    this.#table = words;
    this.#tableAt = at;
    this.#buffers.forget();
  }

  /** The available index has been looked at: there may be a whole ring of chains to walk. */
  allowSteps(): void {
    this.#stepsLeft = STEPS_PER_ENTRY * this.#size;
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
  ): void {
    const { window } = this.#buffers;
    const { bytes, words } = window;
    const { words: found } = ahead;
    const ringTable = this.#table;
    // `| 0` tells the JIT that these are small integers: it has them in registers then, and adds without checks. The
    // file's constants among them: it would load and check those for each chain.
    const ringTableAt = this.#tableAt | 0;
    const size = this.#size | 0;
    const offset = window.offset | 0;
    const low = window.low | 0;
    const high = window.high | 0;
    const lengthBytes = window.lengthBytes | 0;
    const head0 = headBytes | 0;
    const next = NEXT | 0;
    const indirect = INDIRECT | 0;
    const flags = FLAGS | 0;
    const way = writable ? WRITE | 0 : 0;
    const entry = ringAt | 0;
    const start = from | 0;
    const most = writable && !window.writable ? 0 : Math.min(limit, MOST) | 0;
    let count = 0;
    for (; count < most; count++) {
      const index = avail[(entry + ((start + count) & (size - 1))) | 0] as number;
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
        if (rest !== 0 || index2 >= entries || entries === 1) break;
        const second = (tableAt + (index2 << 2)) | 0;
        rest = (table[(second + 2) | 0] as number) | 0;
        body = placeIn(low, high, lengthBytes, table[second] as number, table[(second + 1) | 0] as number, rest);
        if (body < 0 || ((table[(second + 3) | 0] as number) & flags) !== way) break;
      } else if ((flagsNext & flags) !== way || rest <= 0) {
        break;
      }
      if (way === 0) {
        const at = (offset + head) | 0;
        if (((bytes[at] as number) | (bytes[(at + 1) | 0] as number)) !== 0) break;
      }
      const to = count << 2;
      found[to] = index;
      found[to + 1] = head;
      found[to + 2] = body;
      found[to + 3] = rest;
    }
    ahead.fill(count, window);
  }

  /**
   * Walks a chain. Its ranges are added as it goes, up to where something is wrong.
   * @param mayBeIndirect INDIRECT_DESC was negotiated
   * @param writable which way all its descriptors have to point
   * @param headBytes how many bytes go to `head`, the others to `body`
   * @param mayTurn device-writable descriptors may follow device-readable ones; they go to `body`
   * @returns SOUND, or the index in `CHAIN_ERRORS` of the first thing that is wrong
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
    // A chain that comes back to itself runs out of steps: it cannot visit more descriptors than there are.
    let limit = Math.min(this.#size, this.#stepsLeft);
    let steps = 0;
    let indirect = false;
    let index = headIndex;
    let total = 0;
    let headLeft = headBytes;
    let code = TOO_LONG;
    while (steps < limit) {
      steps++;
      const at = tableAt + (index << 2);
      const addressLow = table[at] as number;
      const addressHigh = table[at + 1] as number;
      const length = table[at + 2] as number;
      const flagsNext = table[at + 3] as number;

      if ((flagsNext & INDIRECT) !== 0) {
        code = NOT_ALLOWED;
        if (indirect || !mayBeIndirect || (flagsNext & NEXT) !== 0) break;
        code = this.#indirect.find(addressLow, addressHigh, length);
        if (code !== SOUND) break;
        code = TOO_LONG;
        table = this.#indirect.words;
        tableAt = this.#indirect.at;
        tableSize = this.#indirect.entries;
        indirect = true;
        this.#stepsLeft -= steps;
        limit = Math.min(tableSize, Math.max(this.#size, INDIRECT_LIMIT), this.#stepsLeft);
        steps = 0;
        index = 0;
        continue;
      }

      if (((flagsNext & WRITE) !== 0) !== writes) {
        code = OTHER_WAY;
        if (!mayTurn || writes) break;
        writes = true;
        headLeft = 0;
      }
      total += length;
      code = OVERFLOW;
      if (total >= LENGTH_LIMIT) break;
      if (length !== 0) {
        headLeft = this.#buffers.add(addressLow, addressHigh, length, writes, headLeft, head, body);
        code = OUTSIDE;
        if (headLeft < 0) break;
      }

      code = SOUND;
      if ((flagsNext & NEXT) === 0) break;
      index = flagsNext >>> 16;
      code = NEXT_OUTSIDE;
      if (index >= tableSize) break;
      code = TOO_LONG;
    }
    this.#stepsLeft -= steps;
    return code;
  }
}
