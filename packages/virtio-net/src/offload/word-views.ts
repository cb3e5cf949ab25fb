const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Uint32Array(0);
/** Guest memory is a handful of regions; a card meets one of them nearly always. */
const KEPT = 4;

/** 32-bit words of byte views, little-endian, made once for each: what a card needs to read and write several bytes at a time. */
export class WordViews {
  #bytes: Uint8Array = NO_BYTES;
  #words: Uint32Array = NO_WORDS;
  readonly #others: { bytes: Uint8Array; words: Uint32Array }[] = [];
  #next = 0;

  /** The words over a view; none where it does not start on a word, or lost its memory. */
  of(bytes: Uint8Array): Uint32Array {
    return bytes === this.#bytes ? this.#words : this.#find(bytes);
  }

  #find(bytes: Uint8Array): Uint32Array {
    let entry = this.#others.find((other) => other.bytes === bytes);
    if (entry === undefined) {
      const usable = bytes.length >= 4 && bytes.byteOffset % 4 === 0;
      const words = usable ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2) : NO_WORDS;
      entry = { bytes, words };
      this.#others[this.#next] = entry;
      this.#next = (this.#next + 1) % KEPT;
    }
    this.#bytes = bytes;
    this.#words = entry.words;
    return entry.words;
  }
}
