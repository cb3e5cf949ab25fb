import type { GuestMemory } from "@vmmkit/vm";
import {
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  VIRTQ_DESC_BYTES,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_USED,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_MAX_SIZE,
} from "../spec.ts";
import { CHAIN_SOUND, NO_WORDS } from "./chain-codes.ts";
import type { DeviceQueue } from "./device-queue.ts";
import type { QueueError } from "./errors.ts";
import { descTableBytes, EVENT_SUPPRESS_BYTES, isPackedAligned, type QueueLayout } from "./layout.ts";
import { PackedLookAhead } from "./packed-ahead.ts";
import { PackedChainWalker } from "./packed-chain.ts";
import { PackedChainsOut } from "./packed-chains-out.ts";
import { MOST_AHEAD } from "./plain-chains.ts";
import { QueueCore } from "./queue-core.ts";
import type { QueueCounters } from "./queue-counters.ts";
import { checkQueueState, type QueueState, refuse, type SavedChain } from "./queue-state.ts";
import type { RangeList } from "./range-list.ts";
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
const DESC_WORDS = VIRTQ_DESC_BYTES / 4;
const AVAIL = VIRTQ_DESC_F_AVAIL << 16;
const USED = VIRTQ_DESC_F_USED << 16;
const NEXT = VIRTQ_DESC_F_NEXT << 16;
const WRITE = VIRTQ_DESC_F_WRITE << 16;
/** The bits of a descriptor's last word that say whose it is. */
const OWNER = AVAIL | USED;
/** More bytes than any chain has. */
const NO_LIMIT = 2 ** 32;
/** A wrap counter beside a slot, in event suppression structures and in a base. */
const WRAP = 0x8000;
const NO_HALVES = new Uint16Array(0);
const MOST = MOST_AHEAD;
/** Both positions at slot 0, both wrap counters 1. */
const FRESH_BASE = 0x8000_8000;

/** A packed virtqueue over guest memory. */
export class PackedQueue extends QueueCore implements DeviceQueue {
  readonly #walker: PackedChainWalker;
  readonly #looker: PackedLookAhead;

  // Views of the three areas and where these start in them. Valid while `generation` is the memory's.
  #ring: Uint32Array = NO_WORDS;
  /** The same ring: a half word is a small integer whatever its bits, and `Atomics` makes objects of larger ones. */
  #halves: Uint16Array = NO_HALVES;
  #ringAt = 0;
  #driver: Uint32Array = NO_WORDS;
  #driverAt = 0;
  #device: Uint32Array = NO_WORDS;
  #deviceAt = 0;

  /** Chains may be taken: the queue was started and did not stop. */
  #open = false;
  /** Counts resets: a chain that was taken before one is none after it. */
  #life = 0;
  /** Slot of the next chain to take, and what OWNER is there when it is available. */
  #availSlot = 0;
  #availOwner: number = AVAIL;
  /** Slot of the next used descriptor, and what OWNER says there. */
  #usedSlot = 0;
  #usedOwner: number = OWNER;
  readonly #out: PackedChainsOut;

  /** The first used descriptor that the guest must not see yet: its slot, -1 for none, and its last word. */
  #hiddenSlot = -1;
  #hiddenWord = 0;
  /** Slots used since the last `publish`. */
  #hiddenSlots = 0;
  /** Where the next used descriptor goes as the guest knows it, counted over two rounds. */
  #published = 0;
  /** Slots published since `needsInterrupt` was last asked; may be more than the ring has. */
  #unsignalled = 0;

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
  }

  get base(): number {
    const avail = this.#availSlot | (this.#availOwner === AVAIL ? WRAP : 0);
    const used = this.#usedSlot | (this.#usedOwner === OWNER ? WRAP : 0);
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
    this.#hiddenSlot = -1;
    this.#hiddenSlots = 0;
    this.#unsignalled = 0;
    this.order?.clear();
    this.#again = [];
  }

  available(): number {
    if (!this.#open) return 0;
    let slot = this.#availSlot;
    let owner = this.#availOwner;
    let left = this.size - this.#out.slots;
    let count = this.#again.length;
    while (left > 0) {
      if (!this.#isAvailable(slot, owner)) break;
      count++;
      let word = this.#ring[this.#lastWordOf(slot)] as number;
      for (;;) {
        left--;
        if (++slot === this.size) {
          slot = 0;
          owner ^= OWNER;
        }
        if ((word & NEXT) === 0 || left === 0) break;
        word = this.#ring[this.#lastWordOf(slot)] as number;
      }
    }
    return count;
  }

  pop(writable: boolean, headBytes: number, head: RangeList, body: RangeList): number {
    this.ahead.drop();
    if (!this.#open) return this.stoppedBy === null ? QUEUE_EMPTY : QUEUE_STOPPED;
    const again = this.#again.shift();
    if (again !== undefined) return this.walk(again, writable, headBytes, head, body) ? again : QUEUE_REFUSED;
    const slot = this.#availSlot;
    if (!this.#isAvailable(slot, this.#availOwner)) return QUEUE_EMPTY;
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
    if (!this.#open || this.#again.length > 0) return 0;
    const looker = this.#looker;
    const slot = this.#availSlot;
    const owner = this.#availOwner;
    const slots = this.size - this.#out.slots;
    // In order, a chain that is used at once may still be out: the next one's id has to be held against it.
    const inTurn = this.order !== null && !writable && this.#out.slots > 0;
    const last = looker.lastAvailable(slot, owner, inTurn ? Math.min(limit, 1) : Math.min(limit, MOST), slots);
    // What orders the flags before the rest of the descriptors is this one load, and it is a call: a driver writes the
    // ring in order, so it does for all chains up to this one.
    if (last < 0 || !this.#isAvailable(last, last < slot ? owner ^ OWNER : owner)) return 0;
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

  useAhead(index: number, count: number): number {
    if (this.order === null && this.#out.slots === 0) {
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
    const { words } = this.ahead;
    const ring = this.#ring;
    const ringAt = this.#ringAt | 0;
    const size = this.size | 0;
    const mask = OWNER | 0;
    const first = this.#usedSlot | 0;
    let slot = first;
    let owner = this.#usedOwner | 0;
    for (let i = 0; i < count; i++) {
      const chain = words[((index + i) << 2) | 0] as number;
      const word = (chain & 0xffff) | owner;
      const at = (ringAt + (slot << 2)) | 0;
      ring[(at + 2) | 0] = 0;
      if (this.#hiddenSlot < 0) {
        this.#hiddenSlot = slot;
        this.#hiddenWord = word;
      } else {
        ring[(at + 3) | 0] = word;
      }
      const slots = chain >>> 16;
      this.#hiddenSlots += slots;
      slot += slots;
      if (slot >= size) {
        slot -= size;
        owner ^= mask;
      }
    }
    this.#usedSlot = slot;
    this.#availSlot = slot;
    if (owner !== this.#usedOwner) {
      this.#usedOwner = owner;
      this.#availOwner ^= OWNER;
    }
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
    for (let next = order.next(); next >= 0; next = order.next()) this.#use(next, order.lengthBytes(next));
  }

  publish(): void {
    if (this.#hiddenSlot < 0 || !this.begin()) return;
    // The other descriptors of the batch first: the store is a full fence, so a guest that sees this one sees them.
    Atomics.store(this.#ring, this.#lastWordOf(this.#hiddenSlot), this.#hiddenWord);
    if (this.memory.writeObserver !== null) this.#noteUsed();
    this.#unsignalled += this.#hiddenSlots;
    this.#published = (this.#published + this.#hiddenSlots) % (2 * this.size);
    this.#hiddenSlot = -1;
    this.#hiddenSlots = 0;
  }

  needsInterrupt(): boolean {
    const fresh = this.#unsignalled;
    if (fresh === 0 || !this.begin()) return false;
    this.#unsignalled = 0;
    const wish = Atomics.load(this.#driver, this.#driverAt);
    const flags = (wish >>> 16) & 3;
    if (flags !== RING_EVENT_FLAGS_DESC || !this.eventIdx) return flags !== RING_EVENT_FLAGS_DISABLE;
    const slot = wish & 0x7fff;
    if (slot >= this.size) return false;
    // How many slots ago the descriptor was used that the driver waits for: interrupt if it is among the fresh ones.
    const ago = this.#published - slot - ((wish & WRAP) !== 0 ? 0 : this.size);
    return (ago > 0 ? ago : ago + 2 * this.size) <= fresh;
  }

  disableNotify(): void {
    this.#device[this.#deviceAt] = RING_EVENT_FLAGS_DISABLE << 16;
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
      Atomics.store(this.#device, this.#deviceAt, 0);
      this.#noteDeviceArea();
    }
    // Between our last look and the store above the guest may have added a chain and told nobody.
    return this.#again.length > 0 || this.#isAvailable(this.#availSlot, this.#availOwner);
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
      unsignalled: this.#unsignalled,
      chains: this.begin() ? this.#saveChains() : [],
    };
  }

  check(state: QueueState): void {
    checkQueueState(state, "packed", this.size);
    const { layout, error, avail, used, chains } = state;
    if ((avail & ~WRAP) >= this.size) refuse("avail", `a slot below ${this.size}`, avail & ~WRAP);
    if ((used & ~WRAP) >= this.size) refuse("used", `a slot below ${this.size}`, used & ~WRAP);
    let slots = 0;
    for (const { doneBytes, descriptors } of chains) {
      if (doneBytes !== -1 && this.order === null) refuse("chains", "none that is done without IN_ORDER", doneBytes);
      if (descriptors.length === 0 || descriptors.length % DESC_WORDS !== 0) {
        refuse("chains", "descriptors of four words", descriptors);
      }
      slots += descriptors.length / DESC_WORDS;
    }
    const out = this.#roundPosition(avail) - this.#roundPosition(used);
    // A queue that stopped has nothing to give back.
    if (error === null && (slots > this.size || slots !== (out < 0 ? out + 2 * this.size : out))) {
      refuse("chains", "descriptors for all slots from used to avail", slots);
    }
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
    this.#unsignalled = state.unsignalled;
    this.#open = this.begin();
    if (this.#open) this.#restoreChains(chains);
  }

  /** Both positions are at a slot, with this wrap counter: no chain is out. */
  #goTo(slot: number, wrap: boolean): void {
    this.#availSlot = slot;
    this.#availOwner = wrap ? AVAIL : USED;
    this.#usedSlot = slot;
    this.#usedOwner = wrap ? OWNER : 0;
    this.#published = wrap ? slot : slot + this.size;
  }

  #take(bufferId: number, slot: number, slots: number): void {
    this.#out.take(bufferId, slot, slots, this.#ring, this.#ringAt);
    this.#moveOn(slot + slots);
    this.counters.chains++;
    if (this.order !== null) this.order.take(bufferId);
  }

  /** What orders a look at a descriptor's flags before all that is read after it. */
  #isAvailable(slot: number, owner: number): boolean {
    return ((Atomics.load(this.#halves, 2 * this.#lastWordOf(slot) + 1) << 16) & OWNER) === owner;
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

  /** Index of the last word of a slot: buffer id and flags. */
  #lastWordOf(slot: number): number {
    return this.#ringAt + DESC_WORDS * slot + 3;
  }

  /** Writes the used descriptor of a chain, and skips its slots. */
  #use(bufferId: number, lengthBytes: number): void {
    if (!this.#out.has(bufferId)) return;
    const slots = this.#out.release(bufferId, this.#usedSlot, this.#ring, this.#ringAt);
    const at = this.#ringAt + DESC_WORDS * this.#usedSlot;
    const word = bufferId | this.#usedOwner | (lengthBytes === 0 ? 0 : WRITE);
    this.#ring[at + 2] = lengthBytes;
    if (this.#hiddenSlot < 0) {
      this.#hiddenSlot = this.#usedSlot;
      this.#hiddenWord = word;
    } else {
      this.#ring[at + 3] = word;
    }
    this.#hiddenSlots += slots;
    const next = this.#usedSlot + slots;
    if (next < this.size) {
      this.#usedSlot = next;
    } else {
      this.#usedSlot = next - this.size;
      this.#usedOwner ^= OWNER;
    }
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
    walker.useRing(this.#ring, this.#ringAt);
    return code;
  }

  /** Tells whoever watches writes of the used descriptors that are published now. */
  #noteUsed(): void {
    if (this.placed === null) return;
    const { descTable } = this.placed;
    const slots = Math.min(this.#hiddenSlots, this.size);
    const count = Math.min(slots, this.size - this.#hiddenSlot);
    this.memory.noteWrite(descTable + VIRTQ_DESC_BYTES * this.#hiddenSlot, VIRTQ_DESC_BYTES * count);
    if (count < slots) this.memory.noteWrite(descTable, VIRTQ_DESC_BYTES * (slots - count));
  }

  /** Asks for a notification when the slot `ahead` of the next one becomes available (2.8.10). */
  #notifyAt(ahead: number): void {
    const to = this.#availSlot + ahead;
    const inRound = to < this.size;
    const wrap = (this.#availOwner === AVAIL) === inRound ? WRAP : 0;
    Atomics.store(this.#device, this.#deviceAt, (RING_EVENT_FLAGS_DESC << 16) | wrap | (inRound ? to : to - this.size));
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
    this.#ring = NO_WORDS;
    this.#halves = NO_HALVES;
    this.#driver = NO_WORDS;
    this.#device = NO_WORDS;
  }

  #saveChains(): SavedChain[] {
    return this.#out.copyAll(this.#usedSlot, this.#ring, this.#ringAt).map((head) => ({
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

  /** A slot and its wrap counter as a position in two rounds. */
  #roundPosition(position: number): number {
    return (position & ~WRAP) + ((position & WRAP) !== 0 ? 0 : this.size);
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
    if (!isPackedAligned(layout)) {
      this.stop("ringMisaligned");
      return false;
    }
    const ring = this.memory.find(layout.descTable, descTableBytes(this.size));
    const driver = this.memory.find(layout.availRing, EVENT_SUPPRESS_BYTES);
    const device = this.memory.find(layout.usedRing, EVENT_SUPPRESS_BYTES);
    if (ring === null || driver === null || device === null || !ring.writable || !device.writable) {
      this.stop("ringOutOfRange");
      return false;
    }
    this.generation = this.memory.generation;
    this.#ring = ring.u32;
    this.#halves = ring.u16;
    this.#ringAt = (layout.descTable - ring.gpa) / 4;
    this.#walker.useRing(this.#ring, this.#ringAt);
    this.#looker.useRing(this.#ring, this.#ringAt);
    this.#driver = driver.u32;
    this.#driverAt = (layout.availRing - driver.gpa) / 4;
    this.#device = device.u32;
    this.#deviceAt = (layout.usedRing - device.gpa) / 4;
    return true;
  }
}
