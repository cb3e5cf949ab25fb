import type { QueueLayout } from "../../src/index.ts";
import { NEXT, type RawDescriptor } from "./raw-ring.ts";

export const AVAIL = 0x80;
export const USED = 0x8000;

/** A descriptor of a packed ring as it lies in memory. */
export interface PackedDescriptor {
  readonly addr: bigint;
  readonly len: number;
  readonly id: number;
  readonly flags: number;
}

/**
 * The guest's side of a packed virtqueue, byte for byte as 2.8 draws it: a slot to write next and a slot to look at
 * next, each with its wrap counter. What is written here makes sense or not, as the test wants it.
 */
export class RawPackedRing {
  availSlot = 0;
  availWrap = 1;
  usedSlot = 0;
  usedWrap = 1;
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

  /** Makes a chain available in the next slots, its first descriptor last. Answers the slot that it starts in. */
  offer(id: number, descriptors: readonly RawDescriptor[]): number {
    const start = this.availSlot;
    const writes: (() => void)[] = [];
    for (const [i, descriptor] of descriptors.entries()) {
      const last = i + 1 === descriptors.length;
      const slot = this.availSlot;
      const flags = (descriptor.flags ?? 0) | (last ? 0 : NEXT) | this.#availBits();
      writes.push(() => this.slot(slot, { ...descriptor, id: last ? id : 0xffff, flags }));
      this.advance(1);
    }
    for (const write of writes.reverse()) write();
    return start;
  }

  /** Writes a slot as it is told. */
  slot(slot: number, descriptor: { addr: number | bigint; len: number; id: number; flags: number }): void {
    this.descAt(this.#layout.descTable + 16 * slot, { ...descriptor, next: descriptor.id });
    this.#view.setUint16(this.#at(slot) + 12, descriptor.id, true);
    this.#view.setUint16(this.#at(slot) + 14, descriptor.flags, true);
  }

  /** Writes a descriptor anywhere in memory, for indirect tables: no id. */
  descAt(gpa: number, descriptor: RawDescriptor): void {
    const at = gpa - this.#gpa;
    this.#view.setBigUint64(at, BigInt(descriptor.addr), true);
    this.#view.setUint32(at + 8, descriptor.len, true);
    this.#view.setUint16(at + 12, descriptor.next ?? 0, true);
    this.#view.setUint16(at + 14, descriptor.flags ?? 0, true);
  }

  /** Writes an indirect table. */
  table(gpa: number, descriptors: readonly RawDescriptor[]): void {
    for (const [i, descriptor] of descriptors.entries()) this.descAt(gpa + 16 * i, descriptor);
  }

  /** Goes on by some slots without writing them. */
  advance(slots: number): void {
    for (let i = 0; i < slots; i++) {
      if (++this.availSlot < this.#size) continue;
      this.availSlot = 0;
      this.availWrap ^= 1;
    }
  }

  read(slot: number): PackedDescriptor {
    const at = this.#at(slot);
    return {
      addr: this.#view.getBigUint64(at, true),
      len: this.#view.getUint32(at + 8, true),
      id: this.#view.getUint16(at + 12, true),
      flags: this.#view.getUint16(at + 14, true),
    };
  }

  setFlags(slot: number, flags: number): void {
    this.#view.setUint16(this.#at(slot) + 14, flags, true);
  }

  setId(slot: number, id: number): void {
    this.#view.setUint16(this.#at(slot) + 12, id, true);
  }

  /** Whether the next used descriptor is there. */
  get isUsed(): boolean {
    const { flags } = this.read(this.usedSlot);
    return (flags & (AVAIL | USED)) === (this.usedWrap === 1 ? AVAIL | USED : 0);
  }

  /** Takes the next used descriptor and skips as many slots as its chain had. */
  takeUsed(slots: number): PackedDescriptor | null {
    if (!this.isUsed) return null;
    const used = this.read(this.usedSlot);
    this.usedSlot += slots;
    if (this.usedSlot >= this.#size) {
      this.usedSlot -= this.#size;
      this.usedWrap ^= 1;
    }
    return used;
  }

  /** The driver event suppression structure. */
  setDriverEvent(flags: number, slot = 0, wrap = 0): void {
    const at = this.#layout.availRing - this.#gpa;
    this.#view.setUint16(at, slot | (wrap << 15), true);
    this.#view.setUint16(at + 2, flags, true);
  }

  /** The device event suppression structure. */
  get deviceEvent(): { flags: number; slot: number; wrap: number } {
    const at = this.#layout.usedRing - this.#gpa;
    const desc = this.#view.getUint16(at, true);
    return { flags: this.#view.getUint16(at + 2, true), slot: desc & 0x7fff, wrap: desc >> 15 };
  }

  setDeviceEvent(value: number): void {
    this.#view.setUint32(this.#layout.usedRing - this.#gpa, value, true);
  }

  #availBits(): number {
    return this.availWrap === 1 ? AVAIL : USED;
  }

  #at(slot: number): number {
    return this.#layout.descTable + 16 * slot - this.#gpa;
  }
}
