import {
  type DeviceQueue,
  type DeviceState,
  PackedQueue,
  QUEUE_EMPTY,
  QUEUE_STOPPED,
  QueueCounters,
  type RangeList,
  SplitQueue,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
} from "@vmmkit/virtio";
import type { GuestMemory } from "@vmmkit/vm";

/** A queue as the driver of a device agreed on it, beside the device's own. */
export function makePlainQueue(state: DeviceState, memory: GuestMemory, index: number, size: number): DeviceQueue {
  const counters = state.counters[index] ?? new QueueCounters();
  const isPacked = state.hasFeature(VIRTIO_F_RING_PACKED);
  const queue = isPacked ? new PackedQueue(memory, size, counters) : new SplitQueue(memory, size, counters);
  queue.features = {
    indirect: state.hasFeature(VIRTIO_F_INDIRECT_DESC),
    eventIdx: state.hasFeature(VIRTIO_F_EVENT_IDX),
    inOrder: state.hasFeature(VIRTIO_F_IN_ORDER),
  };
  return queue;
}

/** What is made available in a queue goes back to the driver, and nothing comes of it. */
export class DiscardedQueue {
  readonly #queue: DeviceQueue;
  readonly #onUsed: () => void;
  readonly #nowhere = new NoRanges();
  /** Work that is left for a later turn, as one notification may cost one ring of it. */
  #later: NodeJS.Immediate | null = null;

  /**
   * @param queue one that was started
   * @param onUsed the driver is to be interrupted
   */
  constructor(queue: DeviceQueue, onUsed: () => void) {
    this.#queue = queue;
    this.#onUsed = onUsed;
  }

  /** The driver may have made chains available. */
  run(): void {
    const queue = this.#queue;
    let left = queue.size;
    do {
      if (!queue.begin()) return;
      queue.disableNotify();
      left = this.#batch(left);
      queue.publish();
      if (queue.needsInterrupt()) this.#onUsed();
    } while (left > 0 && queue.enableNotify());
    if (left === 0) this.#goOnLater();
  }

  /** Stops it. @returns where the queue goes on */
  stop(): number {
    if (this.#later !== null) clearImmediate(this.#later);
    this.#later = null;
    const { base } = this.#queue;
    this.#queue.reset();
    return base;
  }

  #batch(budget: number): number {
    for (let left = budget; left > 0; left--) {
      const head = this.#queue.pop(false, 0, this.#nowhere, this.#nowhere);
      if (head === QUEUE_EMPTY || head === QUEUE_STOPPED) return left;
      if (head >= 0) this.#queue.addUsed(head, 0);
    }
    return 0;
  }

  #goOnLater(): void {
    this.#later ??= setImmediate(() => {
      this.#later = null;
      this.run();
    });
  }
}

/** Where the ranges of chains go that nobody looks at. */
class NoRanges implements RangeList {
  rangeCount = 0;
  totalBytes = 0;

  clear(): void {
    // Nothing was kept.
  }

  push(): void {
    // Nothing is kept.
  }
}
