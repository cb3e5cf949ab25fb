import type { GuestMemory } from "@vmmkit/vm";
import { namingQueue } from "./check-device-state.ts";
import type { DeviceQueue } from "./queue/device-queue.ts";
import type { QueueError } from "./queue/errors.ts";
import { PackedQueue } from "./queue/packed-queue.ts";
import { QueueCounters } from "./queue/queue-counters.ts";
import type { QueueState } from "./queue/queue-state.ts";
import { SplitQueue } from "./queue/split-queue.ts";
import type { QueueFeatures } from "./queue/virtqueue.ts";
import * as spec from "./spec.ts";

/** A device's queues. Each is another object once the driver chose another size or format; its counters stay. */
export class DeviceQueues {
  /** By number, as they are now. */
  readonly all: DeviceQueue[];
  readonly counters: readonly QueueCounters[];
  readonly #memory: GuestMemory;
  readonly #sizes: readonly number[];
  readonly #stopped: (index: number, error: QueueError) => void;

  /**
   * @param sizes the most entries that each can have
   * @param stopped called when one stops
   */
  constructor(memory: GuestMemory, sizes: readonly number[], stopped: (index: number, error: QueueError) => void) {
    this.#memory = memory;
    this.#sizes = sizes;
    this.#stopped = stopped;
    this.counters = sizes.map(() => new QueueCounters());
    this.all = sizes.map((size, index) => this.#make(index, size, false));
  }

  /** A queue of this size and format: the one that is there, if it is that, or a new one. */
  fitting(index: number, size: number, isPacked: boolean): DeviceQueue {
    const present = this.all[index];
    if (present?.size === size && present instanceof PackedQueue === isPacked) return present;
    const queue = this.#make(index, size, isPacked);
    this.all[index] = queue;
    return queue;
  }

  /**
   * Makes a queue that is as it was saved, and leaves the one that is there alone.
   * @returns what brings it there
   * @throws QueueStateError for a state that it cannot have
   */
  prepare(index: number, state: QueueState | null, features: QueueFeatures): () => DeviceQueue {
    const queue = this.#make(index, state?.size ?? this.#sizes[index] ?? 0, state?.format === "packed");
    queue.features = features;
    if (state === null) return () => queue;
    namingQueue(index, () => queue.check(state));
    return () => {
      queue.restore(state);
      return queue;
    };
  }

  #make(index: number, size: number, isPacked: boolean): DeviceQueue {
    const counters = this.counters[index] ?? new QueueCounters();
    const queue = isPacked
      ? new PackedQueue(this.#memory, size, counters)
      : new SplitQueue(this.#memory, size, counters);
    queue.onStop = (error) => this.#stopped(index, error);
    return queue;
  }
}

/** What of the features is a queue's business. @param low bits 0 to 31 @param high bits 32 to 63 */
export function queueFeatures(low: number, high: number): QueueFeatures {
  return {
    indirect: ((low >>> spec.VIRTIO_F_INDIRECT_DESC) & 1) !== 0,
    eventIdx: ((low >>> spec.VIRTIO_F_EVENT_IDX) & 1) !== 0,
    inOrder: ((high >>> (spec.VIRTIO_F_IN_ORDER - 32)) & 1) !== 0,
  };
}
