import { Frame } from "@vmmkit/ethif";
import { QUEUE_REFUSED, type Virtqueue } from "@vmmkit/virtio";
import type { CardCore } from "./card-core.ts";
import type { ReceiveCounters } from "./counters.ts";
import { HeadList } from "./head-list.ts";
import type { ReceiveSlot } from "./receive-slot.ts";

/** Collects chains of the receive queue until they hold a frame. Those that come back unused are handed out first. */
export class ReceiveChains {
  readonly #core: CardCore;
  readonly #counters: ReceiveCounters;
  #queue: Virtqueue;
  /** Chains taken from the ring and given back unused by the backend. */
  #returned: HeadList;
  /** Takes the header bytes of chains behind the first, of which there are none. */
  readonly #none = new Frame();

  constructor(core: CardCore, queue: Virtqueue, counters: ReceiveCounters) {
    this.#core = core;
    this.#queue = queue;
    this.#counters = counters;
    this.#returned = new HeadList(queue.size);
  }

  /** How many came back unused. */
  get returned(): number {
    return this.#returned.length;
  }

  /** The guest placed the queue. Until now nothing was taken from it. */
  attach(queue: Virtqueue): void {
    if (queue.size !== this.#queue.size) this.#returned = new HeadList(queue.size);
    this.#queue = queue;
  }

  /** The guest forgot its chains. */
  clear(): void {
    this.#returned.clear();
  }

  /** Gives those that came back to the guest, empty. */
  giveUp(): void {
    for (let head = this.#returned.shift(); head >= 0; head = this.#returned.shift()) this.#queue.addUsed(head, 0);
  }

  /** Fills a slot with chains. False where there are too few; what was collected is in the slot. */
  fill(slot: ReceiveSlot, sizeBytes: number): boolean {
    const { frame, header } = slot;
    const { headerBytes, mergeable } = this.#core;
    let ranges = 0;
    for (let left = this.#queue.size; left > 0; left--) {
      const before = frame.totalBytes;
      const rangesBefore = frame.rangeCount;
      const first = slot.chains.count === 0;
      const head = this.#nextChain(first ? headerBytes : 0, first ? header : this.#none, frame);
      if (head === QUEUE_REFUSED) continue;
      if (head < 0) break;
      const room = frame.totalBytes - before;
      if (first ? header.totalBytes < headerBytes : room === 0) {
        this.#counters.bufferTooSmall++;
        this.#queue.addUsed(head, 0);
        continue;
      }
      slot.chains.push(head, room);
      ranges = frame.rangeCount - rangesBefore;
      if (frame.totalBytes >= sizeBytes || !mergeable) return true;
    }
    // The whole ring does not hold such a frame: waiting for more would be for ever. A long frame can be segmented, so
    // for one it is enough that the ring has no room for another chain like the last one.
    if (slot.chains.count === this.#queue.size) return true;
    return sizeBytes > this.#core.maxFrameBytes && frame.rangeCount + ranges > this.#queue.size;
  }

  #nextChain(headBytes: number, head: Frame, body: Frame): number {
    const returned = this.#returned.shift();
    if (returned < 0) return this.#queue.pop(true, headBytes, head, body);
    return this.#queue.walk(returned, true, headBytes, head, body) ? returned : QUEUE_REFUSED;
  }

  /**
   * Takes a slot's chains from number `from` on back.
   * @param keep keeps them for the next frame; otherwise they go to the guest, empty
   */
  putBack({ chains }: ReceiveSlot, from: number, keep: boolean): void {
    for (let i = from; i < chains.count; i++) {
      const head = chains.headOf(i);
      if (keep) this.#returned.push(head);
      else this.#queue.addUsed(head, 0);
    }
  }
}
