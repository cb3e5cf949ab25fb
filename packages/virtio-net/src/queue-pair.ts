import type { Virtqueue } from "@vmmkit/virtio";
import { AdaptivePoll } from "./adaptive-poll.ts";
import type { CardCore } from "./card-core.ts";
import type { PairCounters } from "./counters.ts";
import { Receive } from "./receive.ts";
import { Transmit } from "./transmit.ts";

/** A receive queue and a transmit queue: numbers 2 * `index` and 2 * `index` + 1 (VIRTIO 1.2, 5.1.2). */
export class QueuePair {
  readonly index: number;
  readonly receive: Receive;
  readonly transmit: Transmit;
  readonly counters: PairCounters;
  /** Whether the transmit queue is looked after at the end of the guest's slices. Idle where nobody tells of slices. */
  readonly poll: AdaptivePoll;

  /** @param pairs how many the card has */
  constructor(
    core: CardCore,
    index: number,
    pairs: number,
    counters: PairCounters,
    receiveQueue: Virtqueue,
    transmitQueue: Virtqueue,
  ) {
    this.index = index;
    this.counters = counters;
    this.receive = new Receive(core, receiveQueue, counters.receive, index);
    this.transmit = new Transmit(core, transmitQueue, counters.transmit, index, pairs);
    this.poll = new AdaptivePoll(this.transmit, {
      frames: () => counters.transmit.frames + counters.receive.frames,
      bytes: () => counters.transmit.bytes + counters.receive.bytes,
    });
  }

  /**
   * The guest notified the transmit queue.
   * @param slices whether `poll` is told of slices
   */
  transmitNotified(slices: boolean): void {
    if (slices) this.poll.notified();
    this.transmit.run();
  }

  /** The guest reset the card. */
  reset(): void {
    this.receive.reset();
    this.transmit.reset();
  }

  /** What the queues were not told of yet becomes their state. */
  catchUp(): void {
    this.receive.catchUp();
    this.transmit.catchUp();
  }

  /** Guest memory changed. */
  rebind(): void {
    this.receive.rebind();
    this.transmit.rebind();
  }

  /** The backend is gone. */
  abandon(): void {
    this.receive.abandon();
    this.transmit.abandon();
  }
}
