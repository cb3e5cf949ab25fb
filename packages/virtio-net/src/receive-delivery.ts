import { copyFrame, type Frame } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_GSO_NONE } from "@vmmkit/virtio";
import type { BacklogDrain } from "./backlog-drain.ts";
import type { CardCore } from "./card-core.ts";
import type { ReceiveDrop } from "./counters.ts";
import { FRAME_FILTERED } from "./ingress.ts";
import { settleOffloads } from "./offload/settle-offloads.ts";
import { isTooLongForRing, lengthFault } from "./receive-limit.ts";
import type { ReceiveRooms } from "./receive-rooms.ts";
import type { ReceiveSlot } from "./receive-slot.ts";
import type { ReceiveState } from "./receive-state.ts";

/**
 * Gives the guest frames that do not go the usual way: those that are filtered or belong to another pair, leave something
 * to be done, have several chains, or are dropped.
 */
export class ReceiveDelivery {
  readonly #core: CardCore;
  readonly #state: ReceiveState;
  readonly #drain: BacklogDrain;
  readonly #rooms: ReceiveRooms;

  constructor(state: ReceiveState, drain: BacklogDrain, rooms: ReceiveRooms) {
    this.#core = state.core;
    this.#state = state;
    this.#drain = drain;
    this.#rooms = rooms;
  }

  /** A frame of `length` bytes in its slot, as the backend gave it back. */
  deliver(slot: ReceiveSlot, length: number): void {
    const { frame } = slot;
    if (length === 0) {
      // The backend knows that this room is there again: it gave it back.
      this.#state.putBack(slot, 0);
      return;
    }
    if (this.#core.ingress.active && lengthFault(this.#core, slot, length) === null && !this.#admit(slot, length)) {
      this.#state.keep(slot, 0);
      return;
    }
    const plain = (frame.flags | frame.gsoType) === 0 && slot.staged === null && this.#state.backlog.empty;
    const cause = plain ? lengthFault(this.#core, slot, length) : this.#deliverOffload(slot, length);
    if (cause !== null) {
      this.#state.counters.dropped[cause]++;
      this.#state.keep(slot, 0);
    } else if (plain) this.#state.use(slot, length);
  }

  /** Whether a frame is for this queue. One for another pair is copied there; one that nobody wants has been counted. */
  #admit({ frame }: ReceiveSlot, length: number): boolean {
    const { ingress } = this.#core;
    const pair = ingress.judge(frame, length, this.#state.pair);
    if (pair === this.#state.pair) return true;
    if (pair !== FRAME_FILTERED && !ingress.redirect(frame, length, pair)) this.#state.counters.dropped.otherPairFull++;
    return false;
  }

  /** Delivers a frame that leaves something to the guest, or that has to wait behind others. */
  #deliverOffload(slot: ReceiveSlot, length: number): ReceiveDrop | null {
    const { frame } = slot;
    const cause = lengthFault(this.#core, slot, length);
    if (cause !== null) return cause;
    const whole = settleOffloads(this.#core, frame, length);
    if (!whole && (frame.gsoType === VIRTIO_NET_HDR_GSO_NONE || !this.#core.softwareOffloads)) return "offload";
    if (whole && slot.staged === null && this.#state.backlog.empty) {
      this.#state.use(slot, length);
      return null;
    }
    if (slot.staged !== null) {
      this.#state.backlog.add(slot.staged, length, frame, whole);
      slot.staged = null;
    } else if (!this.#state.backlog.addCopy(frame, length, whole)) return "noBuffers";
    this.#state.keep(slot, 0);
    this.#drain.drain();
    return null;
  }

  /** See `FrameTaker.accept`. */
  accept(frame: Frame, length: number): boolean {
    if (!this.#state.queue.begin()) return false;
    const whole = (frame.flags | frame.gsoType) === 0 || settleOffloads(this.#core, frame, length);
    if (whole && this.#state.backlog.empty) return this.#copyIn(frame, length);
    if (!whole && (frame.gsoType === VIRTIO_NET_HDR_GSO_NONE || !this.#core.softwareOffloads)) {
      this.#state.counters.dropped.offload++;
    } else if (this.#state.backlog.addCopy(frame, length, whole)) this.#drain.drain();
    else this.#state.counters.dropped.noBuffers++;
    return true;
  }

  #copyIn(frame: Frame, length: number): boolean {
    const slot = this.#state.take();
    if (slot === null) return false;
    const gathered = this.#rooms.gather(slot, length);
    const fits = gathered && slot.frame.totalBytes >= length;
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.frame.rangeCount;
    if (gathered && frame.gsoType !== VIRTIO_NET_HDR_GSO_NONE && isTooLongForRing(this.#core, slot.frame, length)) {
      this.#state.keep(slot, 0);
      this.#state.release(slot);
      if (!this.#state.backlog.addCopy(frame, length, false)) return false;
      this.#drain.drain();
      return true;
    }
    if (fits) {
      copyFrame(frame, slot.frame, length);
      this.#state.use(slot, length);
      if (this.#core.memory.writeObserver !== null) slot.noteWrites(this.#core.memory, length);
    } else {
      this.#state.keep(slot, 0);
    }
    this.#state.release(slot);
    return fits;
  }
}
