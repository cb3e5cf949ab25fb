import { BLOCK_TAIL_BYTES, OPTION_END, OPTION_HEAD_BYTES } from "./pcapng-format.ts";
import { encodeText } from "./text.ts";

const MOST_OPTION_BYTES = 0xffff;
const TWO_32 = 0x1_0000_0000;

/** Builds a block that is not for a frame: fixed fields first, options behind them. Little-endian. */
export class BlockBuilder {
  #bytes: Uint8Array;
  #view: DataView;
  #options = false;

  /**
   * @param type of the block
   * @param bodyEnd where the fixed fields end, in bytes from the start of the block
   */
  constructor(type: number, bodyEnd: number) {
    this.#bytes = new Uint8Array(bodyEnd);
    this.#view = new DataView(this.#bytes.buffer);
    this.setUint32(0, type);
  }

  setUint16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  setUint32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** Adds an option with text, where there is one. What is too long for an option is cut. */
  text(code: number, value: string | undefined, before: Uint8Array = new Uint8Array(0)): void {
    if (value === undefined) return;
    const text = encodeText(value);
    const whole = new Uint8Array(before.length + text.length);
    whole.set(before);
    whole.set(text, before.length);
    this.bytes(code, whole.subarray(0, MOST_OPTION_BYTES));
  }

  /** Adds an option with a count. */
  uint64(code: number, value: number): void {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, value % TWO_32, true);
    view.setUint32(4, Math.floor(value / TWO_32), true);
    this.bytes(code, bytes);
  }

  /** Adds an option with bytes, where there are any. */
  bytes(code: number, value: Uint8Array | undefined): void {
    if (value === undefined) return;
    const at = this.#grow(OPTION_HEAD_BYTES + ((value.length + 3) & ~3));
    this.setUint16(at, code);
    this.setUint16(at + 2, value.length);
    this.#bytes.set(value, at + OPTION_HEAD_BYTES);
    this.#options = true;
  }

  /** The block, with its length at both ends. */
  finish(): Uint8Array {
    if (this.#options) this.setUint32(this.#grow(OPTION_HEAD_BYTES), OPTION_END);
    const at = this.#grow(BLOCK_TAIL_BYTES);
    this.setUint32(4, this.#bytes.length);
    this.setUint32(at, this.#bytes.length);
    return this.#bytes;
  }

  /** Adds zeros at the end. Answers where they start. */
  #grow(lengthBytes: number): number {
    const at = this.#bytes.length;
    const larger = new Uint8Array(at + lengthBytes);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
    return at;
  }
}
