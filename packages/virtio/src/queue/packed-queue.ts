import type { GuestMemory } from "@vmmkit/vm";
import { RING_EVENT_FLAGS_DESC, RING_EVENT_FLAGS_DISABLE, VIRTQ_DESC_BYTES, VIRTQ_MAX_SIZE } from "../spec.ts";
import { CHAIN_SOUND, NO_WORDS } from "./chain-codes.ts";
import type { DeviceQueue } from "./device-queue.ts";
import type { QueueError } from "./errors.ts";
import { descTableBytes, EVENT_SUPPRESS_BYTES, isPackedAligned, type QueueLayout } from "./layout.ts";
import { PackedLookAhead } from "./packed-ahead.ts";
import { PackedAreas } from "./packed-areas.ts";
import { PackedChainWalker } from "./packed-chain.ts";
import { PackedChainsOut } from "./packed-chains-out.ts";
import { AVAIL as AVAIL_BIT, OWNER as OWNER_BITS, USED as USED_BIT, WRAP } from "./packed-owner.ts";
import { checkPackedState } from "./packed-state.ts";
import { PackedUsed } from "./packed-used.ts";
import { MOST_AHEAD } from "./plain-chains.ts";
import { QueueCore } from "./queue-core.ts";
import type { QueueCounters } from "./queue-counters.ts";
import { type QueueState, refuse, type SavedChain } from "./queue-state.ts";
import type { RangeList } from "./range-list.ts";
import type { UseOrder } from "./use-order.ts";
import { QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED } from "./virtqueue.ts";

/*
 * The packed virtqueue, the device's side (VIRTIO 1.2, 2.8).
 *
 *      descriptor ring (both sides write)
 *      ┌──────────────────────────────────┐
 *   0  │ addr  len  id  flags   used      │ ◄─ used: the next used descriptor goes here
 *   1  │ addr  len  id  flags   taken     │
 *   2  │ addr  len  id  flags   taken     │
 *   3  │ addr  len  id  flags   available │ ◄─ avail: the next chain starts here
 *   4  │ addr  len  id  flags   (free)    │
 *      └──────────────────────────────────┘
 *      driver event suppression   what interrupts the driver wants
 *      device event suppression   what notifications the device wants
 *
 * Both positions go round the ring, and each has a wrap counter that is inverted at its end. A descriptor is available
 * where AVAIL is the counter and USED is not, and used where both are. The device writes one used descriptor for a
 * chain, in the order of use, and skips as many slots as the chain had.
 *
 * Everything in these areas is the guest's to change at any time. So each value is read once into a local, checked
 * there and used from there, and our own positions are never read back from the guest.
 */

// Constants again that are imported: the JIT has a file's own as numbers in its code.
const SOUND = CHAIN_SOUND;
const AVAIL = AVAIL_BIT;
const USED = USED_BIT;
/** The bits of a descriptor's last word that say whose it is. */
const OWNER = OWNER_BITS;
/** More bytes than any chain has. */
const NO_LIMIT = 2 ** 32;
const MOST = MOST_AHEAD;
/** Both positions at slot 0, both wrap counters 1. */
const FRESH_BASE = 0x8000_8000;

/** A packed virtqueue over guest memory. */
export class PackedQueue extends QueueCore implements DeviceQueue {
  readonly #walker: PackedChainWalker;
  readonly #looker: PackedLookAhead;

  /** Valid while `generation` is the memory's. */
  readonly #areas = new PackedAreas();

  /** Chains may be taken: the queue was started and did not stop. */
  #open = false;
  /** Counts resets: a chain that was taken before one is none after it. */
  #life = 0;
  /** Slot of the next chain to take, and what OWNER is there when it is available. */
  #availSlot = 0;
  #availOwner: number = AVAIL;
  readonly #out: PackedChainsOut;
  readonly #used: PackedUsed;

  /** Chains that were out when the queue was saved, to be taken again. */
  #again: number[] = [];

  /**
   * @param size entries, 1 to 32768
   * @param counters where refused chains are counted
   * @throws RangeError for another size
   */
  constructor(memory: GuestMemory, size: number, counters: QueueCounters) {
    if (!Number.isInteger(size) || size < 1 || size > VIRTQ_MAX_SIZE) {
      throw new RangeError(`"size" of a packed queue expected an integer from 1 to ${VIRTQ_MAX_SIZE}, got ${size}`);
    }
    super(memory, size, counters);
    this.#walker = new PackedChainWalker(memory, size);
    this.#looker = new PackedLookAhead(size, this.#walker.window);
    this.#out = new PackedChainsOut(size);
    this.#used = new PackedUsed(size);
  }

  get base(): number {
    const avail = this.#availSlot | (this.#availOwner === AVAIL ? WRAP : 0);
    const used = this.#used.slot | (this.#used.owner === OWNER ? WRAP : 0);
    return ((used << 16) | avail) >>> 0;
  }

  /** Chains between the base's two positions are taken again. */
  start(layout: QueueLayout, base: number = FRESH_BASE): void {
    const isBase = Number.isInteger(base) && base >= 0 && base <= 0xffff_ffff;
    const used = base >>> 16;
    const slot = used & ~WRAP;
    if (!isBase || slot >= this.size || (base & 0x7fff) >= this.size) {
      throw new RangeError(`"base" expected two positions in a packed queue of ${this.size}, got ${base}`);
    }
    this.reset();
    this.placed = layout;
    this.#goTo(slot, (used & WRAP) !== 0);
    this.#open = this.begin();
  }

  reset(): void {
    this.#life++;
    this.placed = null;
    this.stoppedBy = null;
    this.#open = false;
    this.#unbind();
    this.#goTo(0, true);
    this.#out.clear();
    this.order?.clear();
    this.#again = [];
  }

  available(): number {
    if (!this.#open) return 0;
    const left = this.size - this.#out.slots;
    return this.#again.length + this.#areas.countAvailable(this.#availSlot, this.#availOwner, left);
  }

  pop(writable: boolean, headBytes: number, head: RangeList, body: RangeList): number {
    this.ahead.drop();
    if (!this.#open) return this.stoppedBy === null ? QUEUE_EMPTY : QUEUE_STOPPED;
    const again = this.#again.shift();
    if (again !== undefined) return this.walk(again, writable, headBytes, head, body) ? again : QUEUE_REFUSED;
    const slot = this.#availSlot;
    if (!this.#areas.isAvailable(slot, this.#availOwner)) return QUEUE_EMPTY;
    const limit = this.size - this.#out.slots;
    // The driver may reuse a descriptor once it is used, and all are out.
    if (limit === 0) return this.#stopped("availIndexJumped");

    head.clear();
    const ranges = body.rangeCount;
    const bytes = body.totalBytes;
    const walker = this.#walker;
    const life = this.#life;
    const code = walker.walk(slot, limit, this.indirect, writable, headBytes, head, body);
    const { slots, bufferId } = walker;
    const bad = slots === 0 || bufferId >= this.size || this.#out.has(bufferId);
    const lost = life !== this.#life;
    if (code !== SOUND || bad || lost) {
      body.rangeCount = ranges;
      body.totalBytes = bytes;
      // A guest that reset the queue while its chain was handed out has lost it.
      if (lost) return QUEUE_EMPTY;
      if (slots === 0) return this.#stopped("chainWithoutEnd");
      if (bad) return this.#stopped(bufferId >= this.size ? "headOutOfRange" : "headInUse");
    }

    this.#take(bufferId, slot, slots);
    if (code === SOUND) return bufferId;
    this.refuse(bufferId, code);
    return QUEUE_REFUSED;
  }

  lookAhead(writable: boolean, headBytes: number, limit: number): number {
    const { ahead } = this;
    ahead.drop();
    if (!this.#open) return QUEUE_EMPTY;
    if (this.#again.length > 0) return 0;
    const looker = this.#looker;
    const slot = this.#availSlot;
    const owner = this.#availOwner;
    const slots = this.size - this.#out.slots;
    // In order, a chain that is used at once may still be out: the next one's id has to be held against it.
    const inTurn = this.order !== null && !writable && this.#out.slots > 0;
    const last = looker.lastAvailable(slot, owner, inTurn ? Math.min(limit, 1) : Math.min(limit, MOST), slots);
    if (last < 0) return QUEUE_EMPTY;
    // What orders the flags before the rest of the descriptors is this one load, and it is a call: a driver writes the
    // ring in order, so it does for all chains up to this one.
    if (!this.#areas.isAvailable(last, last < slot ? owner ^ OWNER : owner)) return 0;
    looker.look(slot, owner, last, slots, this.#out, this.indirect, writable, headBytes, ahead);
    return ahead.count;
  }

  takeAhead(index: number): number {
    const word = this.ahead.words[index << 2] as number;
    const bufferId = word & 0xffff;
    // Two of those that were looked at may have one id.
    if (this.#out.has(bufferId)) {
      this.ahead.drop();
      return QUEUE_EMPTY;
    }
    this.#take(bufferId, this.#availSlot, word >>> 16);
    return bufferId;
  }

  takeRun(index: number, count: number): void {
    const { words } = this.ahead;
    const { ring, ringAt } = this.#areas;
    const slots = this.#out.takeRun(words, index, count, this.#availSlot, ring, ringAt);
    this.#moveOn(this.#availSlot + slots);
    this.counters.chains += count;
    if (this.order !== null) this.order.takeRun(words, index, count);
  }

  useAhead(index: number, count: number): number {
    if (this.#out.slots === 0) {
      this.#useAtOnce(index, count);
      return count;
    }
    for (let i = 0; i < count; i++) {
      const bufferId = this.takeAhead(index + i);
      if (bufferId < 0) return i;
      this.addUsed(bufferId, 0);
    }
    return count;
  }

  /** No chain is out, so none of these is ever out to anybody. */
  #useAtOnce(index: number, count: number): void {
    if (!this.#open || count === 0) return;
    const used = this.#used;
    const { owner } = used;
    used.writeRun(this.#areas, this.ahead.words, index, count);
    this.#availSlot = used.slot;
    if (owner !== used.owner) this.#availOwner ^= OWNER;
    this.counters.chains += count;
  }

  popMixed(readable: RangeList, writable: RangeList): number {
    writable.clear();
    this.#walker.mayTurn = true;
    const popped = this.pop(false, NO_LIMIT, readable, writable);
    this.#walker.mayTurn = false;
    return popped;
  }

  walk(bufferId: number, writable: boolean, headBytes: number, head: RangeList, body: RangeList): boolean {
    head.clear();
    if (!this.#out.has(bufferId) || !this.#open) return false;
    const ranges = body.rangeCount;
    const bytes = body.totalBytes;
    const code = this.#walkAgain(bufferId, writable, headBytes, head, body);
    if (code === SOUND) return true;
    body.rangeCount = ranges;
    body.totalBytes = bytes;
    this.refuse(bufferId, code);
    return false;
  }

  addUsed(bufferId: number, lengthBytes: number): void {
    const order = this.order;
    if (order === null) {
      this.#use(bufferId, lengthBytes);
      return;
    }
    if (!this.#out.has(bufferId)) return;
    order.finish(bufferId, lengthBytes);
    this.#useDone(order);
  }

  useRun(chains: Int32Array, count: number): void {
    const { order } = this;
    const inTurn = order === null ? count : order.pass(chains, count);
    for (let i = this.#used.writeTaken(this.#areas, this.#out, chains, inTurn); i < inTurn; i++) {
      this.#use(chains[i << 1] as number, chains[((i << 1) + 1) | 0] as number);
    }
    if (order === null) return;
    for (let i = inTurn; i < count; i++) order.finish(chains[i << 1] as number, chains[((i << 1) + 1) | 0] as number);
    this.#useDone(order);
  }

  publish(): void {
    if (this.#used.hiddenSlot < 0 || !this.begin()) return;
    const { hiddenSlot, hiddenSlots } = this.#used;
    this.#used.publish(this.#areas);
    if (this.memory.writeObserver !== null) this.#noteUsed(hiddenSlot, Math.min(hiddenSlots, this.size));
  }

  needsInterrupt(): boolean {
    const fresh = this.#used.unsignalled;
    if (fresh === 0 || !this.begin()) return false;
    this.#used.unsignalled = 0;
    return this.#used.isWanted(Atomics.load(this.#areas.driver, this.#areas.driverAt), fresh, this.eventIdx);
  }

  disableNotify(): void {
    this.#areas.device[this.#areas.deviceAt] = RING_EVENT_FLAGS_DISABLE << 16;
    this.#noteDeviceArea();
  }

  notifyAfter(count: number): void {
    if (!this.eventIdx) this.disableNotify();
    else if (this.begin()) this.#notifyAt(count - 1);
  }

  enableNotify(): boolean {
    if (!this.begin()) return false;
    if (this.eventIdx) this.#notifyAt(0);
    else {
      Atomics.store(this.#areas.device, this.#areas.deviceAt, 0);
      this.#noteDeviceArea();
    }
    // Between our last look and the store above the guest may have added a chain and told nobody.
    return this.#again.length > 0 || this.#areas.isAvailable(this.#availSlot, this.#availOwner);
  }

  save(): QueueState {
    this.publish();
    const { base } = this;
    return {
      format: "packed",
      size: this.size,
      layout: this.placed,
      error: this.stoppedBy,
      avail: base & 0xffff,
      used: base >>> 16,
      unsignalled: this.#used.unsignalled,
      chains: this.begin() ? this.#saveChains() : [],
    };
  }

  check(state: QueueState): void {
    checkPackedState(state, this.size, this.order !== null);
    const { layout, error } = state;
    if (layout !== null && error === null && !this.#fits(layout)) refuse("layout", "areas in guest memory", layout);
  }

  restore(state: QueueState): void {
    this.check(state);
    const { layout, error, avail, used, chains } = state;
    this.reset();
    this.placed = layout === null ? null : { ...layout };
    this.stoppedBy = error;
    this.#goTo(used & ~WRAP, (used & WRAP) !== 0);
    this.#availSlot = avail & ~WRAP;
    this.#availOwner = (avail & WRAP) !== 0 ? AVAIL : USED;
    this.#used.unsignalled = state.unsignalled;
    this.#open = this.begin();
    if (this.#open) this.#restoreChains(chains);
  }

  /** Both positions are at a slot, with this wrap counter: no chain is out. */
  #goTo(slot: number, wrap: boolean): void {
    this.#availSlot = slot;
    this.#availOwner = wrap ? AVAIL : USED;
    this.#used.goTo(slot, wrap);
  }

  #take(bufferId: number, slot: number, slots: number): void {
    this.#out.take(bufferId, slot, slots, this.#areas.ring, this.#areas.ringAt);
    this.#moveOn(slot + slots);
    this.counters.chains++;
    if (this.order !== null) this.order.take(bufferId);
  }

  /** The next chain to take starts at slot `next`, counted on behind the ring's end. */
  #moveOn(next: number): void {
    if (next < this.size) {
      this.#availSlot = next;
    } else {
      this.#availSlot = next - this.size;
      this.#availOwner ^= OWNER;
    }
  }

  /** `#use` for the chains whose turn it is. */
  #useDone(order: UseOrder): void {
    for (let next = order.next(); next >= 0; next = order.next()) this.#use(next, order.lengthBytes(next));
  }

  /** Writes the used descriptor of a chain, and skips its slots. */
  #use(bufferId: number, lengthBytes: number): void {
    if (!this.#out.has(bufferId)) return;
    const slots = this.#out.release(bufferId, this.#used.slot, this.#areas.ring, this.#areas.ringAt);
    this.#used.write(this.#areas, bufferId, slots, lengthBytes);
  }

  #walkAgain(bufferId: number, writable: boolean, headBytes: number, head: RangeList, body: RangeList): number {
    const walker = this.#walker;
    const slots = this.#out.slotsOf(bufferId);
    const copy = this.#out.copyOf(bufferId);
    if (copy === null) {
      const slot = this.#out.slotOf(bufferId);
      return walker.walk(slot, slots, this.indirect, writable, headBytes, head, body);
    }
    walker.useRing(copy, 0);
    const code = walker.walk(0, slots, this.indirect, writable, headBytes, head, body);
    walker.useRing(this.#areas.ring, this.#areas.ringAt);
    return code;
  }

  /** Tells whoever watches writes of the used descriptors that are published now. */
  #noteUsed(slot: number, slots: number): void {
    if (this.placed === null) return;
    const { descTable } = this.placed;
    const count = Math.min(slots, this.size - slot);
    this.memory.noteWrite(descTable + VIRTQ_DESC_BYTES * slot, VIRTQ_DESC_BYTES * count);
    if (count < slots) this.memory.noteWrite(descTable, VIRTQ_DESC_BYTES * (slots - count));
  }

  /** Asks for a notification when the slot `ahead` of the next one becomes available (2.8.10). */
  #notifyAt(ahead: number): void {
    const to = this.#availSlot + ahead;
    const inRound = to < this.size;
    const wrap = (this.#availOwner === AVAIL) === inRound ? WRAP : 0;
    Atomics.store(
      this.#areas.device,
      this.#areas.deviceAt,
      (RING_EVENT_FLAGS_DESC << 16) | wrap | (inRound ? to : to - this.size),
    );
    this.#noteDeviceArea();
  }

  #noteDeviceArea(): void {
    if (this.placed !== null) this.memory.noteWrite(this.placed.usedRing, EVENT_SUPPRESS_BYTES);
  }

  protected override stop(error: QueueError): void {
    this.#open = false;
    super.stop(error);
  }

  /** What `pop` answers to what stops the queue. */
  #stopped(error: QueueError): number {
    this.stop(error);
    return QUEUE_STOPPED;
  }

  #unbind(): void {
    this.ahead.drop();
    this.generation = -1;
    this.#walker.useRing(NO_WORDS, 0);
    this.#looker.useRing(NO_WORDS, 0);
    this.#areas.unbind();
  }

  #saveChains(): SavedChain[] {
    return this.#out.copyAll(this.#used.slot, this.#areas.ring, this.#areas.ringAt).map((head) => ({
      head,
      doneBytes: this.doneBytes(head),
      descriptors: [...(this.#out.copyOf(head) ?? [])],
    }));
  }

  #restoreChains(chains: readonly SavedChain[]): void {
    for (const { head, descriptors } of chains) {
      this.#out.restore(head, Uint32Array.from(descriptors));
      this.order?.take(head);
    }
    for (const { head, doneBytes } of chains) {
      if (doneBytes === -1) this.#again.push(head);
      else this.addUsed(head, doneBytes);
    }
  }

  /** Whether the areas may be there. */
  #fits(layout: QueueLayout): boolean {
    this.memory.validate();
    return (
      isPackedAligned(layout) &&
      this.memory.find(layout.descTable, descTableBytes(this.size))?.writable === true &&
      this.memory.find(layout.availRing, EVENT_SUPPRESS_BYTES) !== null &&
      this.memory.find(layout.usedRing, EVENT_SUPPRESS_BYTES)?.writable === true
    );
  }

  protected override bind(layout: QueueLayout): boolean {
    this.#unbind();
    const wrong = this.#areas.bind(this.memory, layout, this.size);
    if (wrong !== null) {
      this.stop(wrong);
      return false;
    }
    this.generation = this.memory.generation;
    this.#walker.useRing(this.#areas.ring, this.#areas.ringAt);
    this.#looker.useRing(this.#areas.ring, this.#areas.ringAt);
    return true;
  }
}
