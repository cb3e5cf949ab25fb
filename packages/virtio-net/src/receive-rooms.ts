import type { Frame } from "@vmmkit/ethif";
import type { BacklogDrain } from "./backlog-drain.ts";
import type { CardCore } from "./card-core.ts";
import { STAGED_FRAME_BYTES } from "./offload/staged-frame.ts";
import { isTooLongForRing, willSegment } from "./receive-limit.ts";
import type { ReceiveSlot } from "./receive-slot.ts";
import type { ReceiveState } from "./receive-state.ts";

/** Finds room for frames that `PlainRooms` has none for at once: in one chain or in several, or in the card's memory. */
export class ReceiveRooms {
  readonly #core: CardCore;
  readonly #state: ReceiveState;
  readonly #drain: BacklogDrain;
  /** Takes the end of frames that are too long for the guest. Made when first needed. */
  #spill: Uint8Array | null = null;

  constructor(state: ReceiveState, drain: BacklogDrain) {
    this.#core = state.core;
    this.#state = state;
    this.#drain = drain;
  }

  /** Room for a frame, null where there is none. @throws RangeError for a size that no frame has */
  find(sizeBytes: number): Frame | null {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) {
      throw new RangeError(`"sizeBytes" expected an integer from 1 on, got ${sizeBytes}`);
    }
    // Whatever makes the queue work again calls `rawPoll`, as it did before the first frame.
    if (!this.#core.running || !this.#state.queue.begin()) return null;
    const plain = this.#plainRoom(sizeBytes);
    if (plain !== null) return plain;
    const slot = this.#state.take();
    if (slot === null) {
      this.#state.starved = true;
      this.#state.allOut = true;
      return null;
    }
    // Without a link the frame has no room in guest memory: it is filled, and dropped.
    if (this.#core.linkUp && !this.#takeAhead(slot, sizeBytes) && !this.#makeRoom(slot, sizeBytes)) {
      this.#state.release(slot);
      return null;
    }
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.staged === null ? slot.frame.rangeCount : 0;
    if (slot.guestBytes < sizeBytes) this.#addSpill(slot.frame, sizeBytes - slot.guestBytes);
    slot.roomBytes = slot.frame.totalBytes;
    return slot.frame;
  }

  /** `PlainRooms` handed out all chains that it knew of: it may have more now. */
  #plainRoom(sizeBytes: number): Frame | null {
    const { chains, backlog, plain } = this.#state;
    const inTurn = this.#core.linkUp && chains.returned === 0 && backlog.empty;
    return inTurn && plain.look() ? plain.take(sizeBytes) : null;
  }

  /**
   * Finds room in chains that the queue has looked at.
   * @returns false where it takes another chain, or another place: what was found stays in the slot
   */
  #takeAhead(slot: ReceiveSlot, sizeBytes: number): boolean {
    const core = this.#core;
    if (this.#state.chains.returned !== 0 || !this.#state.backlog.empty || sizeBytes > core.maxFrameBytes) return false;
    do {
      if (!this.#state.plain.look()) return false;
      this.#state.plain.addTo(slot);
    } while (slot.frame.totalBytes < sizeBytes && core.mergeable);
    return true;
  }

  /** Finds room for a frame: in the guest's buffers, or in the card's memory where it will be segmented. */
  #makeRoom(slot: ReceiveSlot, sizeBytes: number): boolean {
    if (!this.#state.backlog.empty) {
      const done = this.#drain.drain();
      this.#state.show();
      if (!done) {
        this.#state.counters.noBuffers++;
        return false;
      }
    }
    if (!willSegment(this.#core, sizeBytes)) {
      if (!this.gather(slot, sizeBytes)) return false;
      if (!isTooLongForRing(this.#core, slot.frame, sizeBytes)) return true;
      this.#empty(slot);
    }
    slot.staged = this.#state.backlog.take();
    if (slot.staged !== null) {
      slot.frame.push(slot.staged.bytes, slot.staged.at(0), STAGED_FRAME_BYTES);
      return true;
    }
    this.#state.starved = true;
    this.#state.allOut = true;
    return false;
  }

  /** Keeps what was collected for another try. */
  #empty(slot: ReceiveSlot): void {
    this.#state.putBack(slot, 0);
    slot.clear();
  }

  /**
   * Collects chains until they hold `sizeBytes`, or are all that the ring can have. False where the guest has posted too
   * few; it will notify us of more, and what was collected is kept for the next time.
   */
  gather(slot: ReceiveSlot, sizeBytes: number): boolean {
    const queue = this.#state.queue;
    // Each round takes at least one chain, and only chains that are refused can come round again.
    for (let rounds = queue.size; rounds > 0; rounds--) {
      if (this.#state.fill(slot, sizeBytes)) return true;
      this.#empty(slot);
      if (!queue.enableNotify()) break;
      if (rounds === 1) this.#core.later(this.#state.lookAgain);
    }
    this.#state.starved = true;
    this.#state.roomBack = false;
    this.#state.counters.noBuffers++;
    // Chains that were refused on the way go home.
    this.#state.show();
    return false;
  }

  #addSpill(frame: Frame, bytes: number): void {
    if (this.#spill === null || this.#spill.length < bytes) this.#spill = new Uint8Array(bytes);
    frame.push(this.#spill, 0, bytes);
  }
}
