/**
 * Bytes that come piece by piece, seen as far as they are there and not read yet. A piece is looked at where it is;
 * only what lies across two pieces is copied.
 */
export class ByteWindow {
  /** Where the next byte to be read is in the file. */
  offset = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;
  #end = 0;
  /** Whether `#bytes` are the window's own, with room behind `#end`. */
  #own = false;

  /** How many bytes are there. */
  get length(): number {
    return this.#end - this.#at;
  }

  /** Adds a piece. It has to stay as it is until all of its bytes are read. */
  push(piece: Uint8Array): void {
    if (this.length === 0) {
      this.#set(piece, 0, false);
    } else if (!this.#own || this.#end + piece.length > this.#bytes.length) {
      // Twice what is needed: a long record in many short pieces is not copied for each of them.
      const larger = new Uint8Array(2 * (this.length + piece.length));
      larger.set(this.#bytes.subarray(this.#at, this.#end));
      larger.set(piece, this.length);
      this.#set(larger, this.length, true);
    } else {
      this.#bytes.set(piece, this.#end);
    }
    this.#end += piece.length;
  }

  /** The next byte is `count` bytes on. */
  skip(count: number): void {
    this.#at += count;
    this.offset += count;
  }

  /** Bytes `from` to `to` from the next one on. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(this.#at + from, this.#at + to);
  }

  uint8(at: number): number {
    return this.#view.getUint8(this.#at + at);
  }

  uint16(at: number, littleEndian: boolean): number {
    return this.#view.getUint16(this.#at + at, littleEndian);
  }

  uint32(at: number, littleEndian: boolean): number {
    return this.#view.getUint32(this.#at + at, littleEndian);
  }

  /** @param end how many of the bytes count so far */
  #set(bytes: Uint8Array, end: number, own: boolean): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = end;
    this.#own = own;
  }
}
