import type { CardCore } from "./card-core.ts";
import { isTooLongForRing } from "./receive-limit.ts";
import { ReceiveSlot } from "./receive-slot.ts";
import type { ReceiveState } from "./receive-state.ts";

/** Gives the guest the backlog, piece by piece, as its buffers come. */
export class BacklogDrain {
  readonly #core: CardCore;
  readonly #state: ReceiveState;
  /** The chains of one piece. No backend ever has it. */
  readonly #piece = new ReceiveSlot(-1, 0);

  constructor(state: ReceiveState) {
    this.#core = state.core;
    this.#state = state;
  }

  /** Gives the guest what waits for it, as far as there is room. False where there is too little; it will notify us. */
  drain(): boolean {
    const backlog = this.#state.backlog;
    if (!this.#core.linkUp) this.#state.counters.dropped.linkDown += backlog.clear();
    for (let rounds = this.#state.queue.size; !backlog.empty; ) {
      this.#state.counters.dropped.offload += backlog.advance();
      if (backlog.pieceBytes === 0 || this.#deliverPiece()) continue;
      this.#state.starved = true;
      if (!this.#state.queue.enableNotify()) return false;
      // Each round takes at least one chain, and only chains that are refused can come round again.
      if (--rounds === 0) {
        this.#core.later(this.#state.lookAgain);
        return false;
      }
    }
    return true;
  }

  /** Gives the guest the next piece of what waits. False where it has too little room. */
  #deliverPiece(): boolean {
    const backlog = this.#state.backlog;
    const slot = this.#piece;
    const length = backlog.pieceBytes;
    slot.take(this.#state.slots.epoch);
    if (!this.#state.fill(slot, length)) {
      this.#state.putBack(slot, 0);
      return false;
    }
    slot.guestBytes = slot.frame.totalBytes;
    slot.guestRanges = slot.frame.rangeCount;
    if (backlog.canSegment && isTooLongForRing(this.#core, slot.frame, length)) {
      this.#state.putBack(slot, 0);
      backlog.segment();
      return true;
    }
    if (length > slot.guestBytes) {
      this.#state.counters.dropped.tooLong++;
      this.#state.putBack(slot, 0);
    } else {
      backlog.copyPiece(slot.frame);
      if (this.#core.hashReport) this.#core.ingress.hash(slot.frame, length);
      this.#state.use(slot, length);
      if (this.#core.memory.writeObserver !== null) slot.noteWrites(this.#core.memory, length);
    }
    backlog.dropPiece();
    return true;
  }
}
