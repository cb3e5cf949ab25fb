import {
  type DeviceQueue,
  type QueueLayout,
  type QueueState,
  VIRTQ_DESC_BYTES,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from "@vmmkit/virtio";
import type { GuestMemory } from "@vmmkit/vm";
import type { ChainRecord } from "./chain-record.ts";
import type { PackedInflightRegion } from "./packed-inflight-region.ts";
import { readU16 } from "./read-u16.ts";

const WRAP = 0x8000;
const DESC_WORDS = VIRTQ_DESC_BYTES / 4;
const FLAGS_AT = 14;

/**
 * The record of a packed virtqueue. It has the queue's positions too, which no memory of the driver's has, so what the
 * front-end says of them is not looked at where there is one.
 */
export class PackedRecord implements ChainRecord {
  readonly #memory: GuestMemory;
  readonly #region: PackedInflightRegion;
  #queue: DeviceQueue | null = null;
  #descTable = 0;
  /** With IN_ORDER: chains that are out, in order, and which of them are done and wait for their turn. */
  #turns: number[] | null = null;
  readonly #done = new Set<number>();
  #words = new Uint32Array(DESC_WORDS);

  constructor(memory: GuestMemory, region: PackedInflightRegion) {
    this.#memory = memory;
    this.#region = region;
  }

  recover(queue: DeviceQueue, layout: QueueLayout): QueueState | null {
    this.#use(queue, layout);
    const left = this.#region.recover((slot, wrap) => this.#isAvailable(slot, wrap));
    if (left === null) return null;
    const { size } = queue;
    const chains = left.chains.map(({ bufferId: head, descriptors }) => ({ head, doneBytes: -1, descriptors }));
    const out = chains.reduce((sum, { descriptors }) => sum + descriptors.length / DESC_WORDS, 0);
    const slot = (left.used & ~WRAP) + out;
    const avail = slot < size ? slot | (left.used & WRAP) : (slot - size) | (~left.used & WRAP);
    this.#turns?.push(...chains.map(({ head }) => head));
    return { format: "packed", size, layout, error: null, avail, used: left.used, unsignalled: 0, chains };
  }

  begin(queue: DeviceQueue, layout: QueueLayout): void {
    this.#use(queue, layout);
    this.#region.begin(queue.base >>> 16);
  }

  take(bufferId: number, base: number): void {
    this.#record(bufferId, base);
    this.#turns?.push(bufferId);
  }

  refuse(base: number): void {
    const bufferId = this.#record(-1, base);
    this.#turns?.push(bufferId);
    this.give(bufferId);
  }

  give(bufferId: number): void {
    const turns = this.#turns;
    if (turns === null) {
      this.#region.give(bufferId);
      return;
    }
    this.#done.add(bufferId);
    while (turns.length > 0 && this.#done.delete(turns[0] as number)) this.#region.give(turns.shift() as number);
  }

  publishing(): void {
    if (this.#queue !== null) this.#region.publishing(this.#queue.base >>> 16);
  }

  published(): void {
    this.#region.published();
  }

  #use(queue: DeviceQueue, { descTable }: QueueLayout): void {
    this.#queue = queue;
    this.#descTable = descTable;
    this.#turns = queue.features.inOrder === true ? [] : null;
    this.#done.clear();
  }

  /**
   * Copies the chain that was taken at `base` from the ring. The driver may have changed it since it was walked; whoever
   * walks the copy takes that for the driver's doing.
   * @param bufferId -1 for the one that the ring has
   * @returns the chain's buffer id
   */
  #record(bufferId: number, base: number): number {
    const queue = this.#queue;
    if (queue === null) return -1;
    const slot = base & 0x7fff;
    const ahead = (queue.base & 0x7fff) - slot;
    // All of the ring, where it went round to where it was.
    const count = ahead > 0 ? ahead : ahead + queue.size;
    if (this.#words.length < DESC_WORDS * count) this.#words = new Uint32Array(DESC_WORDS * queue.size);
    const first = Math.min(count, queue.size - slot);
    this.#read(slot, 0, first);
    if (first < count) this.#read(0, first, count - first);
    const last = DESC_WORDS * (count - 1) + 3;
    const word = this.#words[last] as number;
    const id = bufferId < 0 ? word & 0xffff : bufferId;
    this.#words[last] = (word & ~0xffff) | id;
    this.#region.take(id, this.#words, count);
    return id;
  }

  #read(slot: number, at: number, count: number): void {
    const bytes = VIRTQ_DESC_BYTES * count;
    const into = new Uint8Array(this.#words.buffer, VIRTQ_DESC_BYTES * at, bytes);
    if (!this.#memory.read(this.#descTable + VIRTQ_DESC_BYTES * slot, into)) into.fill(0);
  }

  #isAvailable(slot: number, wrap: boolean): boolean {
    const flags = readU16(this.#memory, this.#descTable + VIRTQ_DESC_BYTES * slot + FLAGS_AT);
    if (flags === null) return true;
    return ((flags & VIRTQ_DESC_F_AVAIL) !== 0) === wrap && ((flags & VIRTQ_DESC_F_USED) !== 0) !== wrap;
  }
}
