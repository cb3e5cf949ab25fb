/*
 * The device's side of a split virtqueue, written down from the formulas of VIRTIO 1.2, 2.7 and 2.7.2 as plainly as
 * possible: a DataView over all of memory, one field after the other. It trusts the driver completely.
 */

export interface NaivePart {
  readonly gpa: number;
  readonly length: number;
  readonly writable: boolean;
}

export interface NaiveChain {
  readonly head: number;
  readonly parts: readonly NaivePart[];
}

export class NaiveRing {
  readonly view: DataView;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  readonly size: number;
  seen = 0;

  /** The legacy layout at `base` unless `parts` says otherwise. */
  constructor(buffer: ArrayBufferLike, base: number, size: number, parts?: { avail: number; used: number }) {
    this.view = new DataView(buffer);
    this.size = size;
    this.desc = base;
    this.avail = parts?.avail ?? base + 16 * size;
    this.used = parts?.used ?? (base + 16 * size + 2 * (3 + size) + 4095) & ~4095;
  }

  next(): NaiveChain | null {
    if (this.view.getUint16(this.avail + 2, true) === this.seen) return null;
    const head = this.view.getUint16(this.avail + 4 + 2 * (this.seen % this.size), true);
    this.seen = (this.seen + 1) % 65536;
    return { head, parts: this.walk(this.desc, head) };
  }

  walk(table: number, start: number): NaivePart[] {
    const at = table + 16 * start;
    const gpa = this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 2 ** 32;
    const length = this.view.getUint32(at + 8, true);
    const flags = this.view.getUint16(at + 12, true);
    const here = flags & 4 ? this.walk(gpa, 0) : [{ gpa, length, writable: (flags & 2) !== 0 }];
    return flags & 1 ? [...here, ...this.walk(table, this.view.getUint16(at + 14, true))] : here;
  }

  giveBack(head: number, length: number): void {
    const idx = this.view.getUint16(this.used + 2, true);
    this.view.setUint32(this.used + 4 + 8 * (idx % this.size), head, true);
    this.view.setUint32(this.used + 4 + 8 * (idx % this.size) + 4, length, true);
    this.view.setUint16(this.used + 2, (idx + 1) % 65536, true);
  }

  get usedIdx(): number {
    return this.view.getUint16(this.used + 2, true);
  }
  get availFlags(): number {
    return this.view.getUint16(this.avail, true);
  }
  get usedEvent(): number {
    return this.view.getUint16(this.avail + 4 + 2 * this.size, true);
  }
  set usedFlags(value: number) {
    this.view.setUint16(this.used, value, true);
  }
  set availEvent(value: number) {
    this.view.setUint16(this.used + 4 + 8 * this.size, value, true);
  }

  /** The bytes of the parts, one after the other. */
  read(parts: readonly NaivePart[]): Uint8Array {
    return Uint8Array.from(parts.flatMap((p) => [...new Uint8Array(this.view.buffer, p.gpa, p.length)]));
  }

  /** Fills the parts with `data`, one after the other; answers how many bytes went in. */
  write(parts: readonly NaivePart[], data: Uint8Array): number {
    let done = 0;
    for (const part of parts) {
      const count = Math.min(part.length, data.length - done);
      new Uint8Array(this.view.buffer, part.gpa, count).set(data.subarray(done, done + count));
      done += count;
    }
    return done;
  }
}
