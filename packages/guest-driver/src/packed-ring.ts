/*
 * The driver's side of a packed virtqueue (VIRTIO 1.2, 2.8).
 *
 * One ring of descriptors, which the driver makes available in order and the device marks as used in order, each with
 * a wrap counter that is inverted at the ring's end. A chain lies in slots one behind the other; its last descriptor
 * has the buffer id. The device writes one used descriptor for a chain and skips the chain's slots.
 */
import {
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  VIRTQ_DESC_BYTES,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_USED,
  VIRTQ_DESC_F_WRITE,
} from "@vmmkit/virtio";
import type { MemoryRegion } from "@vmmkit/vm";
import { RingError } from "./errors.ts";
import type { GuestRam } from "./guest-ram.ts";
import type { GuestRing, GuestRingOptions } from "./guest-ring.ts";
import { PackedIds } from "./packed-ids.ts";
import { checkPackedLayout, descTableBytes, EVENT_SUPPRESS_BYTES, type RingLayout } from "./ring-layout.ts";
import { WrapPosition } from "./wrap-position.ts";

const DESC_WORDS = VIRTQ_DESC_BYTES / 4;
const HIGH_WORD = 2 ** 32;
const OWNER_FLAGS = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;

/** The driver's side of a packed ring. Nothing is allocated per chain. */
export class PackedRing implements GuestRing {
  readonly layout: RingLayout;
  readonly size: number;
  /** Whether events for one descriptor may be asked for. */
  readonly eventIdx: boolean;
  readonly indirectEntries: number;
  usedLength = 0;
  freeCount: number;

  readonly #ram: GuestRam;
  readonly #inOrder: boolean;
  readonly #ring: MemoryRegion;
  readonly #ringWord: number;
  readonly #events: MemoryRegion;
  readonly #driverWord: number;
  readonly #deviceWord: number;
  readonly #tables: number;
  readonly #tableRegion: MemoryRegion;
  readonly #ids: PackedIds;
  /** Where the next descriptor goes. */
  readonly #avail: WrapPosition;
  /** Where the next used descriptor is looked for. */
  readonly #used: WrapPosition;
  /** For looks ahead of it. */
  readonly #ahead: WrapPosition;

  /* The chain that is being built. */
  #building = false;
  #slots = 0;
  #writableBytes = 0;
  /** Where its first descriptor is, and that one's last word, which makes it available. */
  #firstAt = 0;
  #firstWord = 0;
  /** Where its last descriptor so far is, and that one's flags. */
  #lastAt = 0;
  #lastFlags = 0;
  /** Entries in its indirect table, -1 without one. */
  #tableCount = -1;

  /** The first chain that the device cannot see: the word that makes it available, -1 for none. */
  #hiddenAt = -1;
  #hiddenWord = 0;
  #hiddenChains = 0;
  #hiddenSlots = 0;
  /** Published since `kickNeeded` was last asked. */
  #unkickedChains = 0;
  #unkickedSlots = 0;
  /** In order: the chain that the device named for a batch which ends with it, -1 for none, and its length. */
  #batchId = -1;
  #batchLength = 0;

  /**
   * Makes the ring anew: all three parts are filled with zeros. Their memory stays the caller's.
   * @throws RingError for an impossible layout, GuestRamError where it is not memory
   */
  constructor(ram: GuestRam, layout: RingLayout, options: GuestRingOptions = {}) {
    this.layout = checkPackedLayout(layout);
    const { size, descTable, availRing, usedRing } = layout;
    this.size = size;
    this.freeCount = size;
    this.eventIdx = options.eventIdx ?? false;
    this.indirectEntries = options.indirectEntries ?? 0;
    this.#ram = ram;
    this.#inOrder = options.inOrder ?? false;
    ram.bytes(descTable, descTableBytes(size)).fill(0);
    for (const gpa of [availRing, usedRing]) ram.bytes(gpa, EVENT_SUPPRESS_BYTES).fill(0);
    this.#ring = ram.region(descTable, descTableBytes(size));
    this.#ringWord = (descTable - this.#ring.gpa) / 4;
    this.#events = ram.region(availRing, EVENT_SUPPRESS_BYTES);
    if (ram.region(usedRing, EVENT_SUPPRESS_BYTES) !== this.#events) {
      throw new RingError("the event suppression structures are in different regions");
    }
    this.#driverWord = (availRing - this.#events.gpa) / 4;
    this.#deviceWord = (usedRing - this.#events.gpa) / 4;
    this.#tables = this.#tableBytes() > 0 ? ram.alloc(this.#tableBytes()) : 0;
    this.#tableRegion = this.#tables > 0 ? ram.region(this.#tables, this.#tableBytes()) : this.#ring;
    this.#ids = new PackedIds(size);
    this.#avail = new WrapPosition(size);
    this.#used = new WrapPosition(size);
    this.#ahead = new WrapPosition(size);
  }

  dispose(): void {
    if (this.#tables !== 0) this.#ram.free(this.#tables, this.#tableBytes());
  }

  get outCount(): number {
    return this.#ids.outCount;
  }

  get unkickedCount(): number {
    return this.#unkickedChains + this.#hiddenChains;
  }

  begin(): void {
    if (this.#building) this.#fail("the chain before was not ended");
    this.#building = true;
    this.#slots = 0;
    this.#writableBytes = 0;
    this.#lastFlags = 0;
    this.#tableCount = -1;
  }

  readable(gpa: number, lengthBytes: number): void {
    if ((this.#lastFlags & VIRTQ_DESC_F_WRITE) !== 0)
      this.#fail("a device-readable buffer behind a device-writable one");
    this.#push(gpa, lengthBytes, 0);
  }

  writable(gpa: number, lengthBytes: number): void {
    this.#push(gpa, lengthBytes, VIRTQ_DESC_F_WRITE);
    this.#writableBytes += lengthBytes;
  }

  /** Puts the whole chain into an indirect table: in a packed ring it is alone in its list (2.8.5). */
  indirect(): void {
    if (this.indirectEntries === 0) this.#fail("the ring was made without indirect tables");
    if (this.#slots > 0) this.#fail("an indirect table behind other descriptors");
    this.#pushIntoRing(this.#tableOf(this.#ids.next), 0, VIRTQ_DESC_F_INDIRECT);
    this.#lastFlags = 0;
    this.#tableCount = 0;
  }

  end(): number {
    if (this.#slots === 0) this.#fail("an empty chain");
    if (this.#tableCount === 0) this.#fail("an empty indirect table");
    const u32 = this.#ring.u32;
    const id = this.#ids.next;
    if (this.#tableCount > 0) u32[this.#lastAt + 2] = this.#tableCount * VIRTQ_DESC_BYTES;
    // The buffer id is in the last descriptor (2.8.6).
    if (this.#slots === 1) this.#firstWord |= id;
    else u32[this.#lastAt + 3] = (u32[this.#lastAt + 3] as number) | id;
    if (this.#hiddenAt < 0) {
      this.#hiddenAt = this.#firstAt + 3;
      this.#hiddenWord = this.#firstWord;
    } else {
      // The device looks at the first chain it has not seen, and no further.
      u32[this.#firstAt + 3] = this.#firstWord;
    }
    this.#hiddenChains++;
    this.#hiddenSlots += this.#slots;
    this.#ids.take(this.#slots, this.#writableBytes);
    this.#building = false;
    return id;
  }

  /** Shows the device all chains ended so far: the first one's flags after everything else (2.8.21). */
  publish(): void {
    if (this.#hiddenAt < 0) return;
    Atomics.store(this.#ring.u32, this.#hiddenAt, this.#hiddenWord);
    this.#hiddenAt = -1;
    this.#unkickedChains += this.#hiddenChains;
    this.#unkickedSlots += this.#hiddenSlots;
    this.#hiddenChains = 0;
    this.#hiddenSlots = 0;
  }

  kickNeeded(): boolean {
    const slots = this.#unkickedSlots;
    if (slots === 0) return false;
    this.#unkickedSlots = 0;
    this.#unkickedChains = 0;
    const wish = Atomics.load(this.#events.u32, this.#deviceWord);
    const flags = wish >>> 16;
    if (flags !== RING_EVENT_FLAGS_DESC || !this.eventIdx) return flags !== RING_EVENT_FLAGS_DISABLE;
    return this.#avail.passed(wish & 0x7fff, (wish >>> 15) & 1, slots + this.#hiddenSlots, this.#hiddenSlots);
  }

  usedCount(): number {
    const look = this.#ahead;
    look.copy(this.#used);
    let count = 0;
    for (let out = this.outCount; out > 0; out--) {
      const at = this.#lastWordOf(look.slot);
      if (!isUsed(this.#flagsAt(at), look.wrap)) break;
      const id = this.#idAt(at);
      if (this.#ids.slots(id) === 0) break;
      look.advance(this.#ids.slots(id));
      count++;
    }
    return count;
  }

  popUsed(): number {
    if (this.#batchId < 0 && !this.#look()) return -1;
    const named = this.#batchId;
    let id = named;
    if (this.#inOrder) {
      id = this.#ids.oldest;
      // Chains before the one that was named have been used completely (2.8.8).
      this.usedLength = id === named ? this.#batchLength : this.#ids.room(id);
    } else {
      this.usedLength = this.#batchLength;
    }
    if (id === named) this.#batchId = -1;
    const slots = this.#ids.slots(id);
    this.#ids.release(id);
    this.freeCount += slots;
    this.#used.advance(slots);
    return id;
  }

  disableInterrupts(): void {
    Atomics.store(this.#events.u32, this.#driverWord, RING_EVENT_FLAGS_DISABLE << 16);
  }

  /** With EVENT_IDX: when as many slots were used. A chain takes one at least, so the interrupt is never late. */
  enableInterrupts(chains = 1): boolean {
    let wish = RING_EVENT_FLAGS_ENABLE << 16;
    if (this.eventIdx) {
      const event = this.#ahead;
      event.copy(this.#used);
      event.advance(chains - 1);
      wish = (RING_EVENT_FLAGS_DESC << 16) | (event.wrap << 15) | event.slot;
    }
    Atomics.store(this.#events.u32, this.#driverWord, wish);
    return this.usedCount() >= chains;
  }

  /** Reads the next used descriptor. False where the device has given nothing back. */
  #look(): boolean {
    const at = this.#lastWordOf(this.#used.slot);
    const flags = this.#flagsAt(at);
    if (!isUsed(flags, this.#used.wrap)) return false;
    if (this.outCount === 0) this.#refuse("no chain is out");
    const id = this.#idAt(at);
    if (this.#ids.slots(id) === 0) this.#refuse(`buffer id ${id} is not out`);
    // Without WRITE the length means nothing (2.8.4).
    const wrote = (flags & VIRTQ_DESC_F_WRITE) !== 0;
    const length = wrote ? (this.#ring.u32[at - 1] as number) : 0;
    if (length > this.#ids.room(id)) {
      this.#refuse(`length ${length}, but buffer id ${id} has room for ${this.#ids.room(id)} bytes`);
    }
    this.#batchId = id;
    this.#batchLength = length;
    return true;
  }

  /**
   * Flags in a descriptor's last word, read before all that is read after them. A half word, as `Atomics` makes an object
   * of each word that is no small integer: that would be two for a frame.
   */
  #flagsAt(word: number): number {
    return Atomics.load(this.#ring.u16, 2 * word + 1);
  }

  /** Buffer id in a descriptor's last word. */
  #idAt(word: number): number {
    return this.#ring.u16[2 * word] as number;
  }

  #lastWordOf(slot: number): number {
    return this.#ringWord + DESC_WORDS * slot + 3;
  }

  #tableBytes(): number {
    return this.size * this.indirectEntries * VIRTQ_DESC_BYTES;
  }

  #tableOf(id: number): number {
    return this.#tables + id * this.indirectEntries * VIRTQ_DESC_BYTES;
  }

  #push(gpa: number, lengthBytes: number, flags: number): void {
    if (this.#tableCount >= 0) this.#pushIntoTable(gpa, lengthBytes, flags);
    else this.#pushIntoRing(gpa, lengthBytes, flags);
    this.#lastFlags = flags;
  }

  #pushIntoRing(gpa: number, lengthBytes: number, flags: number): void {
    if (!this.#building) this.#fail("no chain was begun");
    if (this.freeCount === 0) this.#fail("the ring is full");
    const u32 = this.#ring.u32;
    const at = this.#ringWord + DESC_WORDS * this.#avail.slot;
    const word = (flags | (this.#avail.wrap === 1 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED)) << 16;
    if (this.#slots === 1) this.#firstWord |= VIRTQ_DESC_F_NEXT << 16;
    else if (this.#slots > 1) u32[this.#lastAt + 3] = (u32[this.#lastAt + 3] as number) | (VIRTQ_DESC_F_NEXT << 16);
    u32[at] = gpa;
    u32[at + 1] = gpa / HIGH_WORD;
    u32[at + 2] = lengthBytes;
    if (this.#slots === 0) {
      this.#firstAt = at;
      this.#firstWord = word;
    } else {
      u32[at + 3] = word;
    }
    this.#lastAt = at;
    this.#slots++;
    this.freeCount--;
    this.#avail.advance(1);
  }

  /** All entries of a table count, and they have no flag but WRITE (2.8.7). */
  #pushIntoTable(gpa: number, lengthBytes: number, flags: number): void {
    if (this.#tableCount === this.indirectEntries) this.#fail("the indirect table is full");
    const u32 = this.#tableRegion.u32;
    const table = this.#tableOf(this.#ids.next) - this.#tableRegion.gpa;
    const at = table / 4 + DESC_WORDS * this.#tableCount;
    u32[at] = gpa;
    u32[at + 1] = gpa / HIGH_WORD;
    u32[at + 2] = lengthBytes;
    u32[at + 3] = flags << 16;
    this.#tableCount++;
  }

  /** Gives the slots of the unfinished chain back and throws. */
  #fail(what: string): never {
    if (this.#building) {
      this.#avail.advance(-this.#slots);
      this.freeCount += this.#slots;
      this.#slots = 0;
      this.#tableCount = -1;
      this.#building = false;
    }
    throw new RingError(what);
  }

  #refuse(what: string): never {
    throw new RingError(`used descriptor in slot ${this.#used.slot}: ${what}`);
  }
}

function isUsed(flags: number, wrap: number): boolean {
  return (flags & OWNER_FLAGS) === (wrap === 1 ? OWNER_FLAGS : 0);
}
