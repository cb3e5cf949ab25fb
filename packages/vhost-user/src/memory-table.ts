import { type Fd, fileBytes, type Mapping, mapInPieces } from "@vmmkit/posix";
import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import { RequestError } from "./errors.ts";
import { mapHandedOver } from "./map-handed-over.ts";
import { need, readU64 } from "./payload.ts";
import { MAX_TABLE_REGIONS } from "./spec.ts";

const REGION_BYTES = 32;
/** Regions at a time, added one by one. */
const MAX_SLOTS = 512;

/** A region as the front-end describes it. */
interface RegionInfo {
  readonly gpa: number;
  readonly size: number;
  /** Where it is in the front-end's own address space: rings are told so. */
  readonly userAddress: number;
  /** Where it starts in its file. */
  readonly offset: number;
}

interface Slot extends RegionInfo {
  readonly pieces: readonly { readonly mapping: Mapping; readonly region: MemoryRegion }[];
}

/** The front-end's memory: mapped, put into guest memory, and found by the front-end's own addresses. */
export class MemoryTable {
  /** How many regions there can be. */
  readonly maxSlots: number = MAX_SLOTS;
  readonly #memory: GuestMemory;
  #slots: Slot[] = [];

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /**
   * SET_MEM_TABLE: these regions and no others. Those that were there before stay as they are, so that rings in them
   * go on working.
   * @param fds one for each region, in their order. They stay the caller's
   * @throws RequestError; what was mapped before may be gone then
   */
  replace(body: DataView, fds: readonly Fd[]): void {
    need(body, 8);
    const count = body.getUint32(0, true);
    if (count > MAX_TABLE_REGIONS || count !== fds.length) {
      throw new RequestError(`${count} regions with ${fds.length} descriptors`);
    }
    need(body, 8 + REGION_BYTES * count);
    const wanted = fds.map((fd, i) => ({ info: readRegion(body, 8 + REGION_BYTES * i), fd }));
    const kept = (slot: Slot): boolean => wanted.some(({ info }) => isSame(slot, info));
    for (const slot of this.#slots.filter((one) => !kept(one))) this.#drop(slot);
    for (const { info, fd } of wanted) if (!this.#slots.some((slot) => isSame(slot, info))) this.#add(info, fd);
  }

  /**
   * ADD_MEM_REG. A region that is there already is no error: QEMU 7.2 adds and removes each once for every pair of queues.
   * @throws RequestError
   */
  add(body: DataView, fds: readonly Fd[]): void {
    const [fd] = fds;
    if (fd === undefined || fds.length > 1) throw new RequestError(`${fds.length} descriptors for one region`);
    need(body, 8 + REGION_BYTES);
    const info = readRegion(body, 8);
    if (this.#slots.some((slot) => isSame(slot, info))) return;
    if (this.#slots.length >= MAX_SLOTS) throw new RequestError(`more than ${MAX_SLOTS} regions`);
    this.#add(info, fd);
  }

  /** REM_MEM_REG. Its offset does not count, and one that is gone already is no error. @throws RequestError */
  remove(body: DataView): void {
    need(body, 8 + REGION_BYTES);
    const info = readRegion(body, 8);
    const slot = this.#slots.find((one) => isSame(one, { ...info, offset: one.offset }));
    if (slot !== undefined) this.#drop(slot);
    else if (this.#slots.some((one) => overlap(one, info))) {
      throw new RequestError(`no such region at 0x${info.gpa.toString(16)}`);
    }
  }

  /** The guest physical address of what is at an address of the front-end's. @throws RequestError where nothing is */
  toGuest(userAddress: number): number {
    const slot = this.#slots.find((one) => userAddress >= one.userAddress && userAddress < one.userAddress + one.size);
    if (slot === undefined) throw new RequestError(`0x${userAddress.toString(16)} is in no region`);
    return slot.gpa + userAddress - slot.userAddress;
  }

  /** Forgets all regions. */
  clear(): void {
    for (const slot of [...this.#slots]) this.#drop(slot);
  }

  #add(info: RegionInfo, fd: Fd): void {
    if (this.#slots.some((slot) => overlap(slot, info))) {
      throw new RequestError(`region 0x${info.gpa.toString(16)} overlaps another`);
    }
    let gpa = info.gpa;
    const pieces = mapRegion(info, fd).map((mapping) => {
      const { buffer, address: hostAddress, sizeBytes: size } = mapping;
      const region = this.#memory.addRegion({ gpa, size, buffer, hostAddress });
      gpa += size;
      return { mapping, region };
    });
    this.#slots.push({ ...info, pieces });
  }

  #drop(slot: Slot): void {
    this.#slots = this.#slots.filter((one) => one !== slot);
    for (const { region, mapping } of slot.pieces) {
      this.#memory.removeRegion(region);
      mapping.unmap();
    }
  }
}

function readRegion(body: DataView, at: number): RegionInfo {
  const info = {
    gpa: readU64(body, at),
    size: readU64(body, at + 8),
    userAddress: readU64(body, at + 16),
    offset: readU64(body, at + 24),
  };
  const inReach = info.gpa + info.size <= Number.MAX_SAFE_INTEGER - 0xffff_ffff;
  if (info.size === 0 || info.size % 4 !== 0 || info.gpa % 4 !== 0 || info.offset % 4096 !== 0 || !inReach) {
    throw new RequestError(`no region: 0x${info.size.toString(16)} bytes at 0x${info.gpa.toString(16)}`);
  }
  return info;
}

function mapRegion({ size, offset }: RegionInfo, fd: Fd): Mapping[] {
  if (offset + size > fileBytes(fd)) throw new RequestError("a region that is longer than its file");
  return mapHandedOver(() => mapInPieces(fd, size, { offset }));
}

function isSame(a: RegionInfo, b: RegionInfo): boolean {
  return a.gpa === b.gpa && a.size === b.size && a.userAddress === b.userAddress && a.offset === b.offset;
}

function overlap(a: RegionInfo, b: RegionInfo): boolean {
  return a.gpa < b.gpa + b.size && b.gpa < a.gpa + a.size;
}
