import type { GuestMemory } from "@vmmkit/vm";
import type { ChainError, QueueError, QueueLayout } from "../../src/index.ts";
import type { LoggedRange } from "./range-log.ts";

const TWO_32 = 2n ** 32n;
/** Chains of an indirect table may be as long as the ring, and 1024 in any case. */
const INDIRECT_LIMIT = 1024;

/** What popping or walking a chain comes to. */
export type Outcome =
  | { readonly kind: "empty" | "stopped" }
  | { readonly kind: "refused"; readonly head: number; readonly cause: ChainError }
  | { readonly kind: "chain"; readonly head: number; readonly ranges: readonly LoggedRange[] };

interface Descriptor {
  readonly addr: bigint;
  readonly len: number;
  readonly flags: number;
  readonly next: number;
}

/**
 * The device's side of a split virtqueue once more: 2.7 word by word, without a thought for speed. It reads guest
 * memory, and what it would write goes into `shadow`, a copy of the memory that holds the rings.
 */
export class ReferenceQueue {
  /** The memory as it has to look, from address 0 on. */
  shadow: Uint8Array;
  error: QueueError | null = null;
  /** Descriptors visited since the available index was last looked at. */
  visited = 0;
  readonly refused: Partial<Record<ChainError, number>> = {};
  chains = 0;
  stopped = 0;
  readonly #memory: GuestMemory;
  readonly #size: number;
  readonly #indirect: boolean;
  readonly #eventIdx: boolean;
  #layout: QueueLayout | null = null;
  #lastAvail = 0;
  #seen = 0;
  #inFlight = 0;
  #used = 0;
  #published = 0;
  /** Indices of the elements that were published and not asked about. */
  #fresh: number[] = [];

  constructor(memory: GuestMemory, shadow: Uint8Array, size: number, indirect: boolean, eventIdx: boolean) {
    this.#memory = memory;
    this.shadow = shadow;
    this.#size = size;
    this.#indirect = indirect;
    this.#eventIdx = eventIdx;
  }

  start(layout: QueueLayout): void {
    this.reset();
    this.#layout = layout;
    this.begin();
  }

  reset(): void {
    this.#layout = null;
    this.error = null;
    this.#lastAvail = 0;
    this.#seen = 0;
    this.#inFlight = 0;
    this.#used = 0;
    this.#published = 0;
    this.#fresh = [];
  }

  begin(): boolean {
    if (this.#layout === null || this.error !== null) return false;
    const { descTable, availRing, usedRing } = this.#layout;
    const parts = [
      [descTable, 16 * this.#size],
      [availRing, 6 + 2 * this.#size],
      [usedRing, 6 + 8 * this.#size],
    ] as const;
    if (parts.every(([gpa, bytes]) => this.#memory.find(gpa, bytes) !== null)) return true;
    this.#stop("ringOutOfRange");
    return false;
  }

  available(): number {
    if (this.#layout === null || this.error !== null) return 0;
    this.visited = 0;
    const idx = this.#read16(this.#layout.availRing + 2);
    let count = 0;
    while ((this.#lastAvail + count) % 65536 !== idx) count++;
    if (count + this.#inFlight > this.#size) {
      this.#stop("availIndexJumped");
      return 0;
    }
    this.#seen = idx;
    return count;
  }

  pop(writable: boolean): Outcome {
    if (this.error !== null) return { kind: "stopped" };
    if (this.#lastAvail === this.#seen && this.available() === 0) {
      return { kind: this.error === null ? "empty" : "stopped" };
    }
    if (this.#layout === null) return { kind: "empty" };
    const head = this.#read16(this.#layout.availRing + 4 + 2 * (this.#lastAvail % this.#size));
    if (head >= this.#size) {
      this.#stop("headOutOfRange");
      return { kind: "stopped" };
    }
    this.#lastAvail = (this.#lastAvail + 1) % 65536;
    this.#inFlight++;
    this.chains++;
    return this.walk(head, writable, this.visited);
  }

  /** @param visited what the chain has to share its window with */
  walk(head: number, writable: boolean, visited = 0): Outcome {
    this.visited = visited;
    const buffers: LoggedRange[] = [];
    const cause = this.#walk(head, writable, buffers);
    if (cause === null) return { kind: "chain", head, ranges: buffers };
    this.refused[cause] = (this.refused[cause] ?? 0) + 1;
    this.addUsed(head, 0);
    return { kind: "refused", head, cause };
  }

  addUsed(head: number, length: number): void {
    if (this.#inFlight === 0 || this.#layout === null) return;
    const at = this.#layout.usedRing + 4 + 8 * (this.#used % this.#size);
    this.#write(at, head, 4);
    this.#write(at + 4, length, 4);
    this.#used = (this.#used + 1) % 65536;
    this.#inFlight--;
  }

  publish(): void {
    if (this.#published === this.#used || !this.begin() || this.#layout === null) return;
    for (; this.#published !== this.#used; this.#published = (this.#published + 1) % 65536) {
      this.#fresh.push(this.#published);
    }
    this.#write(this.#layout.usedRing + 2, this.#used, 2);
  }

  needsInterrupt(): boolean {
    if (!this.begin() || this.#layout === null) return false;
    const fresh = this.#fresh;
    this.#fresh = [];
    if (fresh.length === 0) return false;
    if (this.#eventIdx) return fresh.includes(this.#read16(this.#layout.availRing + 4 + 2 * this.#size));
    return this.#read16(this.#layout.availRing) % 2 === 0;
  }

  disableNotify(): void {
    if (!this.#eventIdx && this.#layout !== null) this.#write(this.#layout.usedRing, 1, 2);
  }

  enableNotify(): boolean {
    if (!this.begin() || this.#layout === null) return false;
    if (this.#eventIdx) this.#write(this.#layout.usedRing + 4 + 8 * this.#size, this.#lastAvail, 2);
    else this.#write(this.#layout.usedRing, 0, 2);
    return this.available() > 0;
  }

  #stop(error: QueueError): void {
    this.error = error;
    this.stopped++;
  }

  #walk(head: number, writable: boolean, ranges: LoggedRange[]): ChainError | null {
    if (this.#layout === null) return null;
    let table = BigInt(this.#layout.descTable);
    let tableSize = this.#size;
    let left = this.#size;
    let inTable = false;
    let total = 0;
    for (let index = head; ; ) {
      if (left === 0 || this.visited === (1 + INDIRECT_LIMIT) * this.#size) return "chainTooLong";
      left--;
      this.visited++;
      const { addr, len, flags, next } = this.#descriptor(table + 16n * BigInt(index));
      if (flags & 4) {
        if (inTable || !this.#indirect || flags & 1) return "indirectNotAllowed";
        if (len === 0 || len % 16 !== 0) return "indirectBadLength";
        if (!this.#inMemory(addr, len, false)) return "indirectOutOfRange";
        const limit = Math.max(this.#size, INDIRECT_LIMIT);
        const inPlace = addr % 4n === 0n && this.#memory.find(Number(addr), len) !== null;
        if (!inPlace && len / 16 > limit) return "indirectOutOfRange";
        [table, tableSize, left, inTable, index] = [addr, len / 16, Math.min(len / 16, limit), true, 0];
        continue;
      }
      if (((flags & 2) !== 0) !== writable) return "wrongDirection";
      total += len;
      if (total >= Number(TWO_32)) return "lengthOverflow";
      if (!this.#inMemory(addr, len, writable)) return "addressOutOfRange";
      if (len > 0) ranges.push(...this.#perRegion(Number(addr), len));
      if ((flags & 1) === 0) return null;
      if (next >= tableSize) return "nextOutOfRange";
      index = next;
    }
  }

  /** Whether all bytes are in memory, and in memory that may be written where that is asked. */
  #inMemory(addr: bigint, len: number, writable: boolean): boolean {
    for (let at = addr; at < addr + BigInt(len); ) {
      const region = this.#memory.regions.find(({ gpa, end }) => at >= BigInt(gpa) && at < BigInt(end));
      if (region === undefined || (writable && !region.writable)) return false;
      at = BigInt(region.end);
    }
    return true;
  }

  #perRegion(gpa: number, len: number): LoggedRange[] {
    const cuts = this.#memory.regions.map((region) => region.gpa).filter((cut) => cut > gpa && cut < gpa + len);
    const starts = [gpa, ...cuts];
    return starts.map((start, i) => ({ gpa: start, length: (starts[i + 1] ?? gpa + len) - start }));
  }

  #descriptor(gpa: bigint): Descriptor {
    const bytes = new Uint8Array(16);
    if (!this.#memory.read(Number(gpa), bytes)) throw new Error(`no descriptor at ${gpa}`);
    const view = new DataView(bytes.buffer);
    return {
      addr: view.getBigUint64(0, true),
      len: view.getUint32(8, true),
      flags: view.getUint16(12, true),
      next: view.getUint16(14, true),
    };
  }

  #read16(gpa: number): number {
    const bytes = new Uint8Array(2);
    if (!this.#memory.read(gpa, bytes)) throw new Error(`no memory at ${gpa}`);
    return (bytes[0] ?? 0) + 256 * (bytes[1] ?? 0);
  }

  #write(gpa: number, value: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) this.shadow[gpa + i] = Math.floor(value / 256 ** i) % 256;
  }
}

/** The first `count` bytes of ranges, and the rest. */
export function splitRanges(ranges: readonly LoggedRange[], count: number): [LoggedRange[], LoggedRange[]] {
  const head: LoggedRange[] = [];
  const body: LoggedRange[] = [];
  let left = count;
  for (const { gpa, length } of ranges) {
    const part = Math.min(left, length);
    if (part > 0) head.push({ gpa, length: part });
    if (part < length) body.push({ gpa: gpa + part, length: length - part });
    left -= part;
  }
  return [head, body];
}
