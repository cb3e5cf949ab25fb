import type { GuestMemory } from "@vmmkit/vm";
import type { ChainError, QueueError, QueueLayout } from "../../src/index.ts";
import type { LoggedRange } from "./range-log.ts";
import type { Outcome } from "./reference-queue.ts";

interface Descriptor {
  readonly addr: bigint;
  readonly len: number;
  readonly id: number;
  readonly flags: number;
}

/** A position in the ring, counted from the start of the queue on and never wrapped. */
type Step = number;

/**
 * The device's side of a packed virtqueue once more: 2.8 word by word, without a thought for speed. It counts steps
 * from the queue's start; slot and wrap counter follow from them. What it would write goes into `shadow`.
 */
export class ReferencePackedQueue {
  /** The memory as it has to look, from address 0 on. */
  shadow: Uint8Array;
  error: QueueError | null = null;
  chains = 0;
  readonly refused: Partial<Record<ChainError, number>> = {};
  readonly #memory: GuestMemory;
  readonly #layout: QueueLayout;
  readonly #size: number;
  readonly #indirect: boolean;
  readonly #eventIdx: boolean;
  /** Buffer ids that are out, and how many slots each has. */
  readonly #out = new Map<number, number>();
  #avail: Step = 0;
  #used: Step = 0;
  /** Used and not shown: where, and what. */
  #hidden: { readonly step: Step; readonly id: number; readonly length: number }[] = [];
  #published: Step = 0;
  #asked: Step = 0;

  constructor(
    memory: GuestMemory,
    shadow: Uint8Array,
    layout: QueueLayout,
    size: number,
    indirect: boolean,
    eventIdx: boolean,
  ) {
    this.#memory = memory;
    this.shadow = shadow;
    this.#layout = layout;
    this.#size = size;
    this.#indirect = indirect;
    this.#eventIdx = eventIdx;
  }

  get #slotsOut(): number {
    return [...this.#out.values()].reduce((sum, slots) => sum + slots, 0);
  }

  pop(writable: boolean): Outcome {
    if (this.error !== null) return { kind: "stopped" };
    if (!this.#isAvailable(this.#avail)) return { kind: "empty" };
    const free = this.#size - this.#slotsOut;
    if (free === 0) return this.#stop("availIndexJumped");
    const chain: Descriptor[] = [];
    do {
      if (chain.length === free) return this.#stop("chainWithoutEnd");
      chain.push(this.#slot(this.#avail + chain.length));
    } while ((chain.at(-1)?.flags ?? 0) & 1);
    const id = chain.at(-1)?.id ?? 0;
    if (id >= this.#size) return this.#stop("headOutOfRange");
    if (this.#out.has(id)) return this.#stop("headInUse");
    this.#out.set(id, chain.length);
    this.#avail += chain.length;
    this.chains++;
    const ranges: LoggedRange[] = [];
    const cause = this.#judge(chain, writable, ranges);
    if (cause === null) return { kind: "chain", head: id, ranges };
    this.refused[cause] = (this.refused[cause] ?? 0) + 1;
    this.addUsed(id, 0);
    return { kind: "refused", head: id, cause };
  }

  addUsed(id: number, length: number): void {
    const slots = this.#out.get(id);
    if (slots === undefined) return;
    this.#out.delete(id);
    const entry = { step: this.#used, id, length };
    this.#write(this.#gpa(entry.step) + 8, length, 4);
    // The first one's last word is what shows the batch.
    if (this.#hidden.length > 0) this.#writeLast(entry);
    this.#hidden.push(entry);
    this.#used += slots;
  }

  publish(): void {
    const [first] = this.#hidden;
    if (first === undefined || this.error !== null) return;
    this.#writeLast(first);
    this.#hidden = [];
    this.#published = this.#used;
  }

  needsInterrupt(): boolean {
    if (this.#published === this.#asked || this.error !== null) return false;
    const [from, to] = [this.#asked, this.#published];
    this.#asked = to;
    const [desc, flags] = [this.#read(this.#layout.availRing, 2), this.#read(this.#layout.availRing + 2, 2) % 4];
    if (flags === 1) return false;
    if (flags !== 2 || !this.#eventIdx) return true;
    for (let step = from; step < to; step++) {
      if (this.#position(step) === desc) return true;
    }
    return false;
  }

  disableNotify(): void {
    if (this.error === null) this.#write(this.#layout.usedRing, 0x1_0000, 4);
  }

  enableNotify(): boolean {
    if (this.error !== null) return false;
    this.#write(this.#layout.usedRing, this.#eventIdx ? 0x2_0000 + this.#position(this.#avail) : 0, 4);
    return this.#isAvailable(this.#avail);
  }

  #stop(error: QueueError): Outcome {
    this.error = error;
    return { kind: "stopped" };
  }

  #judge(chain: readonly Descriptor[], writable: boolean, ranges: LoggedRange[]): ChainError | null {
    let total = 0;
    for (const descriptor of chain) {
      if (descriptor.flags & 4) {
        if (!this.#indirect || chain.length > 1) return "indirectNotAllowed";
        const { addr, len } = descriptor;
        if (len === 0 || len % 16 !== 0) return "indirectBadLength";
        if (!this.#inMemory(addr, len, false)) return "indirectOutOfRange";
        if (len > 16 * 1024) return "chainTooLong";
        const table = Array.from({ length: len / 16 }, (_, i) => this.#descriptor(Number(addr) + 16 * i));
        return this.#judge(
          table.map((entry) => ({ ...entry, flags: entry.flags & 2 })),
          writable,
          ranges,
        );
      }
      if (((descriptor.flags & 2) !== 0) !== writable) return "wrongDirection";
      total += descriptor.len;
      if (total >= 2 ** 32) return "lengthOverflow";
      if (!this.#inMemory(descriptor.addr, descriptor.len, writable)) return "addressOutOfRange";
      if (descriptor.len > 0) ranges.push({ gpa: Number(descriptor.addr), length: descriptor.len });
    }
    return null;
  }

  /** Whether all bytes are in one region, and it may be written where that is asked. */
  #inMemory(addr: bigint, len: number, writable: boolean): boolean {
    if (len === 0) return true;
    return this.#memory.regions.some(
      (region) => addr >= region.gpa && addr + BigInt(len) <= region.end && (region.writable || !writable),
    );
  }

  #isAvailable(step: Step): boolean {
    const wrap = Math.floor(step / this.#size) % 2 === 0;
    const { flags } = this.#slot(step);
    return ((flags & 0x80) !== 0) === wrap && ((flags & 0x8000) !== 0) !== wrap;
  }

  /** Slot and wrap counter as event suppression structures have them. */
  #position(step: Step): number {
    return (step % this.#size) + (Math.floor(step / this.#size) % 2 === 0 ? 0x8000 : 0);
  }

  #writeLast({ step, id, length }: { readonly step: Step; readonly id: number; readonly length: number }): void {
    const wrap = Math.floor(step / this.#size) % 2 === 0;
    this.#write(this.#gpa(step) + 12, id, 2);
    this.#write(this.#gpa(step) + 14, (wrap ? 0x8080 : 0) + (length > 0 ? 2 : 0), 2);
  }

  #gpa(step: Step): number {
    return this.#layout.descTable + 16 * (step % this.#size);
  }

  #slot(step: Step): Descriptor {
    return this.#descriptor(this.#gpa(step));
  }

  #descriptor(gpa: number): Descriptor {
    return {
      addr: BigInt(this.#read(gpa, 4)) + 2n ** 32n * BigInt(this.#read(gpa + 4, 4)),
      len: this.#read(gpa + 8, 4),
      id: this.#read(gpa + 12, 2),
      flags: this.#read(gpa + 14, 2),
    };
  }

  #read(gpa: number, bytes: number): number {
    const found = new Uint8Array(bytes);
    if (!this.#memory.read(gpa, found)) throw new Error(`no memory at ${gpa}`);
    return found.reduceRight((value, byte) => value * 256 + byte, 0);
  }

  #write(gpa: number, value: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) this.shadow[gpa + i] = Math.floor(value / 256 ** i) % 256;
  }
}
