import {
  type IoPortEntry,
  type IoPortInterface,
  type IoPortRange,
  IoPortType,
  type MmioEntry,
  type MmioInterface,
  type VmmIoPortList,
  type VmmMmioList,
} from "@vmmkit/ioport";
import type { Restoration } from "@vmmkit/vm";
import type { PciBarWindow } from "./bar-registers.ts";
import { PciDefinitionError } from "./errors.ts";
import type { PciAddress } from "./pci-address.ts";
import { allOnes, type EntryState, type PciEntry, prepareBelow, saveBelow } from "./pci-entry.ts";
import type { PciFunction, PciRegion } from "./pci-function.ts";
import type { VmmPciSpace } from "./pci-space.ts";

/** The machine that a function goes into. */
export interface PciPlugOptions {
  readonly pci: VmmPciSpace;
  /** Where its I/O BARs are mapped. */
  readonly ioport: VmmIoPortList;
  /** Where its memory BARs are mapped; null where the machine cannot. */
  readonly mmio: VmmMmioList | null;
  /** The function's name for messages. */
  readonly desc: string;
}

/**
 * Puts a `PciFunction` into a machine: configuration space on the bus, and what is behind its BARs on the lists, mapped
 * and unmapped as the guest's BARs and command register say. Places can be taken before the function is made, so that
 * what cannot work is refused before the function has told anybody that it is there.
 */
export class PciPlug {
  readonly #options: PciPlugOptions;
  readonly #slot = new Slot();
  /** By number of the BAR. */
  readonly #ports = new Map<number, { entry: IoPortEntry; registers: PortRegisters }>();
  readonly #memory = new Map<number, MmioEntry>();
  #undo: (() => void)[] = [];

  constructor(options: PciPlugOptions) {
    this.#options = options;
  }

  /**
   * Takes ports for an I/O BAR, not mapped yet.
   * @returns the entry; its range follows the BAR from `attach` on
   * @throws what `VmmIoPortList.addHandler` throws
   */
  reservePorts(index: number, range: IoPortRange, type: IoPortType): IoPortEntry {
    const registers = new PortRegisters(this.#options.desc);
    const entry = this.#options.ioport.addHandler(range, registers, type, false);
    registers.entry = entry;
    this.#ports.set(index, { entry, registers });
    this.#undo.push(() => this.#options.ioport.removeHandler(entry));
    return entry;
  }

  /** Takes a place on the bus. @throws what `VmmPciSpace.addEntry` throws */
  reserveAddress(address: PciAddress | "free slot" = "free slot"): PciAddress {
    const { pci } = this.#options;
    const where = pci.addEntry(this.#slot, address);
    this.#undo.push(() => pci.removeEntry(where));
    return where;
  }

  /**
   * The function is there. BARs that nothing was reserved for get their places now.
   * @throws PciDefinitionError for a memory BAR where the machine has no list for it
   */
  attach(fn: PciFunction): void {
    const { mmio, desc } = this.#options;
    fn.regions.forEach((region, index) => {
      if (region === null) return;
      const { bar } = region;
      const end = bar.address + 2 ** bar.sizeBits - 1;
      if (bar.kind === "io") {
        if (!this.#ports.has(index)) this.reservePorts(index, { start: bar.address, end, size: 0 }, IoPortType.Addr);
        const place = this.#ports.get(index);
        if (place !== undefined) place.registers.region = region;
        return;
      }
      if (mmio === null) throw new PciDefinitionError(`"mmio" expected a list for the memory BAR ${index} of ${desc}`);
      const entry = mmio.addHandler({ start: bar.address, end }, memoryRegisters(region, desc), false);
      this.#memory.set(index, entry);
      this.#undo.push(() => mmio.removeHandler(entry));
    });
    this.#slot.fn = fn;
    fn.onBarChange = (window) => this.#follow(window);
    this.#undo.push(() => {
      fn.onBarChange = null;
    });
    for (const window of fn.bars()) if (window.enabled) this.#follow(window);
  }

  /** Takes everything out again. A second call does nothing. */
  remove(): void {
    const undo = this.#undo;
    this.#undo = [];
    for (const step of undo.reverse()) step();
  }

  #follow(window: PciBarWindow): void {
    const { ioport, mmio } = this.#options;
    const ports = this.#ports.get(window.index)?.entry;
    if (ports !== undefined) {
      if (window.enabled) ioport.mapHandler(ports, window.address);
      else ioport.unmapHandler(ports);
    }
    const memory = this.#memory.get(window.index);
    if (memory === undefined || mmio === null) return;
    if (window.enabled) mmio.mapHandler(memory, window.address);
    else mmio.unmapHandler(memory);
  }
}

/** The place on the bus: nothing answers before the function is there. */
class Slot implements PciEntry {
  fn: PciFunction | null = null;

  ioRead(offset: number, size: number): number {
    return this.fn === null ? allOnes(size) : this.fn.ioRead(offset, size);
  }

  ioWrite(offset: number, size: number, value: number): void {
    this.fn?.ioWrite(offset, size, value);
  }

  reset(): void {
    this.fn?.reset();
  }

  save(): EntryState {
    return saveBelow(this.fn);
  }

  prepare(state: unknown): Restoration {
    return prepareBelow(this.fn, state);
  }
}

/** The handler behind an I/O BAR: absolute ports become offsets. */
class PortRegisters implements IoPortInterface {
  readonly desc: string;
  entry: IoPortEntry | null = null;
  region: PciRegion | null = null;

  constructor(desc: string) {
    this.desc = desc;
  }

  portIn(port: number, size: number): number {
    if (this.region === null || this.entry === null) return 0xffff_ffff;
    return this.region.read(port - this.entry.range.start, size);
  }

  portOut(port: number, size: number, value: number): void {
    if (this.region === null || this.entry === null) return;
    this.region.write(port - this.entry.range.start, size, value);
  }
}

function memoryRegisters(region: PciRegion, desc: string): MmioInterface {
  return {
    desc,
    read: (offset: number, size: number) => region.read(offset, size),
    write: (offset: number, size: number, value: number) => region.write(offset, size, value),
  };
}
