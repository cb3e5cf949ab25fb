import {
  type DeviceQueue,
  type PlainChains,
  QUEUE_REFUSED,
  type QueueError,
  type QueueFeatures,
  type QueueLayout,
  type QueueState,
  QueueStateError,
  type RangeList,
} from "@vmmkit/virtio";
import type { ChainRecord } from "./chain-record.ts";

/** A virtqueue whose chains in flight are on record. It starts with those that an earlier back-end did not give back. */
export class TrackedQueue implements DeviceQueue {
  /** The queue that does the work. */
  readonly inner: DeviceQueue;
  readonly #record: ChainRecord;
  /** Chains of an earlier back-end that were not taken again yet, in their order. */
  #again: number[] = [];

  constructor(inner: DeviceQueue, record: ChainRecord) {
    this.inner = inner;
    this.#record = record;
  }

  get size(): number {
    return this.inner.size;
  }

  get ready(): boolean {
    return this.inner.ready;
  }

  get error(): QueueError | null {
    return this.inner.error;
  }

  get waiting(): number {
    return this.inner.waiting;
  }

  get layout(): QueueLayout | null {
    return this.inner.layout;
  }

  get base(): number {
    return this.inner.base;
  }

  get features(): QueueFeatures {
    return this.inner.features;
  }

  set features(features: QueueFeatures) {
    this.inner.features = features;
  }

  get onStop(): ((error: QueueError) => void) | null {
    return this.inner.onStop;
  }

  set onStop(listener: ((error: QueueError) => void) | null) {
    this.inner.onStop = listener;
  }

  start(layout: QueueLayout, base?: number): void {
    const state = this.#record.recover(this.inner, layout);
    if (state !== null && this.#goOn(state)) return;
    this.#again = [];
    this.inner.start(layout, base);
    this.#record.begin(this.inner, layout);
  }

  save(): QueueState {
    this.publish();
    return this.inner.save();
  }

  check(state: QueueState): void {
    this.inner.check(state);
  }

  restore(state: QueueState): void {
    this.inner.restore(state);
  }

  reset(): void {
    this.inner.reset();
  }

  begin(): boolean {
    return this.inner.begin();
  }

  pop(writable: boolean, headBytes: number, head: RangeList, body: RangeList): number {
    const { base } = this.inner;
    return this.#took(this.inner.pop(writable, headBytes, head, body), base);
  }

  get ahead(): PlainChains {
    return this.inner.ahead;
  }

  lookAhead(writable: boolean, headBytes: number, limit: number): number {
    return this.inner.lookAhead(writable, headBytes, limit);
  }

  takeAhead(index: number): number {
    const { base } = this.inner;
    return this.#took(this.inner.takeAhead(index), base);
  }

  takeRun(index: number, count: number): void {
    for (let i = 0; i < count; i++) this.takeAhead(index + i);
  }

  useRun(chains: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.addUsed(chains[2 * i] as number, chains[2 * i + 1] as number);
  }

  useAhead(index: number, count: number): number {
    for (let done = 0; done < count; done++) {
      const head = this.takeAhead(index + done);
      if (head < 0) return done;
      this.addUsed(head, 0);
    }
    return count;
  }

  popMixed(readable: RangeList, writable: RangeList): number {
    const { base } = this.inner;
    return this.#took(this.inner.popMixed(readable, writable), base);
  }

  walk(headIndex: number, writable: boolean, headBytes: number, head: RangeList, body: RangeList): boolean {
    const sound = this.inner.walk(headIndex, writable, headBytes, head, body);
    // It was given back where it was not.
    if (!sound) this.#record.give(headIndex);
    return sound;
  }

  addUsed(headIndex: number, lengthBytes: number): void {
    this.inner.addUsed(headIndex, lengthBytes);
    this.#record.give(headIndex);
  }

  publish(): void {
    if (!this.inner.begin()) return;
    this.#record.publishing();
    this.inner.publish();
    this.#record.published();
  }

  needsInterrupt(): boolean {
    return this.inner.needsInterrupt();
  }

  available(): number {
    return this.inner.available();
  }

  disableNotify(): void {
    this.inner.disableNotify();
  }

  notifyAfter(count: number): void {
    this.inner.notifyAfter(count);
  }

  enableNotify(): boolean {
    return this.inner.enableNotify();
  }

  /** @param base where the queue was before */
  #took(head: number, base: number): number {
    if (head < 0 && head !== QUEUE_REFUSED) return head;
    if (this.#again.length > 0) {
      // One that is on record already.
      const again = this.#again.shift() as number;
      if (head < 0) this.#record.give(again);
    } else if (head < 0) this.#record.refuse(base);
    else this.#record.take(head, base);
    return head;
  }

  /** Starts with chains that are out. False where they cannot be. */
  #goOn(state: QueueState): boolean {
    try {
      this.inner.restore(state);
    } catch (error) {
      if (error instanceof QueueStateError) return false;
      throw error;
    }
    this.#again = state.chains.map(({ head }) => head);
    return true;
  }
}
