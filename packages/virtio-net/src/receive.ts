import { copyFrame, type Frame } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_GSO_NONE, type Virtqueue } from "@vmmkit/virtio";
import type { CardCore } from "./card-core.ts";
import type { ReceiveCounters, ReceiveDrop } from "./counters.ts";
import { writeHashFields } from "./hash-fields.ts";
import { FRAME_FILTERED, type FrameTaker } from "./ingress.ts";
import { writeNetHeader } from "./net-header.ts";
import { ReceiveBacklog } from "./offload/receive-backlog.ts";
import { settleOffloads } from "./offload/settle-offloads.ts";
import { STAGED_FRAME_BYTES } from "./offload/staged-frame.ts";
import { PlainRooms } from "./plain-rooms.ts";
import { ReceiveChains } from "./receive-chains.ts";
import { isTooLongForRing, lengthFault, willSegment } from "./receive-limit.ts";
import { ReceiveSlot } from "./receive-slot.ts";
import { ReceiveSlots } from "./receive-slots.ts";

/**
 * The receive direction: buffers that the guest has posted become room for the backend's frames, and go back to the
 * guest filled.
 *
 * While the guest has buffers it need not notify us of more. Only when the backend found too few does the card ask
 * for notifications, look once more, and call `rawPoll` when some come. A backend also waits in vain where room comes
 * back that the guest will never notify us of, as it does not know of it: chains of a frame that was dropped, chains
 * that a frame turned out not to need, and the end of having all frames out that there can be. Then the card calls
 * `rawPoll` by itself.
 *
 * A frame that asks for something which the guest did not agree to (a checksum to be filled in, segmentation) gets its
 * checksum where it lies; if it is too long it goes through host memory, the backlog, and to the guest in segments.
 */
export class Receive implements FrameTaker {
  readonly #core: CardCore;
  #queue: Virtqueue;
  readonly #counters: ReceiveCounters;
  /** Number of the queue pair, and of its receive queue. */
  readonly #pair: number;
  readonly #index: number;
  readonly #slots: ReceiveSlots;
  readonly #plain: PlainRooms;
  readonly #chains: ReceiveChains;
  /** Takes the end of frames that are too long for the guest. Made when first needed. */
  #spill: Uint8Array | null = null;
  readonly #backlog: ReceiveBacklog;
  /** The chains of one piece of the backlog. No backend ever has it. */
  readonly #piece = new ReceiveSlot(-1, 0);
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
    this.#slots = new ReceiveSlots(pair);
    this.#plain = new PlainRooms(core, this.#slots, queue);
    this.#chains = new ReceiveChains(core, queue, counters);
    this.#backlog = new ReceiveBacklog(core);
  }

  /** The guest placed the queue. Until now nothing was taken from it. */
  attach(queue: Virtqueue): void {
    this.#chains.attach(queue);
    this.#plain.attach(queue);
    this.#queue = queue;
  }

  /** See `RawIfaceCallbacks.allocateRxBuf`. */
  allocate(sizeBytes: number): Frame | null {
    return this.#plain.take(sizeBytes) ?? this.#room(sizeBytes);
  }

  #room(sizeBytes: number): Frame | null {
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
    if (this.#core.linkUp && !this.#takeAhead(slot, sizeBytes) && !this.#makeRoom(slot, sizeBytes)) {
      this.#release(slot);
      return null;
    }
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.staged === null ? slot.frame.rangeCount : 0;
    if (slot.guestBytes < sizeBytes) this.#addSpill(slot.frame, sizeBytes - slot.guestBytes);
    slot.roomBytes = slot.frame.totalBytes;
    return slot.frame;
  }

  /** See `RawIfaceCallbacks.rxComplete`. @param from index of the first entry that counts */
  complete(count: number, frames: readonly Frame[], lengths: readonly number[], from = 0): void {
    const working = this.#core.running && this.#queue.begin();
    this.#plain.catchUp();
    try {
      for (let i = from; i < count; i++) {
        if (working && this.#backlog.empty) i = this.#takePlainBack(i, count, frames, lengths);
        if (i < count) this.#takeBack(i, frames[i], lengths[i] ?? -1, working);
      }
    } finally {
      if (this.#roomBack && this.#starved) this.#core.later(this.#lookAgain);
      this.#roomBack = false;
      // Also where an entry was refused: the frames before it are the guest's.
      if (working) {
        this.#queue.publish();
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
    if (!this.#backlog.empty) {
      const done = this.#drain();
      this.#queue.publish();
      this.#core.interrupt(this.#index);
      if (!done || !this.#queue.begin()) return;
    }
    this.#starved = false;
    this.#queue.disableNotify();
    this.#poll();
  }

  /** The guest reset the card, or took the queue away. Frames that the backend still has become empty and belong to nobody. */
  reset(): void {
    this.#plain.forget();
    this.#plain.settleAll();
    this.#slots.epoch++;
    this.#starved = true;
    this.#roomBack = false;
    this.#chains.clear();
    this.#counters.dropped.reset += this.#backlog.clear();
    for (const slot of this.#slots.all) if (slot.out) slot.frame.clear();
  }

  /** The queue is about to be stopped: buffers that were taken and not filled go back at once. */
  giveUp(): void {
    const queue = this.#queue;
    if (!queue.begin()) return;
    this.#plain.close();
    this.#plain.settleAll();
    this.#chains.giveUp();
    for (const slot of this.#slots.all) {
      if (!slot.out || slot.epoch !== this.#slots.epoch) continue;
      for (let i = 0; i < slot.chains.count; i++) queue.addUsed(slot.chains.headOf(i), 0);
    }
    queue.publish();
  }

  /** The backend is gone: what it had is room again. Frames that it still knows of are empty, and nobody's from now on. */
  abandon(): void {
    this.#plain.close();
    this.#plain.settleAll();
    for (const [cookie, slot] of this.#slots.all.entries()) {
      if (!slot.out) continue;
      if (slot.epoch === this.#slots.epoch) this.#putBack(slot, 0);
      if (slot.staged !== null) this.#backlog.release(slot.staged);
      slot.staged = null;
      slot.frame.clear();
      slot.out = false;
      this.#slots.replace(cookie);
    }
    // The next backend has asked for nothing yet, and is told that there is room.
    this.#allOut = false;
    this.#starved = true;
  }

  /** What the queue was not told of yet becomes its state. */
  catchUp(): void {
    this.#plain.catchUp();
  }

  /** Guest memory changed. */
  rebind(): void {
    this.#plain.close();
    this.#plain.settleAll();
    for (const slot of this.#slots.all) if (slot.out) slot.rebind(this.#core.memory);
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
    const current = slot.epoch === this.#slots.epoch;
    if (current && !(Number.isInteger(length) && length >= 0 && length <= slot.roomBytes)) {
      throw new RangeError(`"lengths[${index}]" expected 0 to ${slot.roomBytes}, got ${length}`);
    }
    if (working && current) {
      this.#deliver(slot, length);
      if (this.#core.memory.writeObserver !== null) slot.noteWrites(this.#core.memory, length);
    } else if (length > 0) this.#counters.dropped.reset++;
    this.#release(slot);
  }

  /**
   * Finds room in chains that the queue has looked at.
   * @returns false where it takes another chain, or another place: what was found stays in the slot
   */
  #takeAhead(slot: ReceiveSlot, sizeBytes: number): boolean {
    const core = this.#core;
    if (this.#chains.returned !== 0 || !this.#backlog.empty || sizeBytes > core.maxFrameBytes) return false;
    do {
      if (!this.#plain.look()) return false;
      this.#plain.addTo(slot);
    } while (slot.frame.totalBytes < sizeBytes && core.mergeable);
    return true;
  }

  /**
   * Takes frames back that go to the guest as they are, each in the one chain that it lies in.
   * @returns index of the first that does not
   */
  #takePlainBack(from: number, count: number, frames: readonly Frame[], lengths: readonly number[]): number {
    const next = this.#plain.giveBack(from, count, frames, lengths);
    this.#counters.frames += next - from;
    this.#counters.bytes += this.#plain.bytes;
    if (next > from) this.#released();
    return next;
  }

  /** Finds room for a frame: in the guest's buffers, or in the card's memory where it will be segmented. */
  #makeRoom(slot: ReceiveSlot, sizeBytes: number): boolean {
    if (!this.#backlog.empty) {
      const done = this.#drain();
      this.#queue.publish();
      this.#core.interrupt(this.#index);
      if (!done) {
        this.#counters.noBuffers++;
        return false;
      }
    }
    if (!willSegment(this.#core, sizeBytes)) {
      if (!this.#gather(slot, sizeBytes)) return false;
      if (!isTooLongForRing(this.#core, slot.frame, sizeBytes)) return true;
      this.#empty(slot);
    }
    slot.staged = this.#backlog.take();
    if (slot.staged !== null) {
      slot.frame.push(slot.staged.bytes, slot.staged.at(0), STAGED_FRAME_BYTES);
      return true;
    }
    this.#starved = true;
    this.#allOut = true;
    return false;
  }

  /** Keeps what was collected for another try. */
  #empty(slot: ReceiveSlot): void {
    this.#putBack(slot, 0);
    slot.clear();
  }

  /**
   * Collects chains until they hold `sizeBytes`, or are all that the ring can have. False where the guest has posted too few; it will notify us of
   * more, and what was collected is kept for the next time.
   */
  #gather(slot: ReceiveSlot, sizeBytes: number): boolean {
    const queue = this.#queue;
    // Each round takes at least one chain, and only chains that are refused can come round again.
    for (let rounds = queue.size; rounds > 0; rounds--) {
      if (this.#fill(slot, sizeBytes)) return true;
      this.#empty(slot);
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
    this.#plain.close();
    return this.#chains.fill(slot, sizeBytes);
  }

  #deliver(slot: ReceiveSlot, length: number): void {
    const { frame } = slot;
    if (length === 0) {
      // The backend knows that this room is there again: it gave it back.
      this.#putBack(slot, 0);
      return;
    }
    if (this.#core.ingress.active && lengthFault(this.#core, slot, length) === null && !this.#admit(slot, length)) {
      this.#keep(slot, 0);
      return;
    }
    const plain = (frame.flags | frame.gsoType) === 0 && slot.staged === null && this.#backlog.empty;
    const cause = plain ? lengthFault(this.#core, slot, length) : this.#deliverOffload(slot, length);
    if (cause !== null) {
      this.#counters.dropped[cause]++;
      this.#keep(slot, 0);
    } else if (plain) this.#use(slot, length);
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
    if (!this.#queue.begin()) return false;
    const whole = (frame.flags | frame.gsoType) === 0 || settleOffloads(this.#core, frame, length);
    if (whole && this.#backlog.empty) return this.#copyIn(frame, length);
    if (!whole && (frame.gsoType === VIRTIO_NET_HDR_GSO_NONE || !this.#core.softwareOffloads)) {
      this.#counters.dropped.offload++;
    } else if (this.#backlog.addCopy(frame, length, whole)) this.#drain();
    else this.#counters.dropped.noBuffers++;
    return true;
  }

  #copyIn(frame: Frame, length: number): boolean {
    const slot = this.#take();
    if (slot === null) return false;
    const gathered = this.#gather(slot, length);
    const fits = gathered && slot.frame.totalBytes >= length;
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.frame.rangeCount;
    if (gathered && frame.gsoType !== VIRTIO_NET_HDR_GSO_NONE && isTooLongForRing(this.#core, slot.frame, length)) {
      this.#keep(slot, 0);
      this.#release(slot);
      if (!this.#backlog.addCopy(frame, length, false)) return false;
      this.#drain();
      return true;
    }
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

  /** Delivers a frame that leaves something to the guest, or that has to wait behind others. */
  #deliverOffload(slot: ReceiveSlot, length: number): ReceiveDrop | null {
    const { frame } = slot;
    const cause = lengthFault(this.#core, slot, length);
    if (cause !== null) return cause;
    const whole = settleOffloads(this.#core, frame, length);
    if (!whole && (frame.gsoType === VIRTIO_NET_HDR_GSO_NONE || !this.#core.softwareOffloads)) return "offload";
    if (whole && slot.staged === null && this.#backlog.empty) {
      this.#use(slot, length);
      return null;
    }
    if (slot.staged !== null) {
      this.#backlog.add(slot.staged, length, frame, whole);
      slot.staged = null;
    } else if (!this.#backlog.addCopy(frame, length, whole)) return "noBuffers";
    this.#keep(slot, 0);
    this.#drain();
    return null;
  }

  /** Gives the guest what waits for it, as far as there is room. False where there is too little; it will notify us. */
  #drain(): boolean {
    const backlog = this.#backlog;
    if (!this.#core.linkUp) this.#counters.dropped.linkDown += backlog.clear();
    for (let rounds = this.#queue.size; !backlog.empty; ) {
      this.#counters.dropped.offload += backlog.advance();
      if (backlog.pieceBytes === 0 || this.#deliverPiece()) continue;
      this.#starved = true;
      if (!this.#queue.enableNotify()) return false;
      // Each round takes at least one chain, and only chains that are refused can come round again.
      if (--rounds === 0) {
        this.#core.later(this.#lookAgain);
        return false;
      }
    }
    return true;
  }

  /** Gives the guest the next piece of what waits. False where it has too little room. */
  #deliverPiece(): boolean {
    const backlog = this.#backlog;
    const slot = this.#piece;
    const length = backlog.pieceBytes;
    slot.take(this.#slots.epoch);
    if (!this.#fill(slot, length)) {
      this.#putBack(slot, 0);
      return false;
    }
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.frame.rangeCount;
    if (backlog.canSegment && isTooLongForRing(this.#core, slot.frame, length)) {
      this.#putBack(slot, 0);
      backlog.segment();
      return true;
    }
    if (length > slot.guestBytes) {
      this.#counters.dropped.tooLong++;
      this.#putBack(slot, 0);
    } else {
      backlog.copyPiece(slot.frame);
      if (this.#core.hashReport) this.#core.ingress.hash(slot.frame, length);
      this.#use(slot, length);
      if (this.#core.memory.writeObserver !== null) slot.noteWrites(this.#core.memory, length);
    }
    backlog.dropPiece();
    return true;
  }

  /** Gives as many chains to the guest as the frame fills, and keeps the others. */
  #use(slot: ReceiveSlot, length: number): void {
    const { headerBytes } = this.#core;
    const { chains } = slot;
    let left = length;
    let used = 0;
    while (left > 0 && used < chains.count) {
      const filled = Math.min(chains.roomOf(used), left);
      this.#queue.addUsed(chains.headOf(used), used === 0 ? filled + headerBytes : filled);
      left -= filled;
      used++;
    }
    writeNetHeader(slot.header, slot.frame, used, this.#core.views);
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
    if (from < slot.chains.count) this.#roomBack = true;
    this.#putBack(slot, from);
  }

  /** Keeps a slot's chains from number `from` on for the next frame. */
  #putBack(slot: ReceiveSlot, from: number): void {
    // A later frame that the backend has is shown to an in-order driver only behind these chains (2.7.9, 2.8.8): they
    // go back unused rather than have it wait for a frame that may never come.
    const keeps = !this.#core.inOrder || this.#slots.outCount <= 1;
    if (keeps && from < slot.chains.count) this.#plain.close();
    this.#chains.putBack(slot, from, keeps);
  }

  #addSpill(frame: Frame, bytes: number): void {
    if (this.#spill === null || this.#spill.length < bytes) this.#spill = new Uint8Array(bytes);
    frame.push(this.#spill, 0, bytes);
  }

  #outSlot(frame: Frame | undefined): ReceiveSlot {
    const slot = frame === undefined ? undefined : this.#slots.all[frame.cookie];
    if (slot !== undefined) this.#plain.settle(slot);
    if (slot === undefined || !slot.out || slot.frame !== frame) {
      throw new RangeError('"frames" expected frames from allocateRxBuf that are not given back yet');
    }
    return slot;
  }

  /** A free slot, marked as out; null where the backend has as many frames as the queue has entries. */
  #take(): ReceiveSlot | null {
    const slot = this.#slots.take(this.#queue.size);
    if (slot === null) return null;
    this.#plain.makeSpace(slot.frame.cookie);
    slot.take(this.#slots.epoch);
    return slot;
  }

  #release(slot: ReceiveSlot): void {
    slot.out = false;
    if (slot.staged !== null) this.#backlog.release(slot.staged);
    slot.staged = null;
    this.#slots.release(slot);
    this.#released();
  }

  /** A slot is free again. */
  #released(): void {
    if (this.#allOut) {
      this.#allOut = false;
      this.#roomBack = true;
    }
  }
}
