import { MemoryLayoutError } from "./errors.ts";
import { MemoryRegion, type RegionInit } from "./region.ts";

/** Told of each range that a device wrote: for a JIT's code cache, for a migration's dirty log. */
export type WriteObserver = (gpa: number, lengthBytes: number) => void;

/**
 * The guest's physical memory as a set of regions that do not overlap. The VMM adds and removes regions; devices
 * look addresses up. Device code that caches what it found compares `generation` before each use.
 *
 * The reading and writing methods here are for configuration and tests. A data path takes a region with `find`
 * and works on its views.
 */
export class GuestMemory {
  /** Counts changes: regions added, removed, or their bytes moved. A cached view of another generation is stale. */
  generation = 0;
  /** Set by the VMM that must know what devices write; null where nobody listens. */
  writeObserver: WriteObserver | null = null;
  /** In ascending order of address. Replaced as a whole, so a loop over it is never disturbed. */
  #regions: readonly MemoryRegion[] = [];
  /** The region that answered last: nearly every look-up is for the same one. */
  #last: MemoryRegion | null = null;
  readonly #listeners = new Set<() => void>();

  /** @throws MemoryLayoutError where regions overlap or one is impossible */
  constructor(regions: Iterable<RegionInit> = []) {
    for (const region of regions) this.addRegion(region);
  }

  /** The regions in ascending order of address. */
  get regions(): readonly MemoryRegion[] {
    return this.#regions;
  }

  /**
   * Adds a region. The bytes stay the VMM's.
   * @throws MemoryLayoutError where it overlaps another or is impossible
   */
  addRegion(init: RegionInit): MemoryRegion {
    const region = new MemoryRegion(init);
    for (const other of this.#regions) {
      if (region.gpa < other.end && other.gpa < region.end) {
        throw new MemoryLayoutError(`region ${span(region)} overlaps region ${span(other)}`);
      }
    }
    this.#regions = [...this.#regions, region].sort((a, b) => a.gpa - b.gpa);
    this.#changed();
    return region;
  }

  /**
   * Takes a region away. Devices find their cached translations stale at their next access.
   * @throws MemoryLayoutError where the region is not one of this memory's
   */
  removeRegion(region: MemoryRegion): void {
    if (!this.#regions.includes(region)) throw new MemoryLayoutError(`region ${span(region)} is not here`);
    this.#regions = this.#regions.filter((other) => other !== region);
    this.#changed();
  }

  /** Calls `listener` after each change of `generation`. Answers the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Renews the views of regions whose buffer was replaced, and answers the generation. A device calls it once at
   * the start of each batch of work and looks up anew whatever it cached under another generation.
   * @throws DetachedRegionError where a buffer is gone for good
   */
  validate(): number {
    const regions = this.#regions;
    for (let i = 0; i < regions.length; i++) {
      // What `detached` does: this runs several times for each notification, and the getter makes it half as long again.
      if ((regions[i] as MemoryRegion).bytes.length === 0) this.#renewAll();
    }
    return this.generation;
  }

  /** The region that holds all of `lengthBytes` bytes at `gpa`, or null. A length of 0 counts as 1. */
  find(gpa: number, lengthBytes: number): MemoryRegion | null {
    const region = this.findAt(gpa);
    return region !== null && gpa + lengthBytes <= region.end ? region : null;
  }

  /** The region that holds the byte at `gpa`, or null. */
  findAt(gpa: number): MemoryRegion | null {
    const last = this.#last;
    if (last !== null && gpa >= last.gpa && gpa < last.end) return last;
    const regions = this.#regions;
    let low = 0;
    let high = regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const region = regions[middle];
      if (region === undefined) break;
      if (gpa >= region.end) low = middle + 1;
      else if (gpa >= region.gpa) {
        this.#last = region;
        return region;
      } else high = middle;
    }
    return null;
  }

  /** Copies guest memory at `gpa` into `target`, across regions that adjoin. False, and nothing read, where a byte is outside. */
  read(gpa: number, target: Uint8Array): boolean {
    return this.#copy(gpa, target, false);
  }

  /**
   * Copies `source` into guest memory at `gpa`, across regions that adjoin, and tells the write observer. False,
   * and nothing written, where a byte is outside or read-only.
   */
  write(gpa: number, source: Uint8Array): boolean {
    return this.#copy(gpa, source, true);
  }

  /** Tells the write observer, if there is one, that a device wrote this range. */
  noteWrite(gpa: number, lengthBytes: number): void {
    if (this.writeObserver !== null) this.writeObserver(gpa, lengthBytes);
  }

  #copy(gpa: number, host: Uint8Array, toGuest: boolean): boolean {
    this.validate();
    if (!this.#covered(gpa, host.length, toGuest)) return false;
    for (let done = 0; done < host.length; ) {
      const region = this.findAt(gpa + done);
      if (region === null) return false;
      const offset = gpa + done - region.gpa;
      const count = Math.min(host.length - done, region.size - offset);
      const guestPart = region.bytes.subarray(offset, offset + count);
      const hostPart = host.subarray(done, done + count);
      if (toGuest) guestPart.set(hostPart);
      else hostPart.set(guestPart);
      done += count;
    }
    if (toGuest && host.length > 0) this.noteWrite(gpa, host.length);
    return true;
  }

  #covered(gpa: number, lengthBytes: number, forWriting: boolean): boolean {
    for (let at = gpa; at < gpa + lengthBytes; ) {
      const region = this.findAt(at);
      if (region === null || (forWriting && !region.writable)) return false;
      at = region.end;
    }
    return true;
  }

  #renewAll(): void {
    for (const region of this.#regions) if (region.detached) region.renew();
    this.#changed();
  }

  #changed(): void {
    this.generation++;
    this.#last = null;
    for (const listener of this.#listeners) listener();
  }
}

function span(region: MemoryRegion): string {
  return `0x${region.gpa.toString(16)}-0x${(region.end - 1).toString(16)}`;
}
