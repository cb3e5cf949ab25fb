import { type Fd, fileBytes, type Mapping, mapInPieces, PosixError } from "@vmmkit/posix";
import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import { CommandError } from "./errors.ts";
import { Limits } from "./limits.ts";
import {
  DMA_READ,
  DMA_UNMAP_ALL,
  DMA_UNMAP_DIRTY_BITMAP,
  DMA_WRITE,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOSPC,
  EOPNOTSUPP,
} from "./spec.ts";
import { needBytes, readU64 } from "./u64.ts";

const PAGE_BYTES = 4096;

/** A range that the client mapped, and what stands for it here. */
interface DmaMap {
  readonly address: number;
  readonly size: number;
  /** Empty where the client passed no descriptor. */
  readonly pieces: readonly { readonly mapping: Mapping; readonly region: MemoryRegion }[];
}

/**
 * The client's memory as it maps and unmaps it, put into guest memory region by region. Ranges that come without a
 * descriptor (ROM, VGA, other devices' registers) are remembered and are no memory: a device that is sent there finds
 * nothing, and says so as for any address outside memory.
 */
export class DmaTable {
  readonly #memory: GuestMemory;
  #maps: DmaMap[] = [];

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** How many ranges are mapped. */
  get size(): number {
    return this.#maps.length;
  }

  /**
   * `DMA_MAP`.
   * @param fd of the memory, null for a range that cannot be mapped. It stays the caller's
   * @throws CommandError
   */
  map(body: DataView, fd: Fd | null): void {
    needBytes(body, 32);
    const flags = body.getUint32(4, true);
    const [offset, address, size] = [
      readU64(body, 8, "offset"),
      readU64(body, 16, "address"),
      readU64(body, 24, "size"),
    ];
    checkRange(address, size);
    if (offset % PAGE_BYTES !== 0) throw new CommandError(EINVAL, `offset ${offset} is not at a page`);
    if (this.#maps.some((other) => address < other.address + other.size && other.address < address + size)) {
      throw new CommandError(EEXIST, `0x${address.toString(16)} is mapped already`);
    }
    if (this.#maps.length >= Limits.dmaMaps) throw new CommandError(ENOSPC, `more than ${Limits.dmaMaps} mappings`);
    // Memory that may not be read is no use to a device.
    const mappings =
      fd === null || (flags & DMA_READ) === 0 ? [] : mapFile(fd, size, offset, (flags & DMA_WRITE) !== 0);
    this.#maps.push({ address, size, pieces: this.#addRegions(address, mappings, (flags & DMA_WRITE) !== 0) });
  }

  /** `DMA_UNMAP`. @throws CommandError */
  unmap(body: DataView): void {
    needBytes(body, 24);
    const flags = body.getUint32(4, true);
    if ((flags & DMA_UNMAP_DIRTY_BITMAP) !== 0) throw new CommandError(EOPNOTSUPP, "no record of dirty pages is kept");
    const [address, size] = [readU64(body, 8, "address"), readU64(body, 16, "size")];
    if ((flags & DMA_UNMAP_ALL) !== 0) {
      if (address !== 0 || size !== 0) throw new CommandError(EINVAL, "all of a range");
      this.clear();
      return;
    }
    const index = this.#maps.findIndex((map) => map.address === address && map.size === size);
    const map = this.#maps[index];
    if (map === undefined) throw new CommandError(ENOENT, `0x${address.toString(16)} is not mapped with this size`);
    this.#maps.splice(index, 1);
    this.#release(map);
  }

  /** Unmaps everything. */
  clear(): void {
    for (const map of this.#maps.splice(0)) this.#release(map);
  }

  #addRegions(address: number, mappings: readonly Mapping[], writable: boolean): DmaMap["pieces"] {
    let gpa = address;
    return mappings.map((mapping) => {
      const { buffer, address: hostAddress, sizeBytes: size } = mapping;
      const region = this.#memory.addRegion({ gpa, size, buffer, hostAddress, writable });
      gpa += size;
      return { mapping, region };
    });
  }

  #release(map: DmaMap): void {
    for (const { region, mapping } of map.pieces) {
      this.#memory.removeRegion(region);
      mapping.unmap();
    }
  }
}

function checkRange(address: number, size: number): void {
  const whole = size > 0 && size % PAGE_BYTES === 0 && address % PAGE_BYTES === 0;
  if (!whole || address + size > Number.MAX_SAFE_INTEGER - 0xffff_ffff) {
    throw new CommandError(
      EINVAL,
      `no range of whole pages: 0x${size.toString(16)} bytes at 0x${address.toString(16)}`,
    );
  }
}

function mapFile(fd: Fd, size: number, offset: number, writable: boolean): Mapping[] {
  if (offset + size > fileBytes(fd)) throw new CommandError(EINVAL, "the mapping is longer than its file");
  try {
    return mapInPieces(fd, size, { offset, writable });
  } catch (error) {
    if (error instanceof PosixError) throw new CommandError(error.errno, error.message);
    throw error;
  }
}
