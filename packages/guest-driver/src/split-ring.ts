/*
 * The driver's side of a split virtqueue (VIRTIO 1.2, 2.7).
 *
 * Descriptor table: what buffers there are, linked to chains. Available ring: heads of chains for the device, its
 * `idx` published after the entries. Used ring: heads that the device has given back, in any order, with the bytes
 * it wrote. Both indices run freely from 0 to 65535 and on to 0; an entry's slot is the index modulo the size.
 */
import { VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_USED_F_NO_NOTIFY } from "@vmmkit/virtio";
import type { MemoryRegion } from "@vmmkit/vm";
import { DescriptorTable } from "./descriptor-table.ts";
import { RingError } from "./errors.ts";
import type { GuestRam } from "./guest-ram.ts";
import type { GuestRing, GuestRingOptions } from "./guest-ring.ts";
import { needEvent } from "./need-event.ts";
import { RawRing } from "./raw-ring.ts";
import { availRingBytes, checkRingLayout, descTableBytes, type RingLayout, usedRingBytes } from "./ring-layout.ts";

/** A buffer of a chain. */
export interface ChainPart {
  /** Guest physical address. */
  readonly gpa: number;
  /** Bytes. */
  readonly length: number;
}

/**
 * Builds chains, publishes them, and takes them back. A chain is named by its head, the index of its first
 * descriptor. Nothing is allocated per chain.
 *
 * ```ts
 * import { allocateRing, GuestMachine, SplitRing } from "@vmmkit/guest-driver";
 *
 * const { ram } = new GuestMachine();
 * const ring = new SplitRing(ram, allocateRing(ram, 256, true));
 * ring.begin();
 * ring.readable(0x10_0000, 10); // header
 * ring.readable(0x10_1000, 60); // frame
 * const head = ring.end();
 * ring.publish();
 * if (ring.kickNeeded()) console.log("notify the device");
 * while (ring.popUsed() >= 0) console.log("given back, bytes written:", ring.usedLength);
 * ```
 */
export class SplitRing implements GuestRing {
  /** Where the ring is. */
  readonly layout: RingLayout;
  /** Entries. */
  readonly size: number;
  /** Whether `used_event` and `avail_event` count. */
  readonly eventIdx: boolean;
  /** The descriptors and their free list. */
  readonly table: DescriptorTable;
  /** The same ring without any check. */
  readonly raw: RawRing;
  /** Bytes that the device wrote, of the chain that `popUsed` answered last. */
  usedLength = 0;

  readonly #region: MemoryRegion;
  readonly #mask: number;
  /** Index of the available ring's `flags` in the region's u16. */
  readonly #avail: number;
  /** Index of the used ring's `flags` in the region's u16, and of its first entry in u32. */
  readonly #used: number;
  readonly #usedEntries: number;
  /** Where the next chain goes, and how far the device can see. */
  #availIdx = 0;
  #published = 0;
  /** Chains ended since the device's wish to be notified was looked at. */
  #unkicked = 0;
  #lastUsed = 0;
  /** The used index as it was read last; read again only when all up to it have been taken. */
  #usedSeen = 0;
  readonly #inOrder: boolean;
  /** In order: heads as they were made available. */
  readonly #order: Uint16Array;
  /** In order: the head that the device named for a batch which ends with it, -1 for none, and its length. */
  #batchHead = -1;
  #batchLength = 0;

  /**
   * Makes the ring anew: all three parts are filled with zeros. Their memory stays the caller's.
   * @throws RingError for an impossible layout or one in several regions, GuestRamError where it is not memory
   */
  constructor(ram: GuestRam, layout: RingLayout, options: GuestRingOptions = {}) {
    this.layout = checkRingLayout(layout);
    const { size, descTable, availRing, usedRing } = layout;
    const region = ram.region(descTable, descTableBytes(size));
    if (
      ram.region(availRing, availRingBytes(size)) !== region ||
      ram.region(usedRing, usedRingBytes(size)) !== region
    ) {
      throw new RingError("the parts of the ring are in different regions");
    }
    this.size = size;
    this.eventIdx = options.eventIdx ?? false;
    this.raw = new RawRing(ram, layout);
    this.#region = region;
    this.#mask = size - 1;
    this.#avail = (availRing - region.gpa) / 2;
    this.#used = (usedRing - region.gpa) / 2;
    this.#usedEntries = this.#used / 2 + 1;
    ram.bytes(descTable, descTableBytes(size)).fill(0);
    ram.bytes(availRing, availRingBytes(size)).fill(0);
    ram.bytes(usedRing, usedRingBytes(size)).fill(0);
    this.#inOrder = options.inOrder ?? false;
    this.#order = new Uint16Array(this.#inOrder ? size : 0);
    this.table = new DescriptorTable(ram, descTable, size, options.indirectEntries ?? 0, this.#inOrder);
  }

  /** Gives back the memory of the indirect tables. */
  dispose(): void {
    this.table.dispose();
  }

  /** Room in each indirect table, 0 without tables. */
  get indirectEntries(): number {
    return this.table.indirectEntries;
  }

  /** Descriptors that are free. */
  get freeCount(): number {
    return this.table.freeCount;
  }

  /** Chains that have been ended and not taken back: the device has them. */
  get outCount(): number {
    return (this.#availIdx - this.#lastUsed) & 0xffff;
  }

  /** The available index: where the next chain goes. */
  get availIdx(): number {
    return this.#availIdx;
  }

  /** The used index up to which chains have been taken back. */
  get lastUsedIdx(): number {
    return this.#lastUsed;
  }

  /** Chains ended since `kickNeeded` was last asked. */
  get unkickedCount(): number {
    return this.#unkicked;
  }

  /** Starts a chain. @throws RingError where the last one was not ended */
  begin(): void {
    this.table.begin();
  }

  /** Adds a device-readable buffer. @throws RingError where there is no room, or a writable one came before */
  readable(gpa: number, lengthBytes: number): void {
    this.table.readable(gpa, lengthBytes);
  }

  /** Adds a device-writable buffer. @throws RingError where there is no room */
  writable(gpa: number, lengthBytes: number): void {
    this.table.writable(gpa, lengthBytes);
  }

  /**
   * Puts the rest of the chain into an indirect table (2.7.5.3), which takes one descriptor of the ring.
   * @throws RingError where the ring has no tables, or no room
   */
  indirect(): void {
    this.table.indirect();
  }

  /** Ends the chain and enters it into the available ring; the device sees it after `publish`. @returns its head */
  end(): number {
    const head = this.table.end();
    this.#region.u16[this.#avail + 2 + (this.#availIdx & this.#mask)] = head;
    if (this.#inOrder) this.#order[this.#availIdx & this.#mask] = head;
    this.#availIdx = (this.#availIdx + 1) & 0xffff;
    this.#unkicked++;
    return head;
  }

  /**
   * A whole chain at once.
   * @param options `indirectFrom`: from which buffer on the chain goes into an indirect table. Default: none
   * @returns its head, or -1 where the ring has too few free descriptors
   */
  addChain(
    readable: readonly ChainPart[],
    writable: readonly ChainPart[],
    options: { readonly indirectFrom?: number } = {},
  ): number {
    const total = readable.length + writable.length;
    const indirectFrom = options.indirectFrom ?? total;
    if (this.freeCount < Math.min(total, indirectFrom + 1)) return -1;
    this.begin();
    for (let i = 0; i < total; i++) {
      const isReadable = i < readable.length;
      const part = isReadable ? readable[i] : writable[i - readable.length];
      if (part === undefined) break;
      if (i === indirectFrom) this.indirect();
      if (isReadable) this.readable(part.gpa, part.length);
      else this.writable(part.gpa, part.length);
    }
    return this.end();
  }

  /** Shows the device all chains ended so far (2.7.13.3): the index is stored after everything that it publishes. */
  publish(): void {
    this.#published = this.#availIdx;
    Atomics.store(this.#region.u16, this.#avail + 1, this.#published);
  }

  /**
   * Whether the device wants to be notified of what was published since the last call (2.7.10, 2.7.13.4). The store of
   * `publish` is ordered before this look at the device's wish, as all atomic operations are among each other.
   */
  kickNeeded(): boolean {
    const unpublished = (this.#availIdx - this.#published) & 0xffff;
    const added = this.#unkicked - unpublished;
    if (added === 0) return false;
    this.#unkicked = unpublished;
    if (!this.eventIdx) return (Atomics.load(this.#region.u16, this.#used) & VIRTQ_USED_F_NO_NOTIFY) === 0;
    // More than the index can count: the entry that the device waits for was certainly among them.
    if (added > 0xffff) return true;
    const event = Atomics.load(this.#region.u16, this.#used + 2 + 4 * this.size);
    return needEvent(event, this.#published, (this.#published - added) & 0xffff);
  }

  /** Chains that the device has given back and that wait to be taken. */
  usedCount(): number {
    return (Atomics.load(this.#region.u16, this.#used + 1) - this.#lastUsed) & 0xffff;
  }

  /**
   * Takes back the next chain; its descriptors are free again and `usedLength` says what the device wrote.
   * @returns its head, or -1 where the device has given nothing back
   * @throws RingError where the device broke the rules: more given back than was out, a head that is not out, more
   * bytes than the chain's writable room (2.7.8.2)
   */
  popUsed(): number {
    if (this.#lastUsed === this.#usedSeen && !this.#lookForUsed()) return -1;
    if (this.#batchHead < 0) this.#readUsed();
    const named = this.#batchHead;
    let head = named;
    this.usedLength = this.#batchLength;
    if (this.#inOrder) {
      head = this.#order[this.#lastUsed & this.#mask] as number;
      // Chains before the one that was named have been used completely (2.7.9).
      if (head !== named) this.usedLength = this.table.room(head);
    }
    this.#lastUsed = (this.#lastUsed + 1) & 0xffff;
    if (head === named) this.#batchHead = -1;
    else if (this.#lastUsed === this.#usedSeen) this.#refuse(`head ${named} was named, which is not in order`);
    this.table.release(head);
    return head;
  }

  /** Reads the next used element, which in order may stand for a batch. */
  #readUsed(): void {
    const u32 = this.#region.u32;
    const word = this.#usedEntries + 2 * (this.#lastUsed & this.#mask);
    const head = u32[word] as number;
    const length = u32[word + 1] as number;
    const room = this.table.room(head);
    if (room < 0) this.#refuse(`head ${head} is not out`);
    if (length > room) this.#refuse(`length ${length}, but head ${head} has room for ${room} bytes`);
    this.#batchHead = head;
    this.#batchLength = length;
  }

  /** Asks for no interrupts (2.7.7): by flag, or by an event that has just passed. A hint, which a device may miss. */
  disableInterrupts(): void {
    if (this.eventIdx) this.#storeUsedEvent(this.#lastUsed - 1);
    else Atomics.store(this.#region.u16, this.#avail, VIRTQ_AVAIL_F_NO_INTERRUPT);
  }

  /**
   * Asks for an interrupt when chains are used.
   * @param chains with EVENT_IDX: only when this many more are used. Default 1
   * @returns whether as many were given back already: there may be no interrupt for them, so look at once
   */
  enableInterrupts(chains = 1): boolean {
    if (this.eventIdx) this.#storeUsedEvent(this.#lastUsed + chains - 1);
    else Atomics.store(this.#region.u16, this.#avail, 0);
    return this.usedCount() >= chains;
  }

  /** Reads the used index. False where the device has given nothing back. */
  #lookForUsed(): boolean {
    const waiting = this.usedCount();
    if (waiting > this.outCount)
      this.#refuse(`used idx is ${waiting} ahead, but only ${this.outCount} chains were out`);
    this.#usedSeen = (this.#lastUsed + waiting) & 0xffff;
    return waiting > 0;
  }

  #storeUsedEvent(index: number): void {
    Atomics.store(this.#region.u16, this.#avail + 2 + this.size, index & 0xffff);
  }

  #refuse(what: string): never {
    throw new RingError(`used entry ${this.#lastUsed}: ${what}`);
  }
}
