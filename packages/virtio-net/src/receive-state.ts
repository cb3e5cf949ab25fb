import type { Virtqueue } from "@vmmkit/virtio";
import type { CardCore } from "./card-core.ts";
import type { ReceiveCounters } from "./counters.ts";
import { writeHashFields } from "./hash-fields.ts";
import { writeNetHeader } from "./net-header.ts";
import { ReceiveBacklog } from "./offload/receive-backlog.ts";
import { PlainRooms } from "./plain-rooms.ts";
import { ReceiveChains } from "./receive-chains.ts";
import type { ReceiveSlot } from "./receive-slot.ts";
import { ReceiveSlots } from "./receive-slots.ts";

/** What the parts of the receive direction share: slots, chains, and what the backend waits for. */
export class ReceiveState {
  readonly core: CardCore;
  readonly counters: ReceiveCounters;
  /** Number of the queue pair. */
  readonly pair: number;
  readonly slots: ReceiveSlots;
  readonly plain: PlainRooms;
  readonly chains: ReceiveChains;
  readonly backlog: ReceiveBacklog;
  /** Looks for work in a later turn. */
  readonly lookAgain: () => void;
  queue: Virtqueue;
  /** The backend asked in vain and waits for `rawPoll`. */
  starved = true;
  /** It asked in vain as it has all frames out that there can be. */
  allOut = false;
  /** Room came back since it asked in vain, and the guest will not notify us of it. */
  roomBack = false;

  constructor(core: CardCore, queue: Virtqueue, counters: ReceiveCounters, pair: number, lookAgain: () => void) {
    this.core = core;
    this.queue = queue;
    this.counters = counters;
    this.pair = pair;
    this.lookAgain = lookAgain;
    this.slots = new ReceiveSlots(pair);
    this.plain = new PlainRooms(core, this.slots, queue);
    this.chains = new ReceiveChains(core, queue, counters);
    this.backlog = new ReceiveBacklog(core);
  }

  /** The guest placed the queue. Until now nothing was taken from it. */
  attach(queue: Virtqueue): void {
    this.chains.attach(queue);
    this.plain.attach(queue);
    this.queue = queue;
  }

  /** Shows the guest what was given back, and interrupts it if it wants that. */
  show(): void {
    this.queue.publish();
    this.core.interrupt(2 * this.pair);
  }

  /** A free slot, marked as out; null where the backend has as many frames as the queue has entries. */
  take(): ReceiveSlot | null {
    const slot = this.slots.take(this.queue.size);
    if (slot === null) return null;
    this.plain.makeSpace(slot.frame.cookie);
    slot.take(this.slots.epoch);
    return slot;
  }

  /** Nobody has the slot any more. */
  release(slot: ReceiveSlot): void {
    slot.out = false;
    if (slot.staged !== null) this.backlog.release(slot.staged);
    slot.staged = null;
    this.slots.release(slot);
    this.released();
  }

  /** A slot is free again. */
  released(): void {
    if (this.allOut) {
      this.allOut = false;
      this.roomBack = true;
    }
  }

  /** See `ReceiveChains.fill`. */
  fill(slot: ReceiveSlot, sizeBytes: number): boolean {
    this.plain.close();
    return this.chains.fill(slot, sizeBytes);
  }

  /** Gives as many chains to the guest as the frame fills, and keeps the others. */
  use(slot: ReceiveSlot, length: number): void {
    const { headerBytes } = this.core;
    const { chains } = slot;
    let left = length;
    let used = 0;
    while (left > 0 && used < chains.count) {
      const filled = Math.min(chains.roomOf(used), left);
      this.queue.addUsed(chains.headOf(used), used === 0 ? filled + headerBytes : filled);
      left -= filled;
      used++;
    }
    writeNetHeader(slot.header, slot.frame, used, this.core.views);
    if (this.core.hashReport) {
      const { hash } = this.core.ingress.steering;
      writeHashFields(slot.header, hash.value, hash.report);
    }
    this.keep(slot, used);
    this.counters.frames++;
    this.counters.bytes += length;
  }

  /** Keeps a slot's chains, of which the backend does not know that they are there again. */
  keep(slot: ReceiveSlot, from: number): void {
    if (from < slot.chains.count) this.roomBack = true;
    this.putBack(slot, from);
  }

  /** Keeps a slot's chains from number `from` on for the next frame. */
  putBack(slot: ReceiveSlot, from: number): void {
    // A later frame, of the backend's or already done, is shown to an in-order driver only behind these chains (2.7.9,
    // 2.8.8): they go back unused rather than have it wait for a frame that may never come.
    const keeps = !this.core.inOrder || (this.slots.outCount <= 1 && this.queue.waiting === 0);
    if (keeps && from < slot.chains.count) this.plain.close();
    this.chains.putBack(slot, from, keeps);
  }
}
