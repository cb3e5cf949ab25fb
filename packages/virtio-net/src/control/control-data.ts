import { type Frame, readFrame } from "@vmmkit/ethif";

/** Bytes of class and command, before the data. */
export const CONTROL_HEADER_BYTES = 2;

/**
 * The command-specific data of a control command where it lies in guest memory, over however many descriptors. The
 * guest may change it at any time: whoever reads a value reads it once.
 */
export class ControlData {
  readonly #chain: Frame;
  readonly #word = new Uint8Array(4);

  /** @param chain the readable part of a control chain, filled anew for each command */
  constructor(chain: Frame) {
    this.#chain = chain;
  }

  /** Bytes of data. */
  get length(): number {
    return Math.max(0, this.#chain.totalBytes - CONTROL_HEADER_BYTES);
  }

  /** The byte at `at`; 0 beyond the end, as with all of these. */
  u8(at: number): number {
    return this.#read(at, 1);
  }

  /** The le16 at `at`. */
  u16(at: number): number {
    return this.#read(at, 2);
  }

  /** The le32 at `at`, without sign. */
  u32(at: number): number {
    return this.#read(at, 4);
  }

  /** Copies data from `at` on. @returns bytes copied: less than `target.length` where the data ends first */
  copy(at: number, target: Uint8Array): number {
    return readFrame(this.#chain, target, CONTROL_HEADER_BYTES + at);
  }

  #read(at: number, bytes: number): number {
    const word = this.#word;
    word.fill(0);
    readFrame(this.#chain, word.subarray(0, bytes), CONTROL_HEADER_BYTES + at);
    return le32(word, 0);
  }
}

/** A le32 in bytes, without sign. */
function le32(bytes: Uint8Array, at: number): number {
  return (le16(bytes, at) | (le16(bytes, at + 2) << 16)) >>> 0;
}

/** A le16 in bytes. */
export function le16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
