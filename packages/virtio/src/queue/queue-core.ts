import type { GuestMemory } from "@vmmkit/vm";
import { CHAIN_ERRORS, type QueueError } from "./errors.ts";
import type { QueueLayout } from "./layout.ts";
import { PlainChains } from "./plain-chains.ts";
import type { QueueCounters } from "./queue-counters.ts";
import { UseOrder } from "./use-order.ts";
import type { QueueFeatures } from "./virtqueue.ts";

/** What virtqueues of both formats have: where the guest put them, what was agreed on, and what stopped them. */
export abstract class QueueCore {
  readonly size: number;
  readonly ahead: PlainChains = new PlainChains();
  onStop: ((error: QueueError) => void) | null = null;

  protected readonly memory: GuestMemory;
  protected readonly counters: QueueCounters;
  protected indirect = false;
  protected eventIdx = false;
  /** With IN_ORDER. */
  protected order: UseOrder | null = null;
  protected placed: QueueLayout | null = null;
  protected stoppedBy: QueueError | null = null;
  /** Of guest memory, when the queue's parts were found in it: views of them are good while it stays the same. */
  protected generation = -1;

  protected constructor(memory: GuestMemory, size: number, counters: QueueCounters) {
    this.memory = memory;
    this.size = size;
    this.counters = counters;
  }

  get features(): QueueFeatures {
    return { indirect: this.indirect, eventIdx: this.eventIdx, inOrder: this.order !== null };
  }

  set features(features: QueueFeatures) {
    this.indirect = features.indirect;
    this.eventIdx = features.eventIdx;
    this.order = features.inOrder === true ? (this.order ?? new UseOrder(this.size)) : null;
  }

  get waiting(): number {
    return this.order === null ? 0 : this.order.waiting;
  }

  get ready(): boolean {
    return this.placed !== null;
  }

  get error(): QueueError | null {
    return this.stoppedBy;
  }

  get layout(): QueueLayout | null {
    return this.placed;
  }

  begin(): boolean {
    if (this.placed === null || this.stoppedBy !== null) return false;
    if (this.memory.validate() === this.generation) return true;
    return this.bind(this.placed);
  }

  abstract addUsed(head: number, lengthBytes: number): void;

  /** Finds the queue's parts in guest memory, or stops it. */
  protected abstract bind(layout: QueueLayout): boolean;

  /** Stops the queue until it is reset. */
  protected stop(error: QueueError): void {
    this.stoppedBy = error;
    this.ahead.drop();
    this.counters.stopped++;
    if (this.onStop !== null) this.onStop(error);
  }

  /** Gives a chain back that has something wrong with it. @param code as a walk answers it */
  protected refuse(head: number, code: number): void {
    const name = CHAIN_ERRORS[code];
    if (name !== undefined) this.counters.refused[name]++;
    this.addUsed(head, 0);
  }

  /** How a chain that is out is saved: bytes of one that is done and waits for its turn, otherwise -1. */
  protected doneBytes(head: number): number {
    return this.order?.isDone(head) === true ? this.order.lengthBytes(head) : -1;
  }
}
