import type { ByteWindow } from "./byte-window.ts";
import { PcapFormatError } from "./errors.ts";
import { OPTION_END, OPTION_HEAD_BYTES } from "./pcapng-format.ts";

const TWO_32 = 0x1_0000_0000;

/**
 * Walks the options of a block.
 *
 * ```
 * for (options.start(window, from, to, littleEndian); options.next(); ) … options.code
 * ```
 */
export class OptionWalk {
  /** Of the option that `next` came upon: its code, where its value starts in the window, and how long that is. */
  code = 0;
  at = 0;
  length = 0;
  #window: ByteWindow | null = null;
  #next = 0;
  #end = 0;
  #littleEndian = true;

  /** @param from,to where the options are, in bytes from the next one of the window */
  start(window: ByteWindow, from: number, to: number, littleEndian: boolean): void {
    this.#window = window;
    this.#next = from;
    this.#end = to;
    this.#littleEndian = littleEndian;
  }

  /**
   * Goes to the next option. False where there is none any more.
   * @throws PcapFormatError where one reaches beyond its block
   */
  next(): boolean {
    const window = this.#window;
    if (window === null || this.#next + OPTION_HEAD_BYTES > this.#end) return false;
    this.code = window.uint16(this.#next, this.#littleEndian);
    this.length = window.uint16(this.#next + 2, this.#littleEndian);
    this.at = this.#next + OPTION_HEAD_BYTES;
    if (this.code === OPTION_END) return false;
    if (this.at + this.length > this.#end) {
      throw new PcapFormatError(`an option of ${this.length} bytes that its block has not`, window.offset + this.#next);
    }
    this.#next = this.at + ((this.length + 3) & ~3);
    return true;
  }

  /** The value as bytes of the window's. */
  bytes(): Uint8Array {
    return this.#window?.slice(this.at, this.at + this.length) ?? new Uint8Array(0);
  }

  /** The value as a number of 32 bits, 0 where it is shorter. */
  uint32(at = 0): number {
    return at + 4 > this.length ? 0 : (this.#window?.uint32(this.at + at, this.#littleEndian) ?? 0);
  }

  /** The value as a number of 64 bits, as exact as a number is. */
  uint64(): number {
    return this.#upper() * TWO_32 + this.#lower();
  }

  /** The same with a sign. */
  int64(): number {
    return (this.#upper() | 0) * TWO_32 + this.#lower();
  }

  #upper(): number {
    return this.uint32(this.#littleEndian ? 4 : 0);
  }

  #lower(): number {
    return this.uint32(this.#littleEndian ? 0 : 4);
  }
}
