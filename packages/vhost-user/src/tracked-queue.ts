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
import type { GuestMemory } from "@vmmkit/vm";
import type { InflightRegion } from "./inflight-region.ts";

/**
 * A split virtqueue whose chains in flight are on record. It starts with those that an earlier back-end did not give
 * back. With IN_ORDER there is nothing to record: they are those behind the used index.
 */
export class TrackedQueue implements DeviceQueue {
  /** The queue that does the work. */
  readonly inner: DeviceQueue;
  readonly #memory: GuestMemory;
  readonly #region: InflightRegion;
  #tracking = false;

  constructor(inner: DeviceQueue, memory: GuestMemory, region: InflightRegion) {
    this.inner = inner;
    this.#memory = memory;
    this.#region = region;
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

  start(layout: QueueLayout, base = 0): void {
    this.#tracking = this.features.inOrder !== true;
    const usedIdx = this.#tracking ? this.#read(layout.usedRing + 2) : null;
    const heads = usedIdx === null ? [] : this.#region.recover(usedIdx);
    if (usedIdx === null || heads.length === 0 || !this.#goOn(layout, usedIdx, heads)) this.inner.start(layout, base);
  }

  save(): QueueState {
    const state = this.inner.save();
    this.#region.given();
    return state;
  }

  check(state: QueueState): void {
    this.inner.check(state);
  }

  restore(state: QueueState): void {
    this.inner.restore(state);
  }

  reset(): void {
    this.#tracking = false;
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
    return this.#took(this.inner.takeAhead(index), 0);
  }

  useAhead(index: number, count: number): number {
    if (!this.#tracking) return this.inner.useAhead(index, count);
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
    if (!sound && this.#tracking) this.#region.give(headIndex);
    return sound;
  }

  addUsed(headIndex: number, lengthBytes: number): void {
    this.inner.addUsed(headIndex, lengthBytes);
    if (this.#tracking) this.#region.give(headIndex);
  }

  publish(): void {
    if (!this.inner.begin()) return;
    this.inner.publish();
    if (this.#tracking) this.#region.given();
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

  /** @param base where the chain was taken, for one that was refused and is given back already */
  #took(head: number, base: number): number {
    if (!this.#tracking) return head;
    if (head >= 0) this.#region.take(head);
    else if (head === QUEUE_REFUSED) this.#refused(base);
    return head;
  }

  #refused(base: number): void {
    const { layout, size } = this.inner;
    const head = layout === null ? null : this.#read(layout.availRing + 4 + 2 * (base & (size - 1)));
    // The driver may write something else meanwhile; the record is about its chains alone.
    this.#region.give(head === null ? 0 : head & (size - 1));
  }

  /** Starts with chains that are out. False where they cannot be. */
  #goOn(layout: QueueLayout, used: number, heads: readonly number[]): boolean {
    const chains = heads.map((head) => ({ head, doneBytes: -1, descriptors: [] }));
    const avail = (used + heads.length) & 0xffff;
    const { size } = this.inner;
    try {
      this.inner.restore({ format: "split", size, layout, error: null, avail, used, unsignalled: 0, chains });
      return true;
    } catch (error) {
      if (error instanceof QueueStateError) return false;
      throw error;
    }
  }

  #read(gpa: number): number | null {
    const bytes = new Uint8Array(2);
    return this.#memory.read(gpa, bytes) ? (bytes[0] ?? 0) + 256 * (bytes[1] ?? 0) : null;
  }
}
