const FIRST_CAPACITY = 256;

/** Bytes that come one at a time. */
export class ByteList {
  #bytes: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  /** Adds a byte at the end. */
  push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }

  /** Whether the last bytes are these. */
  endsWith(bytes: Uint8Array): boolean {
    const start = this.#length - bytes.length;
    return start >= 0 && bytes.every((byte, i) => this.#bytes[start + i] === byte);
  }

  /** The bytes but for the last `withoutLast` as text (UTF-8). */
  text(withoutLast: number): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#length - withoutLast));
  }
}
