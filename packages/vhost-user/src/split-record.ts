import type { DeviceQueue, QueueLayout, QueueState } from "@vmmkit/virtio";
import type { GuestMemory } from "@vmmkit/vm";
import type { ChainRecord } from "./chain-record.ts";
import type { InflightRegion } from "./inflight-region.ts";
import { readU16 } from "./read-u16.ts";

/**
 * The record of a split virtqueue. With IN_ORDER there is nothing to record: the chains in flight are those behind the used
 * index.
 */
export class SplitRecord implements ChainRecord {
  readonly #memory: GuestMemory;
  readonly #region: InflightRegion;
  #layout: QueueLayout | null = null;
  #size = 0;

  constructor(memory: GuestMemory, region: InflightRegion) {
    this.#memory = memory;
    this.#region = region;
  }

  recover(queue: DeviceQueue, layout: QueueLayout): QueueState | null {
    const used = queue.features.inOrder === true ? null : readU16(this.#memory, layout.usedRing + 2);
    const heads = used === null ? [] : this.#region.recover(used);
    if (used === null || heads.length === 0) return null;
    this.#use(queue, layout);
    const chains = heads.map((head) => ({ head, doneBytes: -1, descriptors: [] }));
    const avail = (used + heads.length) & 0xffff;
    return { format: "split", size: queue.size, layout, error: null, avail, used, unsignalled: 0, chains };
  }

  begin(queue: DeviceQueue, layout: QueueLayout): void {
    const used = queue.features.inOrder === true ? null : readU16(this.#memory, layout.usedRing + 2);
    this.#layout = null;
    if (used === null) return;
    this.#region.begin(used);
    this.#use(queue, layout);
  }

  take(head: number): void {
    if (this.#layout !== null) this.#region.take(head);
  }

  refuse(base: number): void {
    if (this.#layout === null) return;
    // The driver may write something else meanwhile; the record is about its chains alone.
    const head =
      (readU16(this.#memory, this.#layout.availRing + 4 + 2 * (base & (this.#size - 1))) ?? 0) & (this.#size - 1);
    this.#region.take(head);
    this.#region.give(head);
  }

  give(head: number): void {
    if (this.#layout !== null) this.#region.give(head);
  }

  publishing(): void {
    // The used index is in guest memory; what counts is whether it was written.
  }

  published(): void {
    if (this.#layout !== null) this.#region.given();
  }

  #use({ size }: DeviceQueue, layout: QueueLayout): void {
    this.#layout = layout;
    this.#size = size;
  }
}
