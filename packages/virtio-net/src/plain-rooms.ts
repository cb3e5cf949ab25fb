import type { Frame } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_MRG_BYTES, type Virtqueue } from "@vmmkit/virtio";
import type { MemoryRegion } from "@vmmkit/vm";
import { type CardCore, ETHERNET_HEADER_BYTES } from "./card-core.ts";
import { writePlainHeader } from "./net-header.ts";
import { VLAN_TAG_BYTES } from "./receive-limit.ts";
import type { ReceiveSlot } from "./receive-slot.ts";
import type { ReceiveSlots } from "./receive-slots.ts";

/** Rooms that there is space for at first. */
const FIRST_ROOMS = 64;
/** In a room's first word, beside the chain's name: the backend has it. */
const OUT = 0x1_0000;
const NAME = 0xffff;
const NO_WORDS = new Int32Array(0);
const NO_BYTES = new Uint8Array(0);

/**
 * The usual way of a received frame: into one chain that the queue has looked at, and from there to the guest as it is.
 *
 * Such a room is four words in one array, and its frame. A batch has a hundred of them out at a time: whatever else was
 * kept for each would have to come from beyond the nearest cache. Who needs more calls `settle`, and finds the room in
 * its slot. The queue learns of the chains that were handed out a run at a time: `catchUp`, before anything else happens
 * to it.
 */
export class PlainRooms {
  /** Bytes of the frames that the last `giveBack` took. */
  bytes = 0;
  readonly #core: CardCore;
  readonly #slots: ReceiveSlots;
  #queue: Virtqueue;
  /** Four words for each slot: the chain's name and OUT, or 0; the header's place in the window; the room in bytes; none. */
  #rooms: Int32Array = new Int32Array(4 * FIRST_ROOMS);
  /** What goes back to the queue: see `Virtqueue.useRun`. */
  #used: Int32Array = new Int32Array(2 * FIRST_ROOMS);

  /** The chains that the queue has looked at: the first that it was not told of, the next one, and their end. */
  #told = 0;
  #next = 0;
  #end = 0;
  #ahead: Int32Array = NO_WORDS;
  /** The window that all rooms lie in which are out. */
  #region: MemoryRegion | null = null;
  #bytes: Uint8Array = NO_BYTES;
  #offset = 0;

  constructor(core: CardCore, slots: ReceiveSlots, queue: Virtqueue) {
    this.#core = core;
    this.#slots = slots;
    this.#queue = queue;
  }

  /** The guest placed the queue. No room is out. */
  attach(queue: Virtqueue): void {
    this.forget();
    this.#queue = queue;
  }

  /** Room in the next chain, where that is all there is to think of; null where it is not, and nothing was done. */
  take(sizeBytes: number): Frame | null {
    const core = this.#core;
    const slots = this.#slots;
    const region = this.#region;
    const next = this.#next | 0;
    const free = slots.freeCount | 0;
    if (next >= this.#end || free === 0 || region === null || this.#bytes.length === 0) return null;
    if (core.running !== true || core.linkUp !== true) return null;
    const ahead = this.#ahead;
    const from = next << 2;
    const room = ahead[(from + 3) | 0] as number;
    if ((sizeBytes | 0) !== sizeBytes || sizeBytes < 1 || sizeBytes > room || sizeBytes > core.maxFrameBytes)
      return null;
    const cookie = slots.free[(free - 1) | 0] as number;
    const rooms = this.#rooms;
    const at = cookie << 2;
    const frame = slots.frames[cookie] as Frame;
    slots.freeCount = free - 1;
    this.#next = next + 1;
    rooms[at] = ((ahead[from] as number) & NAME) | OUT;
    rooms[(at + 1) | 0] = ahead[(from + 1) | 0] as number;
    rooms[(at + 2) | 0] = room;
    if ((frame.flags | frame.gsoType) !== 0) frame.clearOffloads();
    frame.place(region, this.#offset + (ahead[(from + 2) | 0] as number), room);
    return frame;
  }

  /**
   * `take` for several frames, from index `from` of the arrays on: in one loop, with everything looked up before it that is
   * the same for all.
   * @param frames gets the rooms
   * @returns index of the first that there is no such room for
   */
  takeRun(from: number, count: number, frames: Frame[], lengths: readonly number[]): number {
    const core = this.#core;
    const slots = this.#slots;
    const region = this.#region;
    if (region === null || this.#bytes.length === 0 || core.running !== true || core.linkUp !== true) return from;
    const { frames: own, free } = slots;
    const ahead = this.#ahead;
    const rooms = this.#rooms;
    const offset = this.#offset | 0;
    const longest = core.maxFrameBytes | 0;
    const most = Math.min(count, from + this.#end - this.#next, from + slots.freeCount) | 0;
    const chain = this.#next - from;
    const top = slots.freeCount + from - 1;
    let next = from | 0;
    for (; next < most; next++) {
      const at = ((chain + next) << 2) | 0;
      const room = ahead[(at + 3) | 0] as number;
      const length = lengths[next] as number;
      if ((length | 0) !== length || length < 1 || length > room || length > longest) break;
      const cookie = free[(top - next) | 0] as number;
      const to = cookie << 2;
      const frame = own[cookie] as Frame;
      rooms[to] = ((ahead[at] as number) & NAME) | OUT;
      rooms[(to + 1) | 0] = ahead[(at + 1) | 0] as number;
      rooms[(to + 2) | 0] = room;
      if ((frame.flags | frame.gsoType) !== 0) frame.clearOffloads();
      frame.place(region, (offset + (ahead[(at + 2) | 0] as number)) | 0, room);
      frames[next] = frame;
    }
    this.#next += next - from;
    slots.freeCount -= next - from;
    return next;
  }

  /**
   * Takes frames back that go to the guest as they are.
   * @returns index of the first that does not
   */
  giveBack(from: number, count: number, frames: readonly Frame[], lengths: readonly number[]): number {
    const core = this.#core;
    const region = this.#region;
    this.bytes = 0;
    if (core.linkUp !== true || core.ingress.active || core.hashReport || region === null) return from;
    const slots = this.#slots;
    const own = slots.frames;
    const free = slots.free;
    const rooms = this.#rooms;
    const used = this.#used;
    const { u32: words } = region;
    const watched = core.memory.writeObserver !== null;
    const headerBytes = core.headerBytes | 0;
    const inWords = headerBytes === VIRTIO_NET_HDR_MRG_BYTES;
    const offset = this.#offset;
    // With four bytes more, one has to look for a tag.
    const longest = (core.maxReceiveBytes - VLAN_TAG_BYTES) | 0;
    const shortest = ETHERNET_HEADER_BYTES | 0;
    let freeCount = slots.freeCount | 0;
    let bytes = 0;
    let next = from;
    for (; next < count; next++) {
      const frame = frames[next];
      const length = lengths[next] as number;
      if (frame === undefined) break;
      const { cookie } = frame;
      if (own[cookie] !== frame) break;
      const at = cookie << 2;
      const room = rooms[at] as number;
      if (room === 0 || (frame.flags | frame.gsoType) !== 0) break;
      if ((length | 0) !== length || length < shortest || length > longest) break;
      if (length > (rooms[(at + 2) | 0] as number)) break;
      const headerAt = offset + (rooms[(at + 1) | 0] as number);
      const word = headerAt >>> 2;
      if (inWords && (headerAt & 3) === 0) {
        // Three words where they are aligned: a third of the cost of bytes (measured).
        words[word] = 0;
        words[(word + 1) | 0] = 0;
        words[(word + 2) | 0] = 0x1_0000;
      } else writePlainHeader(region.bytes, headerAt, headerBytes);
      if (watched) this.#noteWrites(headerAt, headerBytes, frame.firstOffset, length);
      rooms[at] = 0;
      const to = (next - from) << 1;
      used[to] = room & NAME;
      used[(to + 1) | 0] = length + headerBytes;
      free[freeCount++] = cookie;
      bytes += length;
    }
    slots.freeCount = freeCount;
    this.bytes = bytes;
    this.#queue.useRun(used, next - from);
    return next;
  }

  /**
   * Has the queue look at chains again, where all that it had looked at were handed out.
   * @returns whether there is one
   */
  look(): boolean {
    if (this.#next < this.#end) return true;
    const queue = this.#queue;
    this.close();
    if (queue.lookAhead(true, this.#core.headerBytes, queue.size) <= 0) return false;
    const { region, offset, bytes, words, count } = queue.ahead;
    if (region !== this.#region || offset !== this.#offset) {
      this.settleAll();
      this.#region = region;
      this.#offset = offset;
    }
    this.#bytes = bytes;
    this.#ahead = words;
    this.#end = count;
    return true;
  }

  /** Adds the next chain to a slot, which is out. `look` has found it. */
  addTo(slot: ReceiveSlot): void {
    slot.addPlain(this.#queue.ahead, this.#next++, this.#core.headerBytes);
  }

  /** The queue is told of the chains that were handed out. */
  catchUp(): void {
    const told = this.#told;
    const next = this.#next;
    if (told === next) return;
    this.#told = next;
    // Memory may have changed: the queue finds its rings again.
    this.#queue.begin();
    this.#queue.takeRun(told, next - told);
  }

  /** Chains are taken from elsewhere now: what was looked at is as if it had not been. */
  close(): void {
    this.catchUp();
    this.forget();
  }

  /** The queue has forgotten its chains. */
  forget(): void {
    this.#told = 0;
    this.#next = 0;
    this.#end = 0;
  }

  /** The room is its slot's from now on. */
  settle(slot: ReceiveSlot): void {
    const at = slot.frame.cookie << 2;
    const room = this.#rooms[at] ?? 0;
    if (room === 0 || this.#region === null) return;
    this.catchUp();
    const headerAt = this.#offset + (this.#rooms[at + 1] as number);
    slot.setPlain(this.#slots.epoch, room & NAME, this.#rooms[at + 2] as number);
    slot.header.place(this.#region, headerAt, this.#core.headerBytes);
    this.#rooms[at] = 0;
  }

  /** `settle` for all slots. */
  settleAll(): void {
    for (const slot of this.#slots.all) this.settle(slot);
  }

  /** There are slots up to this cookie. */
  makeSpace(cookie: number): void {
    if (4 * cookie < this.#rooms.length) return;
    const rooms = new Int32Array(2 * this.#rooms.length);
    rooms.set(this.#rooms);
    this.#rooms = rooms;
    this.#used = new Int32Array(2 * this.#used.length);
  }

  #noteWrites(headerAt: number, headerBytes: number, frameAt: number, frameBytes: number): void {
    const { memory } = this.#core;
    const gpa = this.#region?.gpa ?? 0;
    memory.noteWrite(gpa + headerAt, headerBytes);
    memory.noteWrite(gpa + frameAt, frameBytes);
  }
}
