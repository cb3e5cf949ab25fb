import type { GuestMemory } from "@vmmkit/vm";
import { VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_MAX_SIZE } from "../spec.ts";
import { CHAIN_SOUND } from "./chain-codes.ts";
import { ChainWalker } from "./descriptor-chain.ts";
import type { DeviceQueue } from "./device-queue.ts";
import type { QueueError } from "./errors.ts";
import { availRingBytes, descTableBytes, isSplitAligned, type QueueLayout, usedRingBytes } from "./layout.ts";
import { QueueCore } from "./queue-core.ts";
import type { QueueCounters } from "./queue-counters.ts";
import { checkQueueState, type QueueState, refuse } from "./queue-state.ts";
import type { RangeList } from "./range-list.ts";
import { SplitLookAhead } from "./split-ahead.ts";
import { SplitUsed } from "./split-used.ts";
import type { UseOrder } from "./use-order.ts";
import { QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED } from "./virtqueue.ts";

/*
 * The split virtqueue, the device's side (VIRTIO 1.2, 2.7).
 *
 *      descriptor table                 available ring              used ring
 *      (driver writes)                  (driver writes)             (device writes)
 *      ┌──────────────────────────┐     ┌────────────────┐          ┌─────────────────┐
 *   0  │ addr  len  flags  next ──┼─┐   │ flags  idx ────┼─ counts  │ flags  idx      │
 *   1  │                          │ │   │ ring[0] = 0    │  chains  │ ring[0] = 0,len │
 *   2  │ addr  len  flags         │◄┘   │ ring[1]        │  offered │ ring[1]         │
 *      └──────────────────────────┘     │ used_event     │          │ avail_event     │
 *                                       └────────────────┘          └─────────────────┘
 *
 * The driver writes a chain of descriptors, puts the index of its first one into the next entry of the available
 * ring, and then moves `idx`. The device reads `idx`, walks the chain, and puts the index of the first descriptor
 * and the number of bytes written into the used ring, and then moves that ring's `idx`. Both indices only grow,
 * modulo 2^16; an entry is at `idx` modulo the queue's size.
 *
 * Everything in these rings is the guest's to change at any time. So each value is read once into a local, checked
 * there and used from there, and our own position in each ring is never read back from the guest.
 */

const NO_WORDS = new Uint32Array(0);
const NO_HALF_WORDS = new Uint16Array(0);
/** More bytes than any chain has. */
const NO_LIMIT = 2 ** 32;

/** A split virtqueue over guest memory. */
export class SplitQueue extends QueueCore implements DeviceQueue {
  readonly #walker: ChainWalker;
  readonly #looker: SplitLookAhead;
  readonly #used: SplitUsed;
  readonly #mask: number;

  // A view of the available ring and where it starts in there. Valid while `generation` is the memory's.
  #avail: Uint16Array = NO_HALF_WORDS;
  #availAt = 0;

  /** Index in the available ring of the next chain to take. */
  #lastAvail = 0;
  /** The guest's available index as last read: chains before it are ours to take. */
  #availSeen = 0;
  /** Chains taken and not given back. The guest has `size` descriptors, so there are never more chains than that. */
  #inFlight = 0;
  /** By head: the number of the chain among all that were taken, 0 where it is not out. */
  readonly #taken: Float64Array;
  #takenCount = 0;
  /** Chains that were out when the queue was saved, to be taken again. */
  #again: number[] = [];
  /**
   * @param size entries, a power of two from 1 to 32768
   * @param counters where refused chains are counted
   * @throws RangeError for another size
   */
  constructor(memory: GuestMemory, size: number, counters: QueueCounters) {
    if (!Number.isInteger(size) || size < 1 || size > VIRTQ_MAX_SIZE || (size & (size - 1)) !== 0) {
      throw new RangeError(`"size" of a queue expected a power of two from 1 to ${VIRTQ_MAX_SIZE}, got ${size}`);
    }
    super(memory, size, counters);
    this.#walker = new ChainWalker(memory, size);
    this.#looker = new SplitLookAhead(size, this.#walker.window);
    this.#used = new SplitUsed(size);
    this.#mask = size - 1;
    this.#taken = new Float64Array(size);
  }

  get base(): number {
    return this.#lastAvail;
  }

  start(layout: QueueLayout, base = 0): void {
    if (!Number.isInteger(base) || base < 0 || base > 0xffff) {
      throw new RangeError(`"base" of a split queue expected an integer from 0 to 65535, got ${base}`);
    }
    this.reset();
    this.placed = layout;
    this.#lastAvail = base;
    this.#availSeen = base;
    this.#used.goTo(base);
    this.begin();
  }

  reset(): void {
    this.placed = null;
    this.stoppedBy = null;
    this.#unbind();
    this.#lastAvail = 0;
    this.#availSeen = 0;
    this.#inFlight = 0;
    this.#taken.fill(0);
    this.#again = [];
    this.#used.goTo(0);
    this.order?.clear();
  }

  available(): number {
    if (this.placed === null || this.stoppedBy !== null) return 0;
    this.#walker.allowSteps();
    const idx = Atomics.load(this.#avail, this.#availAt + 1);
    const count = (idx - this.#lastAvail) & 0xffff;
    if (count > this.size - this.#inFlight) {
      this.stop("availIndexJumped");
      return 0;
    }
    if (this.#again.length > 0) return count + this.#again.length;
    this.#availSeen = idx;
    return count;
  }

  pop(writable: boolean, headBytes: number, head: RangeList, body: RangeList): number {
    const headIndex = this.#next();
    if (headIndex < 0) return headIndex;
    return this.#take(headIndex, writable, headBytes, head, body, false) ? headIndex : QUEUE_REFUSED;
  }

  lookAhead(writable: boolean, headBytes: number, limit: number): number {
    const { ahead } = this;
    ahead.drop();
    if (this.#lastAvail === this.#availSeen && this.available() === 0) return QUEUE_EMPTY;
    // Without an index that was seen, chains of a restored queue come first.
    const count = Math.min((this.#availSeen - this.#lastAvail) & 0xffff, limit);
    this.#looker.look(
      this.#avail,
      this.#availAt + 2,
      this.#lastAvail,
      count,
      this.indirect,
      writable,
      headBytes,
      ahead,
      this.#used.words,
      this.#used.elementsAt,
    );
    return ahead.count;
  }

  takeAhead(index: number): number {
    const headIndex = (this.ahead.words[index << 2] as number) & 0xffff;
    this.#takeNext(headIndex);
    return headIndex;
  }

  takeRun(index: number, count: number): void {
    const { words } = this.ahead;
    const taken = this.#taken;
    const first = index | 0;
    let takenCount = this.#takenCount;
    for (let i = 0; i < count; i++) {
      const headIndex = (words[((first + i) << 2) | 0] as number) & 0xffff;
      taken[headIndex] = ++takenCount;
    }
    if (this.order !== null) this.order.takeRun(words, first, count);
    this.#takenCount = takenCount;
    this.#lastAvail = (this.#lastAvail + count) & 0xffff;
    this.#inFlight += count;
    this.counters.chains += count;
  }

  useAhead(index: number, count: number): number {
    if (this.#inFlight > 0) {
      for (let i = 0; i < count; i++) this.addUsed(this.takeAhead(index + i), 0);
      return count;
    }
    // No chain is out: these are used at the index at which they were available, and there `look` has written them.
    this.#lastAvail = (this.#lastAvail + count) & 0xffff;
    this.#used.idx = this.#lastAvail;
    this.counters.chains += count;
    return count;
  }

  popMixed(readable: RangeList, writable: RangeList): number {
    const headIndex = this.#next();
    if (headIndex < 0) return headIndex;
    writable.clear();
    return this.#take(headIndex, false, NO_LIMIT, readable, writable, true) ? headIndex : QUEUE_REFUSED;
  }

  walk(headIndex: number, writable: boolean, headBytes: number, head: RangeList, body: RangeList): boolean {
    // This chain was paid for when it was popped.
    this.#walker.allowSteps();
    return this.#take(headIndex, writable, headBytes, head, body, false);
  }

  /** The head of the next chain, taken; QUEUE_EMPTY or QUEUE_STOPPED. */
  #next(): number {
    this.ahead.drop();
    if (this.#lastAvail === this.#availSeen) {
      if (this.available() === 0) return this.stoppedBy === null ? QUEUE_EMPTY : QUEUE_STOPPED;
      const again = this.#again.shift();
      if (again !== undefined) return again;
    }
    const headIndex = this.#avail[this.#availAt + 2 + (this.#lastAvail & this.#mask)] as number;
    if (headIndex >= this.size) {
      this.stop("headOutOfRange");
      return QUEUE_STOPPED;
    }
    this.#takeNext(headIndex);
    return headIndex;
  }

  #takeNext(headIndex: number): void {
    this.#lastAvail = (this.#lastAvail + 1) & 0xffff;
    this.#inFlight++;
    this.counters.chains++;
    this.#taken[headIndex] = ++this.#takenCount;
    if (this.order !== null) this.order.take(headIndex);
  }

  #take(
    headIndex: number,
    writable: boolean,
    headBytes: number,
    head: RangeList,
    body: RangeList,
    mayTurn: boolean,
  ): boolean {
    head.clear();
    const ranges = body.rangeCount;
    const bytes = body.totalBytes;
    const code = this.#walker.walk(headIndex, this.indirect, writable, headBytes, head, body, mayTurn);
    if (code === CHAIN_SOUND) return true;
    body.rangeCount = ranges;
    body.totalBytes = bytes;
    this.refuse(headIndex, code);
    return false;
  }

  addUsed(headIndex: number, lengthBytes: number): void {
    const order = this.order;
    if (order === null) {
      this.#use(headIndex, lengthBytes);
      return;
    }
    order.finish(headIndex, lengthBytes);
    this.#useDone(order);
  }

  useRun(chains: Int32Array, count: number): void {
    if (count > this.#inFlight) {
      for (let i = 0; i < count; i++) this.addUsed(chains[2 * i] as number, chains[2 * i + 1] as number);
      return;
    }
    const { order } = this;
    const inTurn = order === null ? count : order.pass(chains, count);
    this.#used.writeRun(chains, inTurn, this.#taken);
    this.#inFlight -= inTurn;
    if (order === null) return;
    for (let i = inTurn; i < count; i++) order.finish(chains[i << 1] as number, chains[((i << 1) + 1) | 0] as number);
    this.#useDone(order);
  }

  /** `#use` for the chains whose turn it is. */
  #useDone(order: UseOrder): void {
    for (let next = order.next(); next >= 0; next = order.next()) this.#use(next, order.lengthBytes(next));
  }

  publish(): void {
    const used = this.#used;
    if (used.published === used.idx || !this.#goesOn()) return;
    used.publish();
    const layout = this.placed;
    if (layout !== null) this.memory.noteWrite(layout.usedRing, usedRingBytes(this.size));
  }

  needsInterrupt(): boolean {
    const used = this.#used;
    const fresh = used.unsignalled;
    if (fresh === 0 || !this.#goesOn()) return false;
    used.unsignalled = 0;
    if (this.eventIdx) {
      // `used_event` is behind the available ring's entries (2.7.7): interrupt if it is among the fresh ones.
      const event = Atomics.load(this.#avail, this.#availAt + 2 + this.size);
      return ((used.published - event - 1) & 0xffff) < fresh;
    }
    return (Atomics.load(this.#avail, this.#availAt) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
  }

  disableNotify(): void {
    // With EVENT_IDX there is nothing to do: `avail_event` stays where it was and the guest has passed it.
    if (this.eventIdx) return;
    this.#used.writeNoNotify();
    this.#noteUsedRing(0);
  }

  notifyAfter(count: number): void {
    if (!this.eventIdx) this.disableNotify();
    else if (this.begin()) this.#setAvailEvent(this.#lastAvail + count - 1);
  }

  enableNotify(): boolean {
    if (!this.#goesOn()) return false;
    if (this.eventIdx) {
      this.#setAvailEvent(this.#lastAvail);
    } else {
      this.#used.writeNotify();
      this.#noteUsedRing(0);
    }
    // Between our last look and the store above the guest may have added a chain and told nobody.
    return this.available() > 0;
  }

  save(): QueueState {
    this.publish();
    const heads: number[] = [];
    for (let head = 0; head < this.size; head++) if (this.#taken[head] !== 0) heads.push(head);
    heads.sort((a, b) => (this.#taken[a] as number) - (this.#taken[b] as number));
    return {
      format: "split",
      size: this.size,
      layout: this.placed,
      error: this.stoppedBy,
      avail: this.#lastAvail,
      used: this.#used.idx,
      unsignalled: this.#used.unsignalled,
      chains: heads.map((head) => ({
        head,
        doneBytes: this.doneBytes(head),
        descriptors: [],
      })),
    };
  }

  check(state: QueueState): void {
    checkQueueState(state, "split", this.size);
    const { layout, error, avail, used, chains } = state;
    const out = (avail - used) & 0xffff;
    // A guest that made one chain available twice has fewer of them out than the indices say.
    if (out > this.size || chains.length > out) refuse("chains", `as many as are out, ${out}`, chains.length);
    for (const { doneBytes, descriptors } of chains) {
      if (doneBytes !== -1 && this.order === null) refuse("chains", "none that is done without IN_ORDER", doneBytes);
      if (descriptors.length > 0) refuse("chains", "no descriptors in a split queue", descriptors);
    }
    if (layout !== null && error === null && !this.#fits(layout)) refuse("layout", "rings in guest memory", layout);
  }

  restore(state: QueueState): void {
    this.check(state);
    const { layout, error, avail, used, chains } = state;
    this.reset();
    this.placed = layout === null ? null : { ...layout };
    this.stoppedBy = error;
    this.#lastAvail = avail;
    this.#availSeen = avail;
    this.#used.goTo(used);
    this.#used.unsignalled = state.unsignalled;
    this.#inFlight = (avail - used) & 0xffff;
    this.begin();
    for (const { head, doneBytes } of chains) {
      this.#taken[head] = ++this.#takenCount;
      this.order?.take(head);
      if (doneBytes === -1) this.#again.push(head);
      else this.addUsed(head, doneBytes);
    }
  }

  /** Writes the next element of the used ring. */
  #use(headIndex: number, lengthBytes: number): void {
    if (this.#inFlight === 0) return;
    this.#used.write(headIndex, lengthBytes);
    this.#inFlight--;
    this.#taken[headIndex] = 0;
  }

  /** Writes `avail_event`, behind the used ring's entries (2.7.10): notify when that chain becomes available. */
  #setAvailEvent(index: number): void {
    this.#used.writeAvailEvent(index);
    this.#noteUsedRing(4 + (this.size << 3));
  }

  /** Tells whoever watches writes of two bytes of the used ring. */
  #noteUsedRing(offset: number): void {
    if (this.placed !== null) this.memory.noteWrite(this.placed.usedRing + offset, 2);
  }

  /** `begin` for what touches the rings alone: a look at their views says whether they are still there. */
  #goesOn(): boolean {
    const here = this.generation === this.memory.generation && this.#avail.length > 0 && this.#used.words.length > 0;
    return here ? this.stoppedBy === null : this.begin();
  }

  protected override stop(error: QueueError): void {
    this.#availSeen = this.#lastAvail;
    super.stop(error);
  }

  #unbind(): void {
    this.ahead.drop();
    this.generation = -1;
    this.#walker.useTable(NO_WORDS, 0);
    this.#looker.useTable(NO_WORDS, 0);
    this.#avail = NO_HALF_WORDS;
    this.#used.unbind();
  }

  /** Whether the rings may be there. */
  #fits(layout: QueueLayout): boolean {
    this.memory.validate();
    const used = this.memory.find(layout.usedRing, usedRingBytes(this.size));
    return (
      isSplitAligned(layout) &&
      this.memory.find(layout.descTable, descTableBytes(this.size)) !== null &&
      this.memory.find(layout.availRing, availRingBytes(this.size)) !== null &&
      used?.writable === true
    );
  }

  protected override bind(layout: QueueLayout): boolean {
    this.#unbind();
    if (!isSplitAligned(layout)) {
      this.stop("ringMisaligned");
      return false;
    }
    const desc = this.memory.find(layout.descTable, descTableBytes(this.size));
    const avail = this.memory.find(layout.availRing, availRingBytes(this.size));
    const used = this.memory.find(layout.usedRing, usedRingBytes(this.size));
    if (desc === null || avail === null || used === null || !used.writable) {
      this.stop("ringOutOfRange");
      return false;
    }
    this.generation = this.memory.generation;
    this.#walker.useTable(desc.u32, (layout.descTable - desc.gpa) >>> 2);
    this.#looker.useTable(desc.u32, (layout.descTable - desc.gpa) >>> 2);
    this.#avail = avail.u16;
    this.#availAt = (layout.availRing - avail.gpa) / 2;
    this.#used.bind(used, layout.usedRing - used.gpa);
    return true;
  }
}
