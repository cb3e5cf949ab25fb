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
import type { MemoryWindow } from "./memory-window.ts";
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

  /** Where the last buffer lay. */
  get window(): MemoryWindow {
    return this.#buffers.window;
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
