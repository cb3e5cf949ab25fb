import { ComplianceError } from "./compliance-error.ts";

/** Bytes between two ranges, so that a step over the edge of one does not land in the next. */
const GAP_BYTES = 16;

/** What lies between ranges, and behind the last. */
const CANARY = 0xc5;

/** How far behind the last range `verify` looks: more than the longest frame. */
const BEHIND_BYTES = 0x2_0000;

/** What a range is filled with once it was given back. */
const POISON = 0xdd;

/**
 * A guest's memory where every byte that a backend may not write is known. Ranges are handed out once and never
 * again: what is read late is poison, and what is written late or outside is found by `verify`.
 */
export class TestMemory {
  readonly bytes: Uint8Array;
  /** What the bytes outside of open ranges have to be. */
  readonly #expected: Uint8Array;
  /** 1 where a backend may write. */
  readonly #open: Uint8Array;
  #next = GAP_BYTES;

  /** @param sizeBytes how much memory */
  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(new ArrayBuffer(sizeBytes));
    this.bytes.fill(CANARY);
    this.#expected = this.bytes.slice();
    this.#open = new Uint8Array(sizeBytes);
  }

  /**
   * A range that nobody used before.
   * @returns its offset
   * @throws RangeError where the memory is used up: the test is too large
   */
  take(lengthBytes: number): number {
    const offset = this.#next;
    this.#next += lengthBytes + GAP_BYTES;
    if (this.#next > this.bytes.length) throw new RangeError("the test card has no memory left");
    return offset;
  }

  /** The guest writes. */
  write(offset: number, source: Uint8Array): void {
    this.bytes.set(source, offset);
    this.#expected.set(source, offset);
  }

  /** From now on a backend may write a range. */
  open(offset: number, lengthBytes: number): void {
    this.#open.fill(1, offset, offset + lengthBytes);
  }

  /** A range was given back: it is poisoned, and nobody may write it any more. */
  close(offset: number, lengthBytes: number): void {
    const end = offset + lengthBytes;
    this.#open.fill(0, offset, end);
    this.bytes.fill(POISON, offset, end);
    this.#expected.fill(POISON, offset, end);
  }

  /** @throws ComplianceError where a byte changed that was not to, among the ranges or right behind them */
  verify(): void {
    const { bytes } = this;
    const expected = this.#expected;
    const open = this.#open;
    const end = Math.min(bytes.length, this.#next + BEHIND_BYTES);
    for (let i = 0; i < end; i++) {
      if (bytes[i] !== expected[i] && open[i] === 0) {
        throw new ComplianceError(`the backend wrote outside of its ranges: byte ${i} of the guest's memory`);
      }
    }
  }
}
