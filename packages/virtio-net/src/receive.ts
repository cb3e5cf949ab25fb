import type { Frame } from "@vmmkit/ethif";
import type { Virtqueue } from "@vmmkit/virtio";
import { BacklogDrain } from "./backlog-drain.ts";
import type { CardCore } from "./card-core.ts";
import type { ReceiveCounters } from "./counters.ts";
import type { FrameTaker } from "./ingress.ts";
import type { PlainRooms } from "./plain-rooms.ts";
import { ReceiveDelivery } from "./receive-delivery.ts";
import { ReceiveRooms } from "./receive-rooms.ts";
import type { ReceiveSlot } from "./receive-slot.ts";
import { ReceiveState } from "./receive-state.ts";

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
  readonly #state: ReceiveState;
  readonly #plain: PlainRooms;
  readonly #drain: BacklogDrain;
  readonly #rooms: ReceiveRooms;
  readonly #delivery: ReceiveDelivery;
  /** `rawPoll` runs. */
  #polling = false;
  /** The guest posted buffers meanwhile. */
  #pollAgain = false;

  constructor(core: CardCore, queue: Virtqueue, counters: ReceiveCounters, pair = 0) {
    this.#core = core;
    this.#state = new ReceiveState(core, queue, counters, pair, () => this.notify());
    this.#plain = this.#state.plain;
    this.#drain = new BacklogDrain(this.#state);
    this.#rooms = new ReceiveRooms(this.#state, this.#drain);
    this.#delivery = new ReceiveDelivery(this.#state, this.#drain, this.#rooms);
  }

  /** The guest placed the queue. Until now nothing was taken from it. */
  attach(queue: Virtqueue): void {
    this.#state.attach(queue);
  }

  /** See `RawIfaceCallbacks.allocateRxBuf`. */
  allocate(sizeBytes: number): Frame | null {
    return this.#plain.take(sizeBytes) ?? this.#rooms.find(sizeBytes);
  }

  /** See `RawIfaceCallbacks.allocateRxBufs`. */
  allocateSeveral(count: number, frames: Frame[], lengths: readonly number[]): number {
    let next = this.#plain.takeRun(0, count, frames, lengths);
    while (next < count) {
      const frame = this.#rooms.find(lengths[next] ?? 0);
      if (frame === null) break;
      frames[next] = frame;
      next = this.#plain.takeRun(next + 1, count, frames, lengths);
    }
    return next;
  }

  /** See `RawIfaceCallbacks.rxComplete`. @param from index of the first entry that counts */
  complete(count: number, frames: readonly Frame[], lengths: readonly number[], from = 0): void {
    const working = this.#core.running && this.#state.queue.begin();
    this.#plain.catchUp();
    try {
      for (let i = from; i < count; i++) {
        if (working && this.#state.backlog.empty) i = this.#takePlainBack(i, count, frames, lengths);
        if (i < count) this.#takeBack(i, frames[i], lengths[i] ?? -1, working);
      }
    } finally {
      if (this.#state.roomBack && this.#state.starved) this.#core.later(this.#state.lookAgain);
      this.#state.roomBack = false;
      // Also where an entry was refused: the frames before it are the guest's.
      if (working) this.#state.show();
    }
  }

  /** The guest posted buffers, or has just become ready. */
  notify(): void {
    if (!this.#state.starved || !this.#core.running || !this.#state.queue.begin()) return;
    if (this.#polling) {
      this.#pollAgain = true;
      return;
    }
    if (!this.#state.backlog.empty) {
      const done = this.#drain.drain();
      this.#state.show();
      if (!done || !this.#state.queue.begin()) return;
    }
    this.#state.starved = false;
    this.#state.queue.disableNotify();
    this.#poll();
  }

  /** The guest reset the card, or took the queue away. Frames that the backend still has become empty and belong to nobody. */
  reset(): void {
    this.#plain.forget();
    this.#plain.settleAll();
    this.#state.slots.epoch++;
    this.#state.starved = true;
    this.#state.roomBack = false;
    this.#state.chains.clear();
    this.#state.counters.dropped.reset += this.#state.backlog.clear();
    for (const slot of this.#state.slots.all) if (slot.out) slot.frame.clear();
  }

  /** The queue is about to be stopped: buffers that were taken and not filled go back at once. */
  giveUp(): void {
    const { queue, slots, chains } = this.#state;
    if (!queue.begin()) return;
    this.#plain.close();
    this.#plain.settleAll();
    chains.giveUp();
    for (const slot of slots.all) {
      if (!slot.out || slot.epoch !== slots.epoch) continue;
      for (let i = 0; i < slot.chains.count; i++) queue.addUsed(slot.chains.headOf(i), 0);
    }
    queue.publish();
  }

  /** The backend is gone: what it had is room again. Frames that it still knows of are empty, and nobody's from now on. */
  abandon(): void {
    const { slots, backlog } = this.#state;
    this.#plain.close();
    this.#plain.settleAll();
    for (const [cookie, slot] of slots.all.entries()) {
      if (!slot.out) continue;
      if (slot.epoch === slots.epoch) this.#state.putBack(slot, 0);
      if (slot.staged !== null) backlog.release(slot.staged);
      slot.staged = null;
      slot.frame.clear();
      slot.out = false;
      slots.replace(cookie);
    }
    // The next backend has asked for nothing yet, and is told that there is room.
    this.#state.allOut = false;
    this.#state.starved = true;
  }

  /** What the queue was not told of yet becomes its state. */
  catchUp(): void {
    this.#plain.catchUp();
  }

  /** Guest memory changed. */
  rebind(): void {
    this.#plain.close();
    this.#plain.settleAll();
    for (const slot of this.#state.slots.all) if (slot.out) slot.rebind(this.#core.memory);
  }

  #poll(): void {
    let done = false;
    this.#polling = true;
    try {
      this.#core.funcs.rawPoll(this.#core.driver, this.#core.backendPairs > 1 ? this.#state.pair : undefined);
      done = true;
    } finally {
      this.#polling = false;
      // A backend that threw may still want to hear of buffers.
      if (!done) this.#state.starved = true;
      if ((!done && this.#state.queue.enableNotify()) || this.#pollAgain) this.#core.later(this.#state.lookAgain);
      this.#pollAgain = false;
    }
  }

  /** Takes one frame back from the backend. */
  #takeBack(index: number, frame: Frame | undefined, length: number, working: boolean): void {
    const slot = this.#outSlot(frame);
    const current = slot.epoch === this.#state.slots.epoch;
    if (current && !(Number.isInteger(length) && length >= 0 && length <= slot.roomBytes)) {
      throw new RangeError(`"lengths[${index}]" expected 0 to ${slot.roomBytes}, got ${length}`);
    }
    if (working && current) {
      this.#delivery.deliver(slot, length);
      if (this.#core.memory.writeObserver !== null) slot.noteWrites(this.#core.memory, length);
    } else if (length > 0) this.#state.counters.dropped.reset++;
    this.#state.release(slot);
  }

  /**
   * Takes frames back that go to the guest as they are, each in the one chain that it lies in.
   * @returns index of the first that does not
   */
  #takePlainBack(from: number, count: number, frames: readonly Frame[], lengths: readonly number[]): number {
    const next = this.#plain.giveBack(from, count, frames, lengths);
    this.#state.counters.frames += next - from;
    this.#state.counters.bytes += this.#plain.bytes;
    if (next > from) this.#state.released();
    return next;
  }

  /** See `FrameTaker.accept`. */
  accept(frame: Frame, length: number): boolean {
    return this.#delivery.accept(frame, length);
  }

  /** See `FrameTaker.flush`. */
  flush(): void {
    if (!this.#core.running || !this.#state.queue.begin()) return;
    this.#state.show();
  }

  #outSlot(frame: Frame | undefined): ReceiveSlot {
    const slot = frame === undefined ? undefined : this.#state.slots.all[frame.cookie];
    if (slot !== undefined) this.#plain.settle(slot);
    if (slot === undefined || !slot.out || slot.frame !== frame) {
      throw new RangeError('"frames" expected frames from allocateRxBuf that are not given back yet');
    }
    return slot;
  }
}
