import { DetachedRegionError, MemoryLayoutError, UnsupportedHostError } from "./errors.ts";

/** Where the bytes of a region are: a buffer and the offset of the region's first byte in it. */
export interface RegionBytes {
  /** The VMM's own buffer: an ArrayBuffer, a SharedArrayBuffer, or WebAssembly memory's buffer. */
  readonly buffer: ArrayBufferLike;
  /** Offset of the first byte of the region in `buffer`, a multiple of 4. Default 0. */
  readonly byteOffset?: number;
}

/** What the VMM says of a range of guest memory. */
export interface RegionInit extends RegionBytes {
  /** Guest physical address of the first byte, a multiple of 4, below 2^53. */
  readonly gpa: number;
  /** Length in bytes, a multiple of 4, at most 4 GiB - 4. Larger memory is described as several regions. */
  readonly size: number;
  /** Address of the first byte in this process, for system calls that read or write guest memory in place. */
  readonly hostAddress?: number;
  /** Whether a device may write it. Default true; ROM is false. */
  readonly writable?: boolean;
  /**
   * Says where the bytes are now, for memory whose buffer is replaced while the guest runs. WebAssembly memory
   * does that each time it grows: the old `ArrayBuffer` is detached and every view of it has length 0.
   */
  readonly renew?: () => RegionBytes;
}

const MAX_REGION_BYTES = 0xffff_fffc;

/**
 * A range of guest physical memory over bytes that the VMM owns. Its views are made once; all of them start at
 * the region's first byte, so the byte of guest physical address `gpa` is `bytes[gpa - region.gpa]`.
 *
 * Whoever keeps one of the views keeps it only as long as `GuestMemory.generation` stays the same.
 */
export class MemoryRegion {
  /** Guest physical address of the first byte. */
  readonly gpa: number;
  /** Length in bytes. */
  readonly size: number;
  /** Guest physical address just behind the last byte. */
  readonly end: number;
  /** Address of the first byte in this process, 0 where it is not known. */
  readonly hostAddress: number;
  /** Whether a device may write it. */
  readonly writable: boolean;
  /** The region as bytes. */
  bytes: Uint8Array;
  /** The region as little-endian 16-bit words. */
  u16: Uint16Array;
  /** The region as little-endian 32-bit words. */
  u32: Uint32Array;
  readonly #renew: (() => RegionBytes) | undefined;

  /** @throws MemoryLayoutError for a misaligned or impossible range, UnsupportedHostError on a big-endian host */
  constructor(init: RegionInit) {
    if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) {
      throw new UnsupportedHostError("guest memory needs a little-endian host");
    }
    checkMultipleOf4("gpa", init.gpa, Number.MAX_SAFE_INTEGER - MAX_REGION_BYTES);
    checkMultipleOf4("size", init.size, MAX_REGION_BYTES);
    if (init.size === 0) throw new MemoryLayoutError('"size" expected at least 4 bytes, got 0');
    this.gpa = init.gpa;
    this.size = init.size;
    this.end = init.gpa + init.size;
    this.hostAddress = checkHostAddress(init.hostAddress ?? 0);
    this.writable = init.writable ?? true;
    this.#renew = init.renew;
    const byteOffset = checkBytes(init, init.size);
    this.bytes = new Uint8Array(init.buffer, byteOffset, init.size);
    this.u16 = new Uint16Array(init.buffer, byteOffset, init.size / 2);
    this.u32 = new Uint32Array(init.buffer, byteOffset, init.size / 4);
  }

  /** Whether the views lost their bytes. A detached view has length 0; reading that costs next to nothing. */
  get detached(): boolean {
    return this.bytes.length === 0;
  }

  /**
   * Makes the views again over the bytes that the VMM now names.
   * @throws DetachedRegionError where the VMM gave no `renew`, or it names bytes that are detached too
   */
  renew(): void {
    if (this.#renew === undefined) {
      throw new DetachedRegionError(`the buffer of region 0x${this.gpa.toString(16)} is detached and has no "renew"`);
    }
    const now = this.#renew();
    const byteOffset = checkBytes(now, this.size);
    this.bytes = new Uint8Array(now.buffer, byteOffset, this.size);
    this.u16 = new Uint16Array(now.buffer, byteOffset, this.size / 2);
    this.u32 = new Uint32Array(now.buffer, byteOffset, this.size / 4);
  }
}

function checkMultipleOf4(name: string, value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max || value % 4 !== 0) {
    throw new MemoryLayoutError(`"${name}" expected a multiple of 4 from 0 to ${max}, got ${value}`);
  }
}

function checkHostAddress(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new MemoryLayoutError(`"hostAddress" expected an integer from 0 to 2^53 - 1, got ${value}`);
  }
  return value;
}

/** The offset of the bytes, once it is certain that the whole region fits behind it. */
function checkBytes(at: RegionBytes, size: number): number {
  const byteOffset = at.byteOffset ?? 0;
  checkMultipleOf4("byteOffset", byteOffset, Number.MAX_SAFE_INTEGER);
  if (at.buffer.byteLength === 0) throw new DetachedRegionError("the region's buffer is detached or empty");
  if (byteOffset + size > at.buffer.byteLength) {
    throw new MemoryLayoutError(
      `"size" expected at most ${at.buffer.byteLength - byteOffset} bytes behind offset ${byteOffset} of the buffer, got ${size}`,
    );
  }
  return byteOffset;
}
