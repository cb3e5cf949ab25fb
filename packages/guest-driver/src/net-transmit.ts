import type { MemoryRegion } from "@vmmkit/vm";
import type { GuestRam } from "./guest-ram.ts";
import { type NetHeader, writeNetHeader } from "./net-header.ts";
import { type KickMode, type NetQueue, publishAndKick, useIndirect } from "./net-queue.ts";

/** How one frame is sent. */
export interface SendOptions {
  /** `wanted` (default): notify if the device asks for it. `never`: publish only. `always`: notify regardless. */
  readonly kick?: KickMode;
  /** Offload fields of the header. Default: all 0. */
  readonly header?: Partial<NetHeader>;
}

/** The header ends, and the frame starts, this far into a slot. */
const FRAME_OFFSET = 16;

/** The transmit queue: slots of guest memory for frames, and which chain has which slot. */
export class NetTransmit {
  /** Slots that no chain has. */
  freeSlots: number;
  readonly #queue: NetQueue;
  readonly #ram: GuestRam;
  readonly #region: MemoryRegion;
  readonly #pool: number;
  readonly #slotBytes: number;
  /** The first `freeSlots` of them are free. */
  readonly #slots: Uint32Array;
  /** Per head: its slot, -1 where the chain is not one of ours. */
  readonly #slotOf: Int32Array;
  /** Per slot: 1 where its header is not all zeros. */
  readonly #dirty: Uint8Array;

  constructor(ram: GuestRam, queue: NetQueue) {
    const { bufferBytes, buffers } = queue.buffers;
    this.#queue = queue;
    this.#ram = ram;
    this.#slotBytes = FRAME_OFFSET + Math.ceil(bufferBytes / 16) * 16;
    this.#pool = ram.alloc(buffers * this.#slotBytes);
    this.#region = ram.region(this.#pool, buffers * this.#slotBytes);
    this.#slots = Uint32Array.from({ length: buffers }, (_, i) => buffers - 1 - i);
    this.#slotOf = new Int32Array(queue.ring.size).fill(-1);
    this.#dirty = new Uint8Array(buffers);
    this.freeSlots = buffers;
  }

  /** Gives the slots' memory back. */
  dispose(): void {
    this.#ram.free(this.#pool, this.#queue.buffers.buffers * this.#slotBytes);
  }

  /**
   * Sends a frame.
   * @param frame one range, or several: each starts a descriptor of its own, at a place of its own
   * @returns false where there is no free slot or too few descriptors, even after taking back what was used
   * @throws RangeError for a frame longer than a slot
   */
  send(frame: Uint8Array | readonly Uint8Array[], options: SendOptions = {}): boolean {
    const ranges = frame instanceof Uint8Array ? [frame] : frame;
    const { headerApart, pieceBytes, bufferBytes } = this.#queue.buffers;
    let total = 0;
    let parts = headerApart ? 1 : 0;
    for (const range of ranges) {
      total += range.length;
      parts += Math.ceil(range.length / pieceBytes);
    }
    if (total > bufferBytes) throw new RangeError(`"frame" expected at most ${bufferBytes} bytes, got ${total}`);
    parts = Math.max(1, parts);
    if (!this.#hasRoom(parts)) return false;
    const slot = this.#slots[--this.freeSlots] as number;
    this.#writeHeader(slot, options.header);
    this.#queue.ring.begin();
    if (useIndirect(this.#queue, parts)) this.#queue.ring.indirect();
    this.#addParts(slot, ranges);
    this.#finish(slot, total);
    publishAndKick(this.#queue, options.kick ?? "wanted");
    return true;
  }

  /** Puts a frame into all free slots, for `burst` to send. Offload fields are all 0. */
  fill(frame: Uint8Array): void {
    this.reap();
    for (let i = 0; i < this.freeSlots; i++) {
      const at = this.#pool - this.#region.gpa + (this.#slots[i] as number) * this.#slotBytes + FRAME_OFFSET;
      this.#region.bytes.set(frame, at);
    }
  }

  /**
   * Sends up to `count` frames of `lengthBytes` bytes each, whatever is in the slots, with one notification at most.
   * Each is one descriptor, or two with the header apart. Nothing is allocated.
   * @returns how many there was room for
   */
  burst(count: number, lengthBytes: number): number {
    const queue = this.#queue;
    const ring = queue.ring;
    const apart = queue.buffers.headerApart;
    const parts = apart ? 2 : 1;
    const table = useIndirect(queue, parts);
    if (this.freeSlots < count || ring.freeCount < parts * count) this.reap();
    const sent = Math.min(count, this.freeSlots, Math.floor(ring.freeCount / (table ? 1 : parts)));
    if (sent === 0) return 0;
    for (let i = 0; i < sent; i++) {
      const slot = this.#slots[--this.freeSlots] as number;
      const frame = this.#pool + slot * this.#slotBytes + FRAME_OFFSET;
      this.#clearHeader(frame - this.#region.gpa - (apart ? FRAME_OFFSET : queue.headerBytes));
      ring.begin();
      if (table) ring.indirect();
      if (apart) {
        ring.readable(frame - FRAME_OFFSET, queue.headerBytes);
        ring.readable(frame, lengthBytes);
      } else {
        ring.readable(frame - queue.headerBytes, queue.headerBytes + lengthBytes);
      }
      this.#finish(slot, lengthBytes);
    }
    publishAndKick(queue, "wanted");
    return sent;
  }

  /** Takes back what the device has used. @returns how many frames */
  reap(): number {
    const ring = this.#queue.ring;
    let count = 0;
    for (let head = ring.popUsed(); head >= 0; head = ring.popUsed()) {
      const slot = this.#slotOf[head] as number;
      if (slot < 0) continue;
      this.#slotOf[head] = -1;
      this.#slots[this.freeSlots++] = slot;
      if (this.#dirty[slot] === 1) this.#writeHeader(slot, undefined);
      count++;
    }
    this.#queue.counters.txCompleted += count;
    return count;
  }

  #hasRoom(parts: number): boolean {
    const needed = useIndirect(this.#queue, parts) ? 1 : parts;
    if (this.freeSlots > 0 && this.#queue.ring.freeCount >= needed) return true;
    this.reap();
    return this.freeSlots > 0 && this.#queue.ring.freeCount >= needed;
  }

  /** The first piece lies behind the header, the others from the end of the slot downwards: never side by side. */
  #addParts(slot: number, ranges: readonly Uint8Array[]): void {
    const { ring, headerBytes, buffers } = this.#queue;
    const { headerApart, pieceBytes } = buffers;
    const start = this.#pool + slot * this.#slotBytes;
    let low = start + this.#slotBytes;
    let first = true;
    if (headerApart) ring.readable(start, headerBytes);
    for (const range of ranges) {
      for (let from = 0; from < range.length; from += pieceBytes) {
        const piece = range.subarray(from, from + pieceBytes);
        if (!first) low -= piece.length;
        const gpa = first ? start + FRAME_OFFSET : low;
        this.#region.bytes.set(piece, gpa - this.#region.gpa);
        if (first && !headerApart) ring.readable(gpa - headerBytes, headerBytes + piece.length);
        else ring.readable(gpa, piece.length);
        first = false;
      }
    }
    if (first && !headerApart) ring.readable(start + FRAME_OFFSET - headerBytes, headerBytes);
  }

  #finish(slot: number, lengthBytes: number): void {
    this.#slotOf[this.#queue.ring.end()] = slot;
    this.#queue.counters.txFrames++;
    this.#queue.counters.txBytes += lengthBytes;
  }

  /** As drivers do it for each frame: whoever reads it finds it in a cache. */
  #clearHeader(at: number): void {
    const { bytes } = this.#region;
    const end = at + this.#queue.headerBytes;
    for (let i = at; i < end; i++) bytes[i] = 0;
  }

  #writeHeader(slot: number, header: Partial<NetHeader> | undefined): void {
    if (header === undefined && this.#dirty[slot] === 0) return;
    const { headerBytes, buffers } = this.#queue;
    const start = this.#pool - this.#region.gpa + slot * this.#slotBytes;
    const at = buffers.headerApart ? start : start + FRAME_OFFSET - headerBytes;
    writeNetHeader(this.#region.bytes, at, headerBytes, header ?? {});
    this.#dirty[slot] = header === undefined ? 0 : 1;
  }
}
