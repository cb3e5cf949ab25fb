import type { RangeList } from "../../src/index.ts";

/** A range as the queue handed it out. */
export interface LoggedRange {
  readonly gpa: number;
  readonly length: number;
}

/** A list of ranges that remembers all it was given, and calls back while a chain is being walked. */
export class RangeLog implements RangeList {
  rangeCount = 0;
  totalBytes = 0;
  /** Called before a range is added: the moment for a guest to change its mind. */
  onPush: ((gpa: number) => void) | null = null;
  /** Calls of `push`. */
  pushes = 0;
  readonly #ranges: (LoggedRange & { readonly bytes: Uint8Array; offset: number; host: number })[] = [];

  clear(): void {
    this.rangeCount = 0;
    this.totalBytes = 0;
  }

  push(bytes: Uint8Array, offset: number, lengthBytes: number, gpa: number, hostAddress: number): void {
    this.pushes++;
    this.onPush?.(gpa);
    this.#ranges[this.rangeCount++] = { gpa, length: lengthBytes, bytes, offset, host: hostAddress };
    this.totalBytes += lengthBytes;
  }

  /** Where the ranges that count lie in guest memory. */
  get ranges(): LoggedRange[] {
    return this.#ranges.slice(0, this.rangeCount).map(({ gpa, length }) => ({ gpa, length }));
  }

  /** Their addresses in this process. */
  get hostAddresses(): number[] {
    return this.#ranges.slice(0, this.rangeCount).map(({ host }) => host);
  }

  /** The bytes in them, as the views lead there. */
  get content(): number[] {
    return this.#ranges
      .slice(0, this.rangeCount)
      .flatMap(({ bytes, offset, length }) => [...bytes.subarray(offset, offset + length)]);
  }
}
