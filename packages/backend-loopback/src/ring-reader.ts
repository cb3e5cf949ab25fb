import { Frame } from "@vmmkit/ethif";
import {
  ASLEEP,
  LENGTH_BYTES,
  LENGTH_OFFLOADS,
  LONGEST_RECORD_FRAME,
  OFFLOAD_BYTES,
  paddedBytes,
  READ,
  type RingPlace,
  WANTS_SPACE,
  WRITTEN,
} from "./ring-layout.ts";

/**
 * The reading end of a byte ring (see ring-layout.ts). The writer is another thread of the same process; what it
 * wrote is checked all the same, and a ring that makes no sense is `corrupt` from then on: it gives no more frames.
 */
export class RingReader {
  /** Whether something impossible was found in the ring. */
  corrupt = false;
  readonly #capacity: number;
  readonly #dataOffset: number;
  readonly #header: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #frame = new Frame();
  /** Indices are signed here, as Int32Array has them: small integers to the engine, whatever their value. */
  #read: number;
  #released: number;
  /** WRITTEN as it was seen last. */
  #written: number;
  /** Bytes of the record that `peek` answered, 0 where none. */
  #recordBytes = 0;

  constructor(place: RingPlace) {
    this.#capacity = place.capacity;
    this.#dataOffset = place.dataOffset;
    this.#header = new Int32Array(place.memory, place.headerOffset, WANTS_SPACE + 1);
    this.#words = new Uint32Array(place.memory, place.dataOffset, place.capacity / 4);
    this.#bytes = new Uint8Array(place.memory);
    this.#read = Atomics.load(this.#header, READ);
    this.#released = this.#read;
    this.#written = this.#read;
  }

  /**
   * The oldest frame, as ranges of the ring's own bytes; null where there is none. The object is used again at the
   * next call, and the bytes are the reader's until `release`.
   */
  peek(): Frame | null {
    if (this.#recordBytes > 0) return this.#frame;
    if (this.empty) return null;
    const word = this.#word(0);
    const offloads = word >= LENGTH_OFFLOADS;
    const length = offloads ? word - LENGTH_OFFLOADS : word;
    const head = offloads ? LENGTH_BYTES + OFFLOAD_BYTES : LENGTH_BYTES;
    const recordBytes = head + paddedBytes(length);
    if (length === 0 || length > LONGEST_RECORD_FRAME || recordBytes > (this.#written - this.#read) >>> 0) {
      this.corrupt = true;
      return null;
    }
    this.#recordBytes = recordBytes;
    this.#describe(this.#read + head, length);
    if (offloads) this.#readOffloads();
    return this.#frame;
  }

  /** Whether there is nothing to read. */
  get empty(): boolean {
    if (this.corrupt) return true;
    if (this.#written === this.#read) this.#refresh();
    return this.#written === this.#read;
  }

  /** Done with the frame that `peek` answered. */
  consume(): void {
    this.#read = (this.#read + this.#recordBytes) | 0;
    this.#recordBytes = 0;
  }

  /** Gives the space of all consumed frames back. True where the writer waits for it, and the caller has to ring. */
  release(): boolean {
    if (this.#released !== this.#read) {
      this.#released = this.#read;
      Atomics.store(this.#header, READ, this.#read);
    }
    // Half of the ring at once: a writer that waits is not woken for each frame.
    if (Atomics.load(this.#header, WANTS_SPACE) === 0 || this.#used() > this.#capacity / 2) return false;
    return Atomics.exchange(this.#header, WANTS_SPACE, 0) !== 0;
  }

  /**
   * Asks the writer to ring at its next frame, and looks once more.
   * @returns false where there is a frame already, and nobody will ring
   */
  sleep(): boolean {
    Atomics.store(this.#header, ASLEEP, 1);
    if (this.empty) return true;
    Atomics.store(this.#header, ASLEEP, 0);
    return false;
  }

  #used(): number {
    return (Atomics.load(this.#header, WRITTEN) - this.#read) >>> 0;
  }

  #refresh(): void {
    this.#written = Atomics.load(this.#header, WRITTEN);
    const used = (this.#written - this.#read) >>> 0;
    if (used > this.#capacity || used % 4 !== 0) this.corrupt = true;
  }

  #word(index: number): number {
    return this.#words[((this.#read & (this.#capacity - 1)) / 4 + index) % this.#words.length] ?? 0;
  }

  #describe(position: number, length: number): void {
    const frame = this.#frame;
    const start = position & (this.#capacity - 1);
    const first = Math.min(length, this.#capacity - start);
    frame.clear();
    frame.push(this.#bytes, this.#dataOffset + start, first);
    if (length > first) frame.push(this.#bytes, this.#dataOffset, length - first);
  }

  #readOffloads(): void {
    const frame = this.#frame;
    const one = this.#word(1);
    const two = this.#word(2);
    frame.flags = one & 0xff;
    frame.gsoType = (one >>> 8) & 0xff;
    frame.hdrLen = one >>> 16;
    frame.gsoSize = two & 0xffff;
    frame.csumStart = two >>> 16;
    frame.csumOffset = this.#word(3) & 0xffff;
  }
}
