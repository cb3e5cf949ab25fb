import { Frame } from "@vmmkit/ethif";
import { QUEUE_REFUSED, VIRTIO_NET_RX_QUEUE, type Virtqueue } from "@vmmkit/virtio";
import type { GuestMemory } from "@vmmkit/vm";
import { type CardCore, ETHERNET_HEADER_BYTES } from "./card-core.ts";
import type { ReceiveCounters } from "./counters.ts";
import { HeadList } from "./head-list.ts";
import { writeNetHeader } from "./net-header.ts";
import { rebindFrame } from "./rebind.ts";

/** Room for one frame: one chain, or with MRG_RXBUF as many as it takes. */
class ReceiveSlot {
  /** The room as the backend sees it. */
  readonly frame = new Frame();
  /** Where the header goes: the start of the first chain. */
  readonly header = new Frame();
  /** Heads of the chains, in order. */
  readonly heads: number[] = [];
  /** Room for the frame in each chain, in bytes. */
  readonly rooms: number[] = [];
  chainCount = 0;
  /** Room in guest memory; the frame may have more, which is nobody's. */
  guestBytes = 0;
  /** Ranges in guest memory. */
  guestRanges = 0;
  /** The backend has it. */
  out = false;
  /** Which life of the card it belongs to: a reset ends one. */
  epoch = 0;

  constructor(cookie: number) {
    this.frame.cookie = cookie;
  }
}

/**
 * The receive direction: buffers that the guest has posted become room for the backend's frames, and go back to the
 * guest filled.
 *
 * While the guest has buffers it need not notify us of more. Only when the backend found too few does the card ask
 * for notifications, look once more, and call `rawPoll` when some come.
 */
export class Receive {
  readonly #core: CardCore;
  readonly #queue: Virtqueue;
  readonly #counters: ReceiveCounters;
  readonly #slots: ReceiveSlot[] = [];
  readonly #free: ReceiveSlot[] = [];
  /** Chains taken from the ring and given back unused by the backend, to be handed out first. */
  readonly #returned: HeadList;
  /** Takes the header bytes of chains behind the first, of which there are none. */
  readonly #none = new Frame();
  /** Takes the end of frames that are too long for the guest. Made when first needed. */
  #spill: Uint8Array | null = null;
  #epoch = 0;
  readonly #lookAgain = (): void => this.notify();
  /** The backend asked in vain and waits for `rawPoll`. */
  #starved = true;

  constructor(core: CardCore, queue: Virtqueue, counters: ReceiveCounters) {
    this.#core = core;
    this.#queue = queue;
    this.#counters = counters;
    this.#returned = new HeadList(queue.size);
  }

  /** See `RawIfaceCallbacks.allocateRxBuf`. */
  allocate(sizeBytes: number): Frame | null {
    if (!(sizeBytes >= 1)) throw new RangeError(`"sizeBytes" expected at least 1, got ${sizeBytes}`);
    if (!this.#core.running || !this.#queue.begin()) {
      this.#starved = true;
      return null;
    }
    const slot = this.#take();
    if (slot === null) return null;
    // Without a link the frame has no room in guest memory: it is filled, and dropped.
    if (this.#core.linkUp && !this.#gather(slot, sizeBytes)) {
      this.#release(slot);
      return null;
    }
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.frame.rangeCount;
    if (slot.guestBytes < sizeBytes) this.#addSpill(slot.frame, sizeBytes - slot.guestBytes);
    return slot.frame;
  }

  /** See `RawIfaceCallbacks.rxComplete`. */
  complete(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    const working = this.#core.running && this.#queue.begin();
    for (let i = 0; i < count; i++) {
      const slot = this.#outSlot(frames[i]);
      const length = lengths[i] ?? -1;
      if (slot.epoch === this.#epoch && !(length >= 0 && length <= slot.frame.totalBytes)) {
        throw new RangeError(`"lengths[${i}]" expected 0 to ${slot.frame.totalBytes}, got ${length}`);
      }
      if (working && slot.epoch === this.#epoch) this.#deliver(slot, length);
      else if (length > 0) this.#counters.dropped.reset++;
      this.#release(slot);
    }
    if (!working) return;
    this.#queue.publish();
    if (this.#core.memory.writeObserver !== null) this.#noteWrites(count, frames, lengths);
    this.#core.interrupt(VIRTIO_NET_RX_QUEUE);
  }

  /** The guest posted buffers, or has just become ready. */
  notify(): void {
    if (!this.#starved || !this.#core.running || !this.#queue.begin()) return;
    this.#starved = false;
    this.#queue.disableNotify();
    this.#core.funcs.rawPoll(this.#core.driver);
  }

  /** The guest reset the card. Frames that the backend still has become empty and belong to nobody. */
  reset(): void {
    this.#epoch++;
    this.#starved = true;
    this.#returned.clear();
    for (const slot of this.#slots) if (slot.out) slot.frame.clear();
  }

  /** Guest memory changed. */
  rebind(): void {
    for (const slot of this.#slots) {
      if (!slot.out) continue;
      rebindFrame(slot.frame, this.#core.memory, slot.guestRanges);
      rebindFrame(slot.header, this.#core.memory);
    }
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
    this.#counters.noBuffers++;
    // Chains that were refused on the way go home.
    queue.publish();
    this.#core.interrupt(VIRTIO_NET_RX_QUEUE);
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
      if (first && header.totalBytes < headerBytes) {
        this.#counters.bufferTooSmall++;
        this.#queue.addUsed(head, 0);
        continue;
      }
      slot.heads[slot.chainCount] = head;
      slot.rooms[slot.chainCount] = frame.totalBytes - before;
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
    const dropped = this.#counters.dropped;
    if (length > 0) {
      if (slot.chainCount === 0 || !this.#core.linkUp) dropped.linkDown++;
      else if (length > slot.guestBytes) dropped.tooLong++;
      else if (length < ETHERNET_HEADER_BYTES) dropped.tooShort++;
      else {
        this.#use(slot, length);
        return;
      }
    }
    this.#putBack(slot, 0);
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
    writeNetHeader(slot.header, slot.frame, used);
    this.#putBack(slot, used);
    this.#counters.frames++;
    this.#counters.bytes += length;
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
  #noteWrites(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    const { memory } = this.#core;
    for (let i = 0; i < count; i++) {
      const frame = frames[i];
      const slot = frame === undefined ? undefined : this.#slots[frame.cookie];
      if (slot === undefined || slot.epoch !== this.#epoch) continue;
      noteRanges(memory, slot.header, slot.header.totalBytes);
      noteRanges(memory, slot.frame, Math.min(lengths[i] ?? 0, slot.guestBytes));
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
      slot = new ReceiveSlot(this.#slots.length);
      this.#slots.push(slot);
    }
    slot.frame.clear();
    slot.header.clear();
    slot.chainCount = 0;
    slot.out = true;
    slot.epoch = this.#epoch;
    return slot;
  }

  #release(slot: ReceiveSlot): void {
    slot.out = false;
    this.#free.push(slot);
  }
}

function noteRanges(memory: GuestMemory, frame: Frame, lengthBytes: number): void {
  let left = lengthBytes;
  for (let i = 0; i < frame.rangeCount && left > 0; i++) {
    const count = Math.min(frame.length[i] ?? 0, left);
    memory.noteWrite(frame.gpa[i] ?? 0, count);
    left -= count;
  }
}
