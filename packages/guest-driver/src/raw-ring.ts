import { VIRTQ_DESC_BYTES, VIRTQ_USED_ELEM_BYTES } from "@vmmkit/virtio";
import type { GuestRam } from "./guest-ram.ts";
import type { RingLayout } from "./ring-layout.ts";

/** A descriptor as it lies in memory (VIRTIO 1.2, 2.7.5). */
export interface RawDescriptor {
  /** Bits 0 to 31 of the address. */
  readonly addressLow: number;
  /** Bits 32 to 63. */
  readonly addressHigh: number;
  /** Length in bytes, 32 bits. */
  readonly length: number;
  /** `VIRTQ_DESC_F_*`, 16 bits. */
  readonly flags: number;
  /** Index of the next descriptor, 16 bits. */
  readonly next: number;
}

/** An entry of the used ring (2.7.8). */
export interface RawUsedEntry {
  /** Head of the chain, 32 bits as the device wrote them. */
  readonly id: number;
  /** Bytes that the device says it wrote. */
  readonly length: number;
}

/**
 * Every field of a virtqueue, to read and to write, with no check at all: for tests of a device against a hostile
 * guest, and to see what a device really wrote. Slots of rings are taken modulo the size, as indices are.
 */
export class RawRing {
  /** Where the parts are. */
  readonly layout: RingLayout;
  /** Guest memory that holds them. */
  readonly ram: GuestRam;

  /** Looks only: nothing is written until a method is called. */
  constructor(ram: GuestRam, layout: RingLayout) {
    this.ram = ram;
    this.layout = layout;
  }

  /** Reads a descriptor of the table, or of an indirect table at `tableGpa`. */
  readDescriptor(index: number, tableGpa: number = this.layout.descTable): RawDescriptor {
    const gpa = tableGpa + VIRTQ_DESC_BYTES * index;
    return {
      addressLow: this.ram.readUint(gpa, 4),
      addressHigh: this.ram.readUint(gpa + 4, 4),
      length: this.ram.readUint(gpa + 8, 4),
      flags: this.ram.readUint(gpa + 12, 2),
      next: this.ram.readUint(gpa + 14, 2),
    };
  }

  /** Writes the given fields of a descriptor of the table, or of an indirect table at `tableGpa`. */
  writeDescriptor(index: number, fields: Partial<RawDescriptor>, tableGpa: number = this.layout.descTable): void {
    const gpa = tableGpa + VIRTQ_DESC_BYTES * index;
    if (fields.addressLow !== undefined) this.ram.writeUint(gpa, 4, fields.addressLow);
    if (fields.addressHigh !== undefined) this.ram.writeUint(gpa + 4, 4, fields.addressHigh);
    if (fields.length !== undefined) this.ram.writeUint(gpa + 8, 4, fields.length);
    if (fields.flags !== undefined) this.ram.writeUint(gpa + 12, 2, fields.flags);
    if (fields.next !== undefined) this.ram.writeUint(gpa + 14, 2, fields.next);
  }

  /** `flags` of the available ring (2.7.6). */
  get availFlags(): number {
    return this.ram.readUint(this.layout.availRing, 2);
  }

  /** Writes it, 16 bits. */
  writeAvailFlags(value: number): void {
    this.ram.writeUint(this.layout.availRing, 2, value);
  }

  /** `idx` of the available ring. */
  get availIdx(): number {
    return this.ram.readUint(this.layout.availRing + 2, 2);
  }

  /** Writes it, 16 bits. */
  writeAvailIdx(value: number): void {
    this.ram.writeUint(this.layout.availRing + 2, 2, value);
  }

  /** Reads an entry of the available ring. */
  readAvail(slot: number): number {
    return this.ram.readUint(this.#availGpa(slot), 2);
  }

  /** Writes an entry of the available ring. */
  writeAvail(slot: number, head: number): void {
    this.ram.writeUint(this.#availGpa(slot), 2, head);
  }

  /** `used_event`, behind the entries of the available ring (2.7.7). */
  get usedEvent(): number {
    return this.ram.readUint(this.layout.availRing + 4 + 2 * this.layout.size, 2);
  }

  /** Writes it, 16 bits. */
  writeUsedEvent(value: number): void {
    this.ram.writeUint(this.layout.availRing + 4 + 2 * this.layout.size, 2, value);
  }

  /** `flags` of the used ring (2.7.8). The device writes it; so may a hostile guest. */
  get usedFlags(): number {
    return this.ram.readUint(this.layout.usedRing, 2);
  }

  /** Writes it, 16 bits. */
  writeUsedFlags(value: number): void {
    this.ram.writeUint(this.layout.usedRing, 2, value);
  }

  /** `idx` of the used ring. */
  get usedIdx(): number {
    return this.ram.readUint(this.layout.usedRing + 2, 2);
  }

  /** Writes it, 16 bits. */
  writeUsedIdx(value: number): void {
    this.ram.writeUint(this.layout.usedRing + 2, 2, value);
  }

  /** Reads an entry of the used ring. */
  readUsed(slot: number): RawUsedEntry {
    const gpa = this.#usedGpa(slot);
    return { id: this.ram.readUint(gpa, 4), length: this.ram.readUint(gpa + 4, 4) };
  }

  /** Writes an entry of the used ring, which only a device may. */
  writeUsed(slot: number, entry: RawUsedEntry): void {
    const gpa = this.#usedGpa(slot);
    this.ram.writeUint(gpa, 4, entry.id);
    this.ram.writeUint(gpa + 4, 4, entry.length);
  }

  /** `avail_event`, behind the entries of the used ring (2.7.10). */
  get availEvent(): number {
    return this.ram.readUint(this.layout.usedRing + 4 + VIRTQ_USED_ELEM_BYTES * this.layout.size, 2);
  }

  /** Writes it, 16 bits. */
  writeAvailEvent(value: number): void {
    this.ram.writeUint(this.layout.usedRing + 4 + VIRTQ_USED_ELEM_BYTES * this.layout.size, 2, value);
  }

  #availGpa(slot: number): number {
    return this.layout.availRing + 4 + 2 * (slot & (this.layout.size - 1));
  }

  #usedGpa(slot: number): number {
    return this.layout.usedRing + 4 + VIRTQ_USED_ELEM_BYTES * (slot & (this.layout.size - 1));
  }
}
