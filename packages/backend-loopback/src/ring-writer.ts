import { copyFrame, Frame } from "@vmmkit/ethif";
import {
  ASLEEP,
  LENGTH_BYTES,
  LENGTH_OFFLOADS,
  OFFLOAD_BYTES,
  paddedBytes,
  READ,
  type RingPlace,
  WANTS_SPACE,
  WRITTEN,
} from "./ring-layout.ts";

/** The writing end of a byte ring (see ring-layout.ts). Nothing is allocated for a frame. */
export class RingWriter {
  /** Whether the reader's index made no sense. There is no space any more. */
  corrupt = false;
  readonly #capacity: number;
  readonly #dataOffset: number;
  readonly #header: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #room = new Frame();
  /** Indices are signed here, as Int32Array has them: small integers to the engine, whatever their value. */
  #written: number;
  #published: number;
  /** READ as it was seen last; the reader can only be further. */
  #read: number;

  constructor(place: RingPlace) {
    this.#capacity = place.capacity;
    this.#dataOffset = place.dataOffset;
    this.#header = new Int32Array(place.memory, place.headerOffset, WANTS_SPACE + 1);
    this.#words = new Uint32Array(place.memory, place.dataOffset, place.capacity / 4);
    this.#bytes = new Uint8Array(place.memory);
    this.#written = Atomics.load(this.#header, WRITTEN);
    this.#published = this.#written;
    this.#read = Atomics.load(this.#header, READ);
  }

  /** Copies a frame in, for the reader to see at the next `publish`. False where there is no space for it. */
  put(frame: Frame): boolean {
    const length = frame.totalBytes;
    const offloads = hasOffloads(frame);
    const head = offloads ? LENGTH_BYTES + OFFLOAD_BYTES : LENGTH_BYTES;
    const need = head + paddedBytes(length);
    if (!this.#hasSpace(need)) return false;
    this.#word(0, offloads ? length + LENGTH_OFFLOADS : length);
    if (offloads) this.#writeOffloads(frame);
    copyFrame(frame, this.#place(this.#written + head, length));
    this.#written = (this.#written + need) | 0;
    return true;
  }

  /** Lets the reader see all frames put so far. True where it sleeps, and the caller has to wake it. */
  publish(): boolean {
    if (this.#published === this.#written) return false;
    this.#published = this.#written;
    Atomics.store(this.#header, WRITTEN, this.#written);
    return Atomics.load(this.#header, ASLEEP) !== 0 && Atomics.exchange(this.#header, ASLEEP, 0) !== 0;
  }

  /**
   * Asks the reader to ring when there is space again, and looks once more.
   * @returns true where there is space for a frame of `lengthBytes` by now, and nobody will ring
   */
  askForSpace(lengthBytes: number): boolean {
    Atomics.store(this.#header, WANTS_SPACE, 1);
    if (!this.#hasSpace(LENGTH_BYTES + OFFLOAD_BYTES + paddedBytes(lengthBytes))) return false;
    Atomics.store(this.#header, WANTS_SPACE, 0);
    return true;
  }

  /** Bytes in the ring that the reader has not given back yet. */
  get used(): number {
    this.#read = Atomics.load(this.#header, READ);
    const used = (this.#written - this.#read) >>> 0;
    if (used > this.#capacity) this.corrupt = true;
    return used;
  }

  #hasSpace(need: number): boolean {
    if (need <= this.#capacity - ((this.#written - this.#read) >>> 0)) return true;
    return need <= this.#capacity - this.used;
  }

  #word(index: number, value: number): void {
    this.#words[((this.#written & (this.#capacity - 1)) / 4 + index) % this.#words.length] = value;
  }

  #writeOffloads(frame: Frame): void {
    this.#word(1, (frame.flags & 0xff) | ((frame.gsoType & 0xff) << 8) | (frame.hdrLen << 16));
    this.#word(2, (frame.gsoSize & 0xffff) | (frame.csumStart << 16));
    this.#word(3, frame.csumOffset & 0xffff);
  }

  /** The ring's bytes from a position on, as room to copy into. */
  #place(position: number, length: number): Frame {
    const room = this.#room;
    const start = position & (this.#capacity - 1);
    const first = Math.min(length, this.#capacity - start);
    room.clear();
    if (first > 0) room.push(this.#bytes, this.#dataOffset + start, first);
    if (length > first) room.push(this.#bytes, this.#dataOffset, length - first);
    return room;
  }
}

function hasOffloads(frame: Frame): boolean {
  return (frame.flags | frame.gsoType | frame.hdrLen | frame.gsoSize | frame.csumStart | frame.csumOffset) !== 0;
}
