import { VIRTIO_NET_HDR_HASH_BYTES } from "@vmmkit/virtio";
import type { MemoryRegion } from "@vmmkit/vm";
import { RingError } from "./errors.ts";
import type { GuestRam } from "./guest-ram.ts";
import { emptyNetHeader, type NetHeader, readNetHeader } from "./net-header.ts";
import { type NetQueue, publishAndKick, useIndirect } from "./net-queue.ts";

/** What lies around and between the pieces of a buffer, and how wide it is. */
const GUARD_BYTE = 0xa5;
const GUARD_BYTES = 16;

/**
 * The receive queue: buffers for the device to fill, and frames put together from them. The pieces of a buffer lie
 * in descending order with guard bytes between them, so that a device that mistakes them for one range is found out.
 */
export class NetReceive {
  /** Header of the frame that was taken last. One object, filled again for each frame. */
  readonly header: NetHeader = emptyNetHeader();
  /** Buffers that are not posted. */
  freeBuffers: number;
  /** Payload bytes of the frame that was taken last. */
  frameBytes = 0;
  readonly #queue: NetQueue;
  readonly #ram: GuestRam;
  readonly #region: MemoryRegion;
  readonly #pool: number;
  readonly #stride: number;
  /** Per piece of a buffer, in the order of its bytes: offset from the buffer's start, and length. */
  readonly #pieceOffset: Uint32Array;
  readonly #pieceLength: Uint32Array;
  readonly #table: boolean;
  /** The first `freeBuffers` of them are free. */
  readonly #buffers: Uint32Array;
  /** Per head: its buffer, -1 where the chain is not one of ours. */
  readonly #bufferOf: Int32Array;
  /** The frame taken last: its buffers, and the bytes in each. */
  readonly #partBuffer: Uint32Array;
  readonly #partLength: Uint32Array;
  #parts = 0;
  readonly #scratch = new Uint8Array(VIRTIO_NET_HDR_HASH_BYTES);

  constructor(ram: GuestRam, queue: NetQueue) {
    const { bufferBytes, buffers } = queue.buffers;
    if (bufferBytes < queue.headerBytes) {
      throw new RangeError(`"rx.bufferBytes" expected at least ${queue.headerBytes}, got ${bufferBytes}`);
    }
    this.#queue = queue;
    this.#ram = ram;
    this.#pieceLength = Uint32Array.from(pieceLengths(queue));
    if (this.#pieceLength.length > queue.ring.size) {
      const counts = `${this.#pieceLength.length} descriptors, the ring has ${queue.ring.size}`;
      throw new RangeError(`"rx.pieceBytes" ${queue.buffers.pieceBytes}: a buffer would take ${counts}`);
    }
    this.#pieceOffset = new Uint32Array(this.#pieceLength.length);
    let offset = GUARD_BYTES;
    for (let i = this.#pieceLength.length - 1; i >= 0; i--) {
      this.#pieceOffset[i] = offset;
      offset += (this.#pieceLength[i] as number) + GUARD_BYTES;
    }
    this.#stride = Math.ceil(offset / 16) * 16;
    this.#table = useIndirect(queue, this.#pieceLength.length);
    this.#pool = ram.alloc(buffers * this.#stride);
    this.#region = ram.region(this.#pool, buffers * this.#stride);
    ram.bytes(this.#pool, buffers * this.#stride).fill(GUARD_BYTE);
    this.#buffers = Uint32Array.from({ length: buffers }, (_, i) => buffers - 1 - i);
    this.#bufferOf = new Int32Array(queue.ring.size).fill(-1);
    this.#partBuffer = new Uint32Array(buffers);
    this.#partLength = new Uint32Array(buffers);
    this.freeBuffers = buffers;
  }

  /** Gives the buffers' memory back. */
  dispose(): void {
    this.#ram.free(this.#pool, this.#queue.buffers.buffers * this.#stride);
  }

  /**
   * Adds up to `count` buffers to the available ring without publishing them.
   * @returns how many: fewer where buffers or descriptors run out
   */
  add(count: number): number {
    const ring = this.#queue.ring;
    const pieces = this.#pieceLength.length;
    const needed = this.#table ? 1 : pieces;
    let added = 0;
    while (added < count && this.freeBuffers > 0 && ring.freeCount >= needed) {
      const buffer = this.#buffers[--this.freeBuffers] as number;
      const start = this.#pool + buffer * this.#stride;
      ring.begin();
      if (this.#table) ring.indirect();
      for (let i = 0; i < pieces; i++) {
        ring.writable(start + (this.#pieceOffset[i] as number), this.#pieceLength[i] as number);
      }
      this.#bufferOf[ring.end()] = buffer;
      added++;
    }
    return added;
  }

  /** Adds up to `count` buffers, publishes them, and notifies the device if it wants that. @returns how many */
  post(count: number): number {
    const added = this.add(count);
    if (added > 0) publishAndKick(this.#queue, "wanted");
    return added;
  }

  /**
   * Takes the next frame from the used ring; `header` and `frameBytes` tell of it, `copyFrame` reads it. Its buffers
   * stay out of the ring until `recycle`.
   * @returns false where there is none
   * @throws RingError where the device broke the rules: a frame shorter than its header, one published in part
   */
  take(): boolean {
    this.#parts = 0;
    this.frameBytes = 0;
    if (!this.#takeBuffer()) return false;
    const { headerBytes, mergeable, ring } = this.#queue;
    const first = this.#partLength[0] as number;
    if (first < headerBytes)
      throw new RingError(`a receive buffer came back with ${first} bytes, less than the header`);
    this.#readHeader(headerBytes);
    const count = mergeable ? this.header.numBuffers : 1;
    if (count === 0) throw new RingError("num_buffers is 0");
    if (ring.usedCount() < count - 1) {
      throw new RingError(`num_buffers is ${count}, but only ${1 + ring.usedCount()} buffers have been published`);
    }
    while (this.#parts < count) {
      if (!this.#takeBuffer()) throw new RingError(`num_buffers is ${count}, but buffers of length 0 are among them`);
    }
    this.frameBytes -= headerBytes;
    this.#queue.counters.rxFrames++;
    this.#queue.counters.rxBytes += this.frameBytes;
    return true;
  }

  /** Copies the frame that was taken last. @returns bytes copied: less than the frame where `target` is shorter */
  copyFrame(target: Uint8Array): number {
    let done = 0;
    let skip = this.#queue.headerBytes;
    for (let i = 0; i < this.#parts; i++) {
      const count = Math.min((this.#partLength[i] as number) - skip, target.length - done);
      this.#copyPart(i, skip, target, done, count);
      done += count;
      skip = 0;
    }
    return done;
  }

  /** Puts the buffers of the frame that was taken last among the free ones. */
  recycle(): void {
    for (let i = 0; i < this.#parts; i++) this.#buffers[this.freeBuffers++] = this.#partBuffer[i] as number;
    this.#parts = 0;
  }

  /**
   * Looks whether the device wrote outside of the buffers.
   * @throws RingError naming the first such byte
   */
  verifyGuards(): void {
    const { buffers } = this.#queue.buffers;
    const bytes = this.#ram.bytes(this.#pool, buffers * this.#stride);
    for (let buffer = 0; buffer < buffers; buffer++) {
      let from = buffer * this.#stride;
      for (let i = this.#pieceOffset.length - 1; i >= -1; i--) {
        const start = i < 0 ? this.#stride : (this.#pieceOffset[i] as number);
        for (const end = buffer * this.#stride + start; from < end; from++) {
          if (bytes[from] === GUARD_BYTE) continue;
          throw new RingError(`the device wrote at 0x${(this.#pool + from).toString(16)}, outside of every buffer`);
        }
        if (i >= 0) from += this.#pieceLength[i] as number;
      }
    }
  }

  /** Takes one buffer back and adds it to the frame. Skips what is not ours and what came back unused. */
  #takeBuffer(): boolean {
    const { ring, counters } = this.#queue;
    for (let head = ring.popUsed(); head >= 0; head = ring.popUsed()) {
      const buffer = this.#bufferOf[head] as number;
      if (buffer < 0) continue;
      this.#bufferOf[head] = -1;
      if (ring.usedLength === 0) {
        counters.rxReturned++;
        this.#buffers[this.freeBuffers++] = buffer;
        continue;
      }
      counters.rxBuffers++;
      this.#partBuffer[this.#parts] = buffer;
      this.#partLength[this.#parts++] = ring.usedLength;
      this.frameBytes += ring.usedLength;
      return true;
    }
    return false;
  }

  /** Reads the header of the frame: in place, unless it lies across pieces. */
  #readHeader(headerBytes: number): void {
    if ((this.#pieceLength[0] as number) >= headerBytes) {
      const start = this.#pool - this.#region.gpa + (this.#partBuffer[0] as number) * this.#stride;
      readNetHeader(this.#region.bytes, start + (this.#pieceOffset[0] as number), headerBytes, this.header);
    } else {
      this.#copyPart(0, 0, this.#scratch, 0, headerBytes);
      readNetHeader(this.#scratch, 0, headerBytes, this.header);
    }
  }

  /** Copies `count` bytes from byte `from` of a part of the frame, across the pieces of its buffer. */
  #copyPart(part: number, from: number, target: Uint8Array, to: number, count: number): void {
    const bytes = this.#region.bytes;
    const start = this.#pool - this.#region.gpa + (this.#partBuffer[part] as number) * this.#stride;
    let skip = from;
    let done = 0;
    for (let i = 0; done < count; i++) {
      const length = this.#pieceLength[i] as number;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const n = Math.min(length - skip, count - done);
      const at = start + (this.#pieceOffset[i] as number) + skip;
      if (n <= 16) for (let k = 0; k < n; k++) target[to + done + k] = bytes[at + k] as number;
      else target.set(bytes.subarray(at, at + n), to + done);
      done += n;
      skip = 0;
    }
  }
}

/** Lengths of the pieces of a receive buffer, in the order of its bytes. */
function pieceLengths(queue: NetQueue): number[] {
  const { bufferBytes, headerApart, pieceBytes } = queue.buffers;
  const lengths: number[] = [];
  let rest = bufferBytes;
  if (headerApart) {
    lengths.push(queue.headerBytes);
    rest -= queue.headerBytes;
  }
  for (; rest > 0; rest -= pieceBytes) lengths.push(Math.min(rest, pieceBytes));
  return lengths;
}
