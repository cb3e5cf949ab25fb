import type { VmmMmioList } from "@vmmkit/ioport";
import type { V86Cpu } from "./internals.ts";
import type { JitPages } from "./jit-pages.ts";
import { replaceMethod } from "./replace-method.ts";

/** v86 knows who answers for an address by blocks of 128 KiB. */
const BLOCK_BITS = 17;

type Read = (address: number) => number;
type Write = (address: number, value: number) => void;

interface Block {
  /** How many of our ranges reach into it. */
  ranges: number;
  /** What v86 has there: answers where we have nothing, and alone again once our last range is gone. */
  readonly below: { readonly read8: Read; readonly write8: Write; readonly read32: Read; readonly write32: Write };
}

/**
 * Ranges of ours on top of v86's memory map, above guest RAM. v86's table has a function for each block of 128 KiB and
 * for accesses of 8 and of 32 bits; a block in which we have ranges gets functions that look at ours first. Accesses of
 * 16 bits are put together by v86 from two of 8. A register must not be written by halves, so writes are taken before
 * that; reads in halves are harmless, as no register of 16 bits changes by being read.
 *
 * Addresses in guest RAM never come here: the processor takes them for memory.
 */
export class MemoryOverlay {
  readonly #cpu: V86Cpu;
  readonly #list: VmmMmioList;
  readonly #jit: JitPages;
  readonly #blocks = new Map<number, Block>();
  readonly #restoreWrite16: () => void;
  /** The guest waits for a handler of ours. */
  #accessing = false;
  /** Detached, perhaps with another hook on top of ours, which goes on calling it. */
  #gone = false;

  /** @param jit told when the guest waits for a handler of ours, and when it goes on */
  constructor(cpu: V86Cpu, list: VmmMmioList, jit: JitPages) {
    this.#cpu = cpu;
    this.#list = list;
    this.#jit = jit;
    const below = cpu.mmap_write16;
    this.#restoreWrite16 = replaceMethod(cpu, "mmap_write16", (address, value) => {
      if (this.#gone || this.#list.find(address >>> 0) === null) below.call(cpu, address, value);
      else this.#write(address, 2, value);
    });
  }

  /** Whether the guest waits in the middle of an access to a range of ours. */
  get accessing(): boolean {
    return this.#accessing;
  }

  /** The list mapped the range `start` to `end`. What is above 4 GiB has no way to be reached. */
  install(start: number, end: number): void {
    this.#eachBlock(start, end, (index) => {
      const block = this.#blocks.get(index) ?? this.#take(index);
      if (block !== undefined) block.ranges++;
    });
  }

  /** The list unmapped it. */
  remove(start: number, end: number): void {
    this.#eachBlock(start, end, (index) => {
      const block = this.#blocks.get(index);
      if (block === undefined) return;
      block.ranges--;
      if (block.ranges === 0) this.#giveBack(index, block);
    });
  }

  /** Gives everything back to v86. */
  removeAll(): void {
    this.#gone = true;
    for (const [index, block] of [...this.#blocks]) this.#giveBack(index, block);
    this.#restoreWrite16();
  }

  #eachBlock(start: number, end: number, act: (index: number) => void): void {
    const first = Math.floor(start / 2 ** BLOCK_BITS);
    const last = Math.min(Math.floor(end / 2 ** BLOCK_BITS), 2 ** (32 - BLOCK_BITS) - 1);
    for (let index = first; index <= last; index++) act(index);
  }

  /** Puts our functions into the table. Where v86 has none there is RAM, which cannot be taken. */
  #take(index: number): Block | undefined {
    const { memory_map_read8, memory_map_write8, memory_map_read32, memory_map_write32 } = this.#cpu;
    const read8 = memory_map_read8[index];
    const write8 = memory_map_write8[index];
    const read32 = memory_map_read32[index];
    const write32 = memory_map_write32[index];
    if (read8 === undefined || write8 === undefined || read32 === undefined || write32 === undefined) return undefined;
    const block = { ranges: 0, below: { read8, write8, read32, write32 } };
    this.#blocks.set(index, block);
    memory_map_read8[index] = this.#reader(1, read8);
    memory_map_read32[index] = this.#reader(4, read32);
    memory_map_write8[index] = this.#writer(1, write8);
    memory_map_write32[index] = this.#writer(4, write32);
    return block;
  }

  #giveBack(index: number, { below }: Block): void {
    this.#blocks.delete(index);
    this.#cpu.memory_map_read8[index] = below.read8;
    this.#cpu.memory_map_write8[index] = below.write8;
    this.#cpu.memory_map_read32[index] = below.read32;
    this.#cpu.memory_map_write32[index] = below.write32;
  }

  #reader(size: number, below: Read): Read {
    return (address) => {
      const gpa = address >>> 0;
      if (this.#list.find(gpa) === null) return below(address);
      this.#enter();
      try {
        // All 32-bit numbers at this border are signed.
        return this.#list.emulateRead(gpa, size) | 0;
      } finally {
        this.#leave();
      }
    };
  }

  #writer(size: number, below: Write): Write {
    return (address, value) => {
      if (this.#list.find(address >>> 0) === null) below(address, value);
      else this.#write(address, size, value);
    };
  }

  #write(address: number, size: number, value: number): void {
    this.#enter();
    try {
      this.#list.emulateWrite(address >>> 0, size, value);
    } finally {
      this.#leave();
    }
  }

  #enter(): void {
    this.#jit.guestPaused();
    this.#accessing = true;
  }

  #leave(): void {
    this.#accessing = false;
    this.#jit.guestContinues();
  }
}
