import { addressOf } from "./addresses.ts";

/** `UIO_MAXIOV`: the kernel takes no more ranges in one call. */
export const IOV_MAX = 1024;

/** Of a `struct iovec`. */
const ENTRY_BYTES = 16;

/** A frame as its ranges in memory: what `Frame` of `@vmmkit/ethif` has. Parallel arrays, so nothing is allocated. */
export interface RangeList {
  /** How many ranges count. */
  readonly rangeCount: number;
  /** Per range: the memory that it lies in. */
  readonly bytes: readonly Uint8Array[];
  /** Per range: where it starts in `bytes`. */
  readonly offset: ArrayLike<number>;
  /** Per range: its length in bytes. */
  readonly length: ArrayLike<number>;
  /** Per range: the address of its first byte, 0 where it is not known. */
  readonly hostAddress: ArrayLike<number>;
}

/**
 * The list of ranges for `readv`, `writev` and messages (C: `struct iovec[]`), filled by hand: koffi's own
 * structures cost three times as much. It is made once and used again and again.
 *
 * It holds the views that were pushed last, so that their addresses stay good; `clear` and the next `push` let go.
 */
export class IoVector {
  /** Address of the first `struct iovec`. */
  readonly address: number;
  /** How many ranges fit. */
  readonly capacity: number;
  /** How many ranges there are. */
  count = 0;
  /** Sum of their lengths in bytes. */
  totalBytes = 0;
  /** `iov_base` low and high half, `iov_len` low and high half. */
  readonly #words: Uint32Array;
  /** The view that was looked up last: nearly every range of guest memory lies in the same one. */
  #lastView: Uint8Array | null = null;
  #lastAddress = 0;

  /** @param capacity how many ranges fit, 1 to 1024 */
  constructor(capacity: number = IOV_MAX) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > IOV_MAX) {
      throw new RangeError(`"capacity" expected an integer from 1 to ${IOV_MAX}, got ${capacity}`);
    }
    this.capacity = capacity;
    this.#words = new Uint32Array(new ArrayBuffer(capacity * ENTRY_BYTES));
    this.address = addressOf(this.#words);
  }

  /** Address of the first range. */
  get firstAddress(): number {
    return this.rangeAddress(0);
  }

  /** Address of the `struct iovec` of a range that was added: a list from there on. */
  entryAddress(index: number): number {
    return this.address + ENTRY_BYTES * index;
  }

  /** Address of a range that was added. */
  rangeAddress(index: number): number {
    return (this.#words[4 * index] ?? 0) + (this.#words[4 * index + 1] ?? 0) * 0x1_0000_0000;
  }

  /** Forgets the ranges, but not the view that was used last. */
  clear(): void {
    this.count = 0;
    this.totalBytes = 0;
  }

  /** Forgets the ranges and lets go of all memory. */
  release(): void {
    this.clear();
    this.#lastView = null;
  }

  /**
   * Adds bytes of a view.
   * @returns false, and nothing is added, where the list is full or the bytes are not all in the view: it may have
   * been detached
   */
  push(view: Uint8Array, offset: number, lengthBytes: number): boolean {
    if (!(offset >= 0 && lengthBytes > 0 && offset + lengthBytes <= view.length)) return false;
    if (view !== this.#lastView) {
      this.#lastAddress = addressOf(view);
      this.#lastView = view;
    }
    return this.pushAddress(this.#lastAddress + offset, lengthBytes);
  }

  /**
   * Adds bytes at an address. The caller answers for it: there are that many bytes until the system call is over.
   * @returns false where the list is full
   */
  pushAddress(address: number, lengthBytes: number): boolean {
    if (this.count === this.capacity) return false;
    const words = this.#words;
    const at = this.count * 4;
    words[at] = address;
    words[at + 1] = address / 0x1_0000_0000;
    words[at + 2] = lengthBytes;
    this.count++;
    this.totalBytes += lengthBytes;
    return true;
  }

  /**
   * Adds all ranges of a frame, where they lie.
   * @returns false where they do not fit in or one lies outside of its memory; the list is of no use then
   */
  pushRanges(frame: RangeList): boolean {
    const { rangeCount, bytes, offset, length, hostAddress } = frame;
    for (let i = 0; i < rangeCount; i++) {
      const view = bytes[i];
      const start = offset[i];
      const count = length[i];
      const address = hostAddress[i];
      if (view === undefined || start === undefined || count === undefined) return false;
      if (address === undefined || address === 0) {
        if (!this.push(view, start, count)) return false;
      } else if (start + count > view.length || !this.pushAddress(address, count)) return false;
    }
    return true;
  }
}
