import { VIRTQ_DESC_BYTES, VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "@vmmkit/virtio";
import type { MemoryRegion } from "@vmmkit/vm";
import { RingError } from "./errors.ts";
import type { GuestRam } from "./guest-ram.ts";
import { descTableBytes } from "./ring-layout.ts";

const DESC_WORDS = VIRTQ_DESC_BYTES / 4;
const HIGH_WORD = 2 ** 32;

/**
 * The descriptor table of a split virtqueue (VIRTIO 1.2, 2.7.5) as its driver keeps it: links descriptors to chains,
 * in the table or in indirect tables, and knows which are free. What it must remember is in arrays of its own, so a
 * device that scribbles over the table is noticed and not followed. Nothing is allocated per chain.
 */
export class DescriptorTable {
  /** Guest physical address of the indirect table of descriptor 0, 0 without tables. */
  readonly indirectTables: number;
  /** Descriptors that an indirect table holds. */
  readonly indirectEntries: number;
  /** Descriptors that are free. */
  freeCount: number;

  readonly #ram: GuestRam;
  readonly #size: number;
  readonly #region: MemoryRegion;
  readonly #tableRegion: MemoryRegion;
  /** First word of the descriptor table in its region's u32. */
  readonly #base: number;
  /** Per descriptor: the one behind it, on the free list or in its chain. */
  readonly #next: Uint16Array;
  /** Per head: the last descriptor of its chain in the table. */
  readonly #tail: Uint16Array;
  /** Per head: how many descriptors of the table its chain has; 0 where it is not out. */
  readonly #count: Uint16Array;
  /** Per head: the sum of its device-writable bytes. */
  readonly #room: Float64Array;
  #freeHead = 0;
  /** The last one on the free list. Means something only in order. */
  #freeTail: number;
  readonly #inOrder: boolean;

  /* The chain that is being built. */
  #head = -1;
  #last = -1;
  #links = 0;
  #writableBytes = 0;
  /** Flags of the descriptor written last. */
  #flags = 0;
  /** The descriptor whose indirect table is being filled, -1 for none; the table's first word, and its entries so far. */
  #tableOwner = -1;
  #tableWord = 0;
  #tableCount = 0;

  /**
   * @param indirectEntries room in each indirect table; every descriptor gets one. 0: no tables
   * @param inOrder descriptors are used in the order of the table (2.7.5.2), and come back in that order
   */
  constructor(ram: GuestRam, gpa: number, size: number, indirectEntries: number, inOrder = false) {
    this.#inOrder = inOrder;
    this.#freeTail = size - 1;
    this.#ram = ram;
    this.#size = size;
    this.#region = ram.region(gpa, descTableBytes(size));
    this.#base = (gpa - this.#region.gpa) / 4;
    this.indirectEntries = indirectEntries;
    const tableBytes = this.#indirectBytes();
    this.indirectTables = tableBytes > 0 ? ram.alloc(tableBytes) : 0;
    this.#tableRegion = tableBytes > 0 ? ram.region(this.indirectTables, tableBytes) : this.#region;
    this.#next = Uint16Array.from({ length: size }, (_, i) => i + 1);
    this.#tail = new Uint16Array(size);
    this.#count = new Uint16Array(size);
    this.#room = new Float64Array(size);
    this.freeCount = size;
  }

  /** Gives back the memory of the indirect tables. */
  dispose(): void {
    if (this.indirectTables !== 0) this.#ram.free(this.indirectTables, this.#indirectBytes());
  }

  /** Links the free descriptors in another order, so that chains wander about the table. @param random from 0 up to 1 */
  shuffleFree(random: () => number): void {
    const free: number[] = [];
    for (let i = 0, at = this.#freeHead; i < this.freeCount; i++, at = this.#next[at] as number) free.push(at);
    for (let i = free.length - 1; i > 0; i--) {
      const other = Math.floor(random() * (i + 1));
      [free[i], free[other]] = [free[other] as number, free[i] as number];
    }
    this.#freeHead = free[0] ?? 0;
    for (let i = 0; i + 1 < free.length; i++) this.#next[free[i] as number] = free[i + 1] as number;
  }

  /** Starts a chain. @throws RingError where the last one was not ended */
  begin(): void {
    if (this.#links !== 0) this.#fail("the chain before was not ended");
    this.#head = -1;
    this.#last = -1;
    this.#writableBytes = 0;
    this.#flags = 0;
    this.#tableOwner = -1;
  }

  /** Adds a device-readable buffer. @throws RingError where there is no room, or a writable one came before (2.7.4.2) */
  readable(gpa: number, lengthBytes: number): void {
    if ((this.#flags & VIRTQ_DESC_F_WRITE) !== 0) this.#fail("a device-readable buffer behind a device-writable one");
    this.#push(gpa, lengthBytes, 0);
  }

  /** Adds a device-writable buffer. @throws RingError where there is no room */
  writable(gpa: number, lengthBytes: number): void {
    this.#push(gpa, lengthBytes, VIRTQ_DESC_F_WRITE);
    this.#writableBytes += lengthBytes;
  }

  /** Puts the rest of the chain into an indirect table (2.7.5.3). @throws RingError where there is none, or no room */
  indirect(): void {
    if (this.indirectEntries === 0) this.#fail("the ring was made without indirect tables");
    if (this.#tableOwner >= 0) this.#fail("an indirect table within an indirect table");
    const before = this.#flags;
    const owner = this.#freeHead;
    const gpa = this.indirectTables + owner * this.indirectEntries * VIRTQ_DESC_BYTES;
    this.#pushIntoRing(gpa, 0, VIRTQ_DESC_F_INDIRECT);
    this.#flags = before;
    this.#tableOwner = owner;
    this.#tableWord = (gpa - this.#tableRegion.gpa) / 4;
    this.#tableCount = 0;
  }

  /** Ends the chain and answers its head. @throws RingError for an empty one */
  end(): number {
    if (this.#links === 0) this.#fail("an empty chain");
    if (this.#tableOwner >= 0) {
      if (this.#tableCount === 0) this.#fail("an empty indirect table");
      this.#region.u32[this.#base + DESC_WORDS * this.#tableOwner + 2] = this.#tableCount * VIRTQ_DESC_BYTES;
    }
    const head = this.#head;
    this.#tail[head] = this.#last;
    this.#count[head] = this.#links;
    this.#room[head] = this.#writableBytes;
    this.#links = 0;
    return head;
  }

  /** Device-writable bytes of a chain that is out; -1 for a head that is not. */
  room(head: number): number {
    return head < this.#size && this.#count[head] !== 0 ? (this.#room[head] as number) : -1;
  }

  /** Makes the descriptors of a chain free. Its head must be out. */
  release(head: number): void {
    if (this.#inOrder) {
      if (this.freeCount === 0) this.#freeHead = head;
      else this.#next[this.#freeTail] = head;
      this.#freeTail = this.#tail[head] as number;
    } else {
      this.#next[this.#tail[head] as number] = this.#freeHead;
      this.#freeHead = head;
    }
    this.freeCount += this.#count[head] as number;
    this.#count[head] = 0;
  }

  #indirectBytes(): number {
    return this.#size * this.indirectEntries * VIRTQ_DESC_BYTES;
  }

  #push(gpa: number, lengthBytes: number, flags: number): void {
    if (this.#tableOwner >= 0) this.#pushIntoTable(gpa, lengthBytes, flags);
    else this.#pushIntoRing(gpa, lengthBytes, flags);
    this.#flags = flags;
  }

  #pushIntoRing(gpa: number, lengthBytes: number, flags: number): void {
    if (this.freeCount === 0) this.#fail("the ring is full");
    const index = this.#freeHead;
    this.#freeHead = this.#next[index] as number;
    this.freeCount--;
    const u32 = this.#region.u32;
    if (this.#last < 0) this.#head = index;
    else u32[this.#base + DESC_WORDS * this.#last + 3] = this.#flags | VIRTQ_DESC_F_NEXT | (index << 16);
    writeDescriptor(u32, this.#base + DESC_WORDS * index, gpa, lengthBytes, flags);
    this.#last = index;
    this.#links++;
  }

  #pushIntoTable(gpa: number, lengthBytes: number, flags: number): void {
    const index = this.#tableCount;
    if (index === this.indirectEntries) this.#fail("the indirect table is full");
    const u32 = this.#tableRegion.u32;
    const word = this.#tableWord + DESC_WORDS * index;
    if (index > 0) u32[word - 1] = this.#flags | VIRTQ_DESC_F_NEXT | (index << 16);
    writeDescriptor(u32, word, gpa, lengthBytes, flags);
    this.#tableCount++;
  }

  /** Gives the descriptors of the unfinished chain back and throws. */
  #fail(what: string): never {
    if (this.#links > 0) {
      this.#next[this.#last] = this.#freeHead;
      this.#freeHead = this.#head;
      this.freeCount += this.#links;
      this.#links = 0;
    }
    throw new RingError(what);
  }
}

/** Four words: address low and high, length, flags and next. Storing to a Uint32Array cuts to 32 bits. */
function writeDescriptor(u32: Uint32Array, word: number, gpa: number, lengthBytes: number, flags: number): void {
  u32[word] = gpa;
  u32[word + 1] = gpa / HIGH_WORD;
  u32[word + 2] = lengthBytes;
  u32[word + 3] = flags;
}
