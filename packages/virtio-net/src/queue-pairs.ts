import type { Frame } from "@vmmkit/ethif";
import type { Virtqueue } from "@vmmkit/virtio";
import type { CardCore } from "./card-core.ts";
import type { PairCounters } from "./counters.ts";
import type { Negotiated } from "./negotiated.ts";
import { QueuePair } from "./queue-pair.ts";
import type { Receive } from "./receive.ts";
import type { Steering } from "./steering/steering.ts";
import type { Transmit } from "./transmit.ts";

/** A card's queue pairs: which of them the driver knows of, and which one a frame is for. */
export class QueuePairs {
  readonly all: readonly QueuePair[];
  readonly #core: CardCore;
  readonly #steering: Steering;
  readonly #negotiated: Negotiated;

  /**
   * @param counters of each pair
   * @param queues as they are before a driver chose: two for each pair, receive and transmit
   */
  constructor(
    core: CardCore,
    steering: Steering,
    negotiated: Negotiated,
    counters: readonly PairCounters[],
    queues: readonly Virtqueue[],
  ) {
    this.#core = core;
    this.#steering = steering;
    this.#negotiated = negotiated;
    this.all = counters.map((own, index) => {
      const [receiveQueue, transmitQueue] = [queues[2 * index], queues[2 * index + 1]];
      if (receiveQueue === undefined || transmitQueue === undefined) throw new RangeError("a pair has two queues");
      const pair = new QueuePair(core, index, counters.length, own, receiveQueue, transmitQueue);
      core.ingress.add(pair.receive);
      return pair;
    });
  }

  /** The pairs that the driver knows of. Without MQ and RSS the third queue is the control queue and no pair's. */
  get known(): readonly QueuePair[] {
    return this.#negotiated.several() ? this.all : this.all.slice(0, 1);
  }

  /** Pairs that the guest uses: 1 until it asks for more. */
  get used(): number {
    return Math.max(this.#steering.receivePairs, this.#steering.transmitPairs);
  }

  /** The pair that a queue belongs to, if the driver knows of it. */
  of(queue: number): QueuePair | undefined {
    return queue < 2 || this.#negotiated.several() ? this.all[queue >> 1] : undefined;
  }

  /** What works on a queue, if the driver knows of its pair. */
  directionOf(queue: number): Receive | Transmit | undefined {
    const pair = this.of(queue);
    return (queue & 1) === 0 ? pair?.receive : pair?.transmit;
  }

  /** Frames that a queue has carried. */
  framesOf(queue: number): number {
    const counters = this.all[queue >> 1]?.counters;
    return ((queue & 1) === 0 ? counters?.receive.frames : counters?.transmit.frames) ?? 0;
  }

  /**
   * What waits in the queues. Transmit queues are served whether the driver said that it uses them or not: Linux gives
   * 1 as `max_tx_vq` and sends on all of them, and nothing asks a device to leave such frames (5.1.6.5.6.2, 5.1.6.5.7).
   */
  run(): void {
    for (const pair of this.known) {
      pair.receive.notify();
      pair.transmit.run();
    }
  }

  /** Tells the backend how many there are for it. */
  tell(): void {
    const { funcs, driver, backendPairs } = this.#core;
    funcs.setQueuePairs?.(driver, Math.min(this.used, backendPairs));
  }

  /** See `RawIfaceCallbacks.txComplete`. */
  transmitted(cookie: number): void {
    const pair = this.all[cookie % this.all.length] ?? this.all[0];
    pair?.transmit.complete(cookie);
  }

  /**
   * See `RawIfaceCallbacks.allocateRxBuf`: room of the pair that the backend names, or of the first one. Where the frame
   * belongs to another, it is copied.
   */
  allocate(sizeBytes: number, queue = 0): Frame | null {
    return this.#receiver(queue)?.receive.allocate(sizeBytes) ?? null;
  }

  /** See `RawIfaceCallbacks.allocateRxBufs`. */
  allocateSeveral(count: number, frames: Frame[], lengths: readonly number[], queue = 0): number {
    return this.#receiver(queue)?.receive.allocateSeveral(count, frames, lengths) ?? 0;
  }

  #receiver(queue: number): QueuePair | undefined {
    return queue < this.#steering.receivePairs ? this.all[queue] : this.all[0];
  }

  /** See `RawIfaceCallbacks.rxComplete`: frames of several pairs, in runs of one pair each. */
  received(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    if (this.all.length === 1) {
      this.all[0]?.receive.complete(count, frames, lengths);
      return;
    }
    try {
      for (let from = 0, to = 0; from < count; from = to) {
        const queue = frames[from]?.queue ?? 0;
        for (to = from + 1; to < count && frames[to]?.queue === queue; ) to++;
        (this.all[queue] ?? this.all[0])?.receive.complete(to, frames, lengths, from);
      }
    } finally {
      this.#core.ingress.flush();
    }
  }
}
