import { copyFrame, Frame } from "@vmmkit/ethif";
import { QUEUE_REFUSED, VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_NONE, type Virtqueue } from "@vmmkit/virtio";
import { type CardCore, ETHERNET_HEADER_BYTES } from "./card-core.ts";
import type { ReceiveCounters } from "./counters.ts";
import { writeHashFields } from "./hash-fields.ts";
import { HeadList } from "./head-list.ts";
import { FRAME_FILTERED, type FrameTaker } from "./ingress.ts";
import { writeNetHeader } from "./net-header.ts";
import { ReceiveSlot } from "./receive-slot.ts";

/**
 * The receive direction: buffers that the guest has posted become room for the backend's frames, and go back to the
 * guest filled.
 *
 * While the guest has buffers it need not notify us of more. Only when the backend found too few does the card ask
 * for notifications, look once more, and call `rawPoll` when some come. A backend also waits in vain where room comes
 * back that the guest will never notify us of, as it does not know of it: chains of a frame that was dropped, chains
 * that a frame turned out not to need, and the end of having all frames out that there can be. Then the card calls
 * `rawPoll` by itself.
 */
export class Receive implements FrameTaker {
  readonly #core: CardCore;
  #queue: Virtqueue;
  readonly #counters: ReceiveCounters;
  /** Number of the queue pair, and of its receive queue. */
  readonly #pair: number;
  readonly #index: number;
  readonly #slots: ReceiveSlot[] = [];
  readonly #free: ReceiveSlot[] = [];
  /** Chains taken from the ring and given back unused by the backend, to be handed out first. */
  #returned: HeadList;
  /** Takes the header bytes of chains behind the first, of which there are none. */
  readonly #none = new Frame();
  /** Takes the end of frames that are too long for the guest. Made when first needed. */
  #spill: Uint8Array | null = null;
  #epoch = 0;
  readonly #lookAgain = (): void => this.notify();
  /** The backend asked in vain and waits for `rawPoll`. */
  #starved = true;
  /** It asked in vain as it has all frames out that there can be. */
  #allOut = false;
  /** Room came back since it asked in vain, and the guest will not notify us of it. */
  #roomBack = false;
  /** `rawPoll` runs. */
  #polling = false;
  /** The guest posted buffers meanwhile. */
  #pollAgain = false;

  constructor(core: CardCore, queue: Virtqueue, counters: ReceiveCounters, pair = 0) {
    this.#core = core;
    this.#pair = pair;
    this.#index = 2 * pair;
    this.#queue = queue;
    this.#counters = counters;
    this.#returned = new HeadList(queue.size);
  }

  /** The guest placed the queue. Until now nothing was taken from it. */
  attach(queue: Virtqueue): void {
    if (queue.size !== this.#queue.size) this.#returned = new HeadList(queue.size);
    this.#queue = queue;
  }

  /** See `RawIfaceCallbacks.allocateRxBuf`. */
  allocate(sizeBytes: number): Frame | null {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) {
      throw new RangeError(`"sizeBytes" expected an integer from 1 on, got ${sizeBytes}`);
    }
    // Whatever makes the queue work again calls `rawPoll`, as it did before the first frame.
    if (!this.#core.running || !this.#queue.begin()) return null;
    const slot = this.#take();
    if (slot === null) {
      this.#starved = true;
      this.#allOut = true;
      return null;
    }
    // Without a link the frame has no room in guest memory: it is filled, and dropped.
    if (this.#core.linkUp && !this.#gather(slot, sizeBytes)) {
      this.#release(slot);
      return null;
    }
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.frame.rangeCount;
    if (slot.guestBytes < sizeBytes) this.#addSpill(slot.frame, sizeBytes - slot.guestBytes);
    slot.roomBytes = slot.frame.totalBytes;
    return slot.frame;
  }

  /** See `RawIfaceCallbacks.rxComplete`. @param from index of the first entry that counts */
  complete(count: number, frames: readonly Frame[], lengths: readonly number[], from = 0): void {
    const working = this.#core.running && this.#queue.begin();
    try {
      for (let i = from; i < count; i++) this.#takeBack(i, frames[i], lengths[i] ?? -1, working);
    } finally {
      if (this.#roomBack && this.#starved) this.#core.later(this.#lookAgain);
      this.#roomBack = false;
      // Also where an entry was refused: the frames before it are the guest's.
      if (working) {
        this.#queue.publish();
        if (this.#core.memory.writeObserver !== null) this.#noteWrites(from, count, frames, lengths);
        this.#core.interrupt(this.#index);
      }
    }
  }

  /** The guest posted buffers, or has just become ready. */
  notify(): void {
    if (!this.#starved || !this.#core.running || !this.#queue.begin()) return;
    if (this.#polling) {
      this.#pollAgain = true;
      return;
    }
    this.#starved = false;
    this.#queue.disableNotify();
    this.#poll();
  }

  /** The guest reset the card, or took the queue away. Frames that the backend still has become empty and belong to nobody. */
  reset(): void {
    this.#epoch++;
    this.#starved = true;
    this.#roomBack = false;
    this.#returned.clear();
    for (const slot of this.#slots) if (slot.out) slot.frame.clear();
  }

  /**
   * The backend is gone: what it had is room again. Frames that it still knows of are empty, and nobody's from now on.
   */
  abandon(): void {
    for (const [cookie, slot] of this.#slots.entries()) {
      if (!slot.out) continue;
      if (slot.epoch === this.#epoch) this.#putBack(slot, 0);
      slot.frame.clear();
      slot.out = false;
      const fresh = new ReceiveSlot(cookie, this.#pair);
      this.#slots[cookie] = fresh;
      this.#free.push(fresh);
    }
    // The next backend has asked for nothing yet, and is told that there is room.
    this.#allOut = false;
    this.#starved = true;
  }

  /** The queue is about to be stopped: buffers that were taken and not filled go back at once. */
  giveUp(): void {
    const queue = this.#queue;
    if (!queue.begin()) return;
    for (let head = this.#returned.shift(); head >= 0; head = this.#returned.shift()) queue.addUsed(head, 0);
    for (const slot of this.#slots) {
      if (!slot.out || slot.epoch !== this.#epoch) continue;
      for (let i = 0; i < slot.chainCount; i++) queue.addUsed(slot.heads[i] ?? 0, 0);
    }
    queue.publish();
  }

  /** Guest memory changed. */
  rebind(): void {
    for (const slot of this.#slots) if (slot.out) slot.rebind(this.#core.memory);
  }

  #poll(): void {
    let done = false;
    this.#polling = true;
    try {
      this.#core.funcs.rawPoll(this.#core.driver, this.#core.backendPairs > 1 ? this.#pair : undefined);
      done = true;
    } finally {
      this.#polling = false;
      // A backend that threw may still want to hear of buffers.
      if (!done) this.#starved = true;
      if ((!done && this.#queue.enableNotify()) || this.#pollAgain) this.#core.later(this.#lookAgain);
      this.#pollAgain = false;
    }
  }

  /** Takes one frame back from the backend. */
  #takeBack(index: number, frame: Frame | undefined, length: number, working: boolean): void {
    const slot = this.#outSlot(frame);
    const current = slot.epoch === this.#epoch;
    if (current && !(Number.isInteger(length) && length >= 0 && length <= slot.roomBytes)) {
      throw new RangeError(`"lengths[${index}]" expected 0 to ${slot.roomBytes}, got ${length}`);
    }
    if (working && current) this.#deliver(slot, length);
    else if (length > 0) this.#counters.dropped.reset++;
    this.#release(slot);
  }

  /**
   * Collects chains until they hold `sizeBytes`. False where the guest has posted too few; it will notify us of
   * more, and what was collected is kept for the next time.
   */
  #gather(slot: ReceiveSlot, sizeBytes: number): boolean {
    const queue = this.#queue;
    // Each round takes at least one chain, and only chains that are refused can come round again.
    for (let rounds = queue.size; rounds > 0; rounds--) {
      if (this.#fill(slot, sizeBytes)) return true;
      this.#putBack(slot, 0);
      slot.frame.clear();
      slot.chainCount = 0;
      if (!queue.enableNotify()) break;
      if (rounds === 1) this.#core.later(this.#lookAgain);
    }
    this.#starved = true;
    this.#roomBack = false;
    this.#counters.noBuffers++;
    // Chains that were refused on the way go home.
    queue.publish();
    this.#core.interrupt(this.#index);
    return false;
  }

  #fill(slot: ReceiveSlot, sizeBytes: number): boolean {
    const { frame, header } = slot;
    const { headerBytes, mergeable } = this.#core;
    for (let left = this.#queue.size; left > 0; left--) {
      const before = frame.totalBytes;
      const first = slot.chainCount === 0;
      const head = this.#nextChain(first ? headerBytes : 0, first ? header : this.#none, frame);
      if (head === QUEUE_REFUSED) continue;
      if (head < 0) break;
      const room = frame.totalBytes - before;
      if (first ? header.totalBytes < headerBytes : room === 0) {
        this.#counters.bufferTooSmall++;
        this.#queue.addUsed(head, 0);
        continue;
      }
      slot.heads[slot.chainCount] = head;
      slot.rooms[slot.chainCount] = room;
      slot.chainCount++;
      if (frame.totalBytes >= sizeBytes || !mergeable) return true;
    }
    // The whole ring does not hold such a frame: waiting for more would be for ever.
    return slot.chainCount === this.#queue.size;
  }

  #nextChain(headBytes: number, head: Frame, body: Frame): number {
    const returned = this.#returned.shift();
    if (returned < 0) return this.#queue.pop(true, headBytes, head, body);
    return this.#queue.walk(returned, true, headBytes, head, body) ? returned : QUEUE_REFUSED;
  }

  #deliver(slot: ReceiveSlot, length: number): void {
    const { frame, header } = slot;
    const dropped = this.#counters.dropped;
    if (length === 0) {
      // The backend knows that this room is there again: it gave it back.
      this.#putBack(slot, 0);
      return;
    }
    if (slot.chainCount === 0 || !this.#core.linkUp) dropped.linkDown++;
    else if (frame.rangeCount === 0 || header.rangeCount === 0) dropped.reset++;
    else if (length > slot.guestBytes || length > this.#core.maxReceiveBytes) dropped.tooLong++;
    else if (length < ETHERNET_HEADER_BYTES) dropped.tooShort++;
    else if ((frame.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0 || frame.gsoType !== VIRTIO_NET_HDR_GSO_NONE) {
      dropped.offload++;
    } else if (!this.#core.ingress.active || this.#admit(slot, length)) {
      this.#use(slot, length);
      return;
    }
    this.#keep(slot, 0);
  }

  /** Whether a frame is for this queue. One for another pair is copied there; one that nobody wants has been counted. */
  #admit({ frame }: ReceiveSlot, length: number): boolean {
    const { ingress } = this.#core;
    const pair = ingress.judge(frame, length, this.#pair);
    if (pair === this.#pair) return true;
    if (pair !== FRAME_FILTERED && !ingress.redirect(frame, length, pair)) this.#counters.dropped.otherPairFull++;
    return false;
  }

  /** See `FrameTaker.accept`. */
  accept(frame: Frame, length: number): boolean {
    const slot = this.#queue.begin() ? this.#take() : null;
    if (slot === null) return false;
    const fits = this.#gather(slot, length) && slot.frame.totalBytes >= length;
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.frame.rangeCount;
    if (fits) {
      copyFrame(frame, slot.frame, length);
      this.#use(slot, length);
      if (this.#core.memory.writeObserver !== null) slot.noteWrites(this.#core.memory, length);
    } else {
      this.#keep(slot, 0);
    }
    this.#release(slot);
    return fits;
  }

  /** See `FrameTaker.flush`. */
  flush(): void {
    if (!this.#core.running || !this.#queue.begin()) return;
    this.#queue.publish();
    this.#core.interrupt(this.#index);
  }

  /** Gives as many chains to the guest as the frame fills, and keeps the others. */
  #use(slot: ReceiveSlot, length: number): void {
    const { headerBytes } = this.#core;
    let left = length;
    let used = 0;
    while (left > 0 && used < slot.chainCount) {
      const filled = Math.min(slot.rooms[used] ?? 0, left);
      this.#queue.addUsed(slot.heads[used] ?? 0, used === 0 ? filled + headerBytes : filled);
      left -= filled;
      used++;
    }
    // Without GUEST_CSUM flags are 0, also the one that says that the checksum is right (5.1.6.4.1).
    slot.frame.flags = 0;
    writeNetHeader(slot.header, slot.frame, used);
    if (this.#core.hashReport) {
      const { hash } = this.#core.ingress.steering;
      writeHashFields(slot.header, hash.value, hash.report);
    }
    this.#keep(slot, used);
    this.#counters.frames++;
    this.#counters.bytes += length;
  }

  /** Keeps a slot's chains, of which the backend does not know that they are there again. */
  #keep(slot: ReceiveSlot, from: number): void {
    if (from < slot.chainCount) this.#roomBack = true;
    this.#putBack(slot, from);
  }

  /** Keeps a slot's chains from number `from` on for the next frame. */
  #putBack(slot: ReceiveSlot, from: number): void {
    for (let i = from; i < slot.chainCount; i++) this.#returned.push(slot.heads[i] ?? 0);
  }

  #addSpill(frame: Frame, bytes: number): void {
    if (this.#spill === null || this.#spill.length < bytes) this.#spill = new Uint8Array(bytes);
    frame.push(this.#spill, 0, bytes);
  }

  /** Tells whoever watches the guest's memory. The slots are free again, but nothing has used them since. */
  #noteWrites(from: number, count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    const { memory } = this.#core;
    for (let i = from; i < count; i++) {
      const frame = frames[i];
      const slot = frame === undefined ? undefined : this.#slots[frame.cookie];
      if (slot === undefined || slot.epoch !== this.#epoch) continue;
      slot.noteWrites(memory, lengths[i] ?? 0);
    }
  }

  #outSlot(frame: Frame | undefined): ReceiveSlot {
    const slot = frame === undefined ? undefined : this.#slots[frame.cookie];
    if (slot === undefined || !slot.out || slot.frame !== frame) {
      throw new RangeError('"frames" expected frames from allocateRxBuf that are not given back yet');
    }
    return slot;
  }

  /** A free slot, marked as out; null where the backend has as many frames as the queue has entries. */
  #take(): ReceiveSlot | null {
    let slot = this.#free.pop();
    if (slot === undefined) {
      if (this.#slots.length >= this.#queue.size) return null;
      slot = new ReceiveSlot(this.#slots.length, this.#pair);
      this.#slots.push(slot);
    }
    slot.take(this.#epoch);
    return slot;
  }

  #release(slot: ReceiveSlot): void {
    slot.out = false;
    this.#free.push(slot);
    if (this.#allOut) {
      this.#allOut = false;
      this.#roomBack = true;
    }
  }
}
