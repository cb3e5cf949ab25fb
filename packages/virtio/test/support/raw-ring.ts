import type { QueueLayout } from "../../src/index.ts";

export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;

/** A descriptor as the guest writes it. */
export interface RawDescriptor {
  /** Guest physical address, any number of 64 bits. */
  readonly addr: number | bigint;
  readonly len: number;
  readonly flags?: number;
  readonly next?: number;
}

/**
 * The guest's side of a split virtqueue, byte for byte as 2.7 draws it. It knows nothing but offsets: what is written
 * here makes sense or not, as the test wants it.
 */
export class RawRing {
  readonly #view: DataView;
  readonly #gpa: number;
  readonly #layout: QueueLayout;
  readonly #size: number;

  /**
   * @param view guest memory
   * @param gpa guest physical address of the view's first byte
   */
  constructor(view: DataView, gpa: number, layout: QueueLayout, size: number) {
    this.#view = view;
    this.#gpa = gpa;
    this.#layout = layout;
    this.#size = size;
  }

  /** Writes descriptor `index` of the table. */
  desc(index: number, descriptor: RawDescriptor): void {
    this.descAt(this.#layout.descTable + 16 * index, descriptor);
  }

  /** Writes a descriptor anywhere in memory, for indirect tables. */
  descAt(gpa: number, descriptor: RawDescriptor): void {
    const at = gpa - this.#gpa;
    this.#view.setBigUint64(at, BigInt(descriptor.addr), true);
    this.#view.setUint32(at + 8, descriptor.len, true);
    this.#view.setUint16(at + 12, descriptor.flags ?? 0, true);
    this.#view.setUint16(at + 14, descriptor.next ?? 0, true);
  }

  /** Writes an indirect table of descriptors that follow each other. */
  table(gpa: number, descriptors: readonly RawDescriptor[]): void {
    for (const [i, descriptor] of descriptors.entries()) {
      const more = i + 1 < descriptors.length ? NEXT : 0;
      this.descAt(gpa + 16 * i, { ...descriptor, flags: (descriptor.flags ?? 0) | more, next: i + 1 });
    }
  }

  /** Writes a chain into descriptors `first`, `first + 1`, … and answers `first`. */
  chain(first: number, descriptors: readonly RawDescriptor[]): number {
    for (const [i, descriptor] of descriptors.entries()) {
      const more = i + 1 < descriptors.length ? NEXT : 0;
      this.desc(first + i, { ...descriptor, flags: (descriptor.flags ?? 0) | more, next: first + i + 1 });
    }
    return first;
  }

  /** Makes chains available: entries first, then the index. */
  offer(...heads: readonly number[]): void {
    for (const [i, head] of heads.entries()) this.setAvailEntry(this.availIdx + i, head);
    this.availIdx += heads.length;
  }

  setAvailEntry(index: number, head: number): void {
    this.#set16(this.#layout.availRing + 4 + 2 * (index % this.#size), head);
  }

  set availFlags(flags: number) {
    this.#set16(this.#layout.availRing, flags);
  }

  get availIdx(): number {
    return this.#get16(this.#layout.availRing + 2);
  }

  set availIdx(idx: number) {
    this.#set16(this.#layout.availRing + 2, idx);
  }

  set usedEvent(idx: number) {
    this.#set16(this.#layout.availRing + 4 + 2 * this.#size, idx);
  }

  get usedFlags(): number {
    return this.#get16(this.#layout.usedRing);
  }

  set usedFlags(flags: number) {
    this.#set16(this.#layout.usedRing, flags);
  }

  get usedIdx(): number {
    return this.#get16(this.#layout.usedRing + 2);
  }

  set usedIdx(idx: number) {
    this.#set16(this.#layout.usedRing + 2, idx);
  }

  /** Element `index` of the used ring: head and length. */
  used(index: number): [head: number, length: number] {
    const at = this.#layout.usedRing + 4 + 8 * (index % this.#size) - this.#gpa;
    return [this.#view.getUint32(at, true), this.#view.getUint32(at + 4, true)];
  }

  get availEvent(): number {
    return this.#get16(this.#layout.usedRing + 4 + 8 * this.#size);
  }

  #get16(gpa: number): number {
    return this.#view.getUint16(gpa - this.#gpa, true);
  }

  #set16(gpa: number, value: number): void {
    this.#view.setUint16(gpa - this.#gpa, value, true);
  }
}
