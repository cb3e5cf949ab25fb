import { type InterruptController, type Restoration, stateFlag, stateRecord } from "@vmmkit/vm";
import { allOnes, type EntryState, isConfigAccess, type PciEntry, prepareBelow, saveBelow } from "./pci-entry.ts";
import { PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, PCI_STATUS, PCI_STATUS_INTERRUPT } from "./spec.ts";

/** An entry with an interrupt pin. */
export interface IntxEntry extends PciEntry {
  /**
   * Whether the device wants an interrupt. The line follows it, unless the guest has set the command register's
   * INTx disable bit; the status register's interrupt bit follows it always.
   */
  setLevel(level: boolean): void;
  reset(): void;
  save(): EntryState;
  prepare(state: unknown): Restoration;
}

/**
 * Gives an entry its interrupt pin (PCI Local Bus Specification 3.0, 6.2.2 bit 10 and 6.2.3 bit 3; the C original
 * injects the interrupt without either). The pin's number is the header's `interruptPin`.
 * @param interrupts a controller of this function's own: see `SharedInterruptLines` where the line is shared
 * @param line the VMM's number for the line the pin is wired to
 */
export function intxEmulation(entry: PciEntry, interrupts: InterruptController, line: number): IntxEntry {
  return new Intx(entry, interrupts, line);
}

class Intx implements IntxEntry {
  readonly #below: PciEntry;
  readonly #interrupts: InterruptController;
  readonly #line: number;
  /** What the device wants. */
  #level = false;
  /** What the line was last set to. */
  #driven = false;
  /** The guest's INTx disable bit, kept so that an interrupt need not read configuration space. */
  #disabled = false;

  constructor(below: PciEntry, interrupts: InterruptController, line: number) {
    this.#below = below;
    this.#interrupts = interrupts;
    this.#line = line;
    this.#readCommand();
  }

  setLevel(level: boolean): void {
    this.#level = level;
    this.#drive();
  }

  ioRead(offset: number, size: number): number {
    const value = this.#below.ioRead(offset, size);
    if (!isConfigAccess(offset, size) || PCI_STATUS < offset || PCI_STATUS >= offset + size) return value;
    const bit = PCI_STATUS_INTERRUPT << (8 * (PCI_STATUS - offset));
    return ((this.#level ? value | bit : value & ~bit) & allOnes(size)) >>> 0;
  }

  ioWrite(offset: number, size: number, value: number): void {
    this.#below.ioWrite(offset, size, value);
    if (offset >> 2 === PCI_COMMAND >> 2) this.#readCommand();
  }

  reset(): void {
    this.#below.reset?.();
    this.#readCommand();
  }

  save(): EntryState {
    return { ...saveBelow(this.#below), intx: this.#level };
  }

  prepare(state: unknown): Restoration {
    const { intx } = stateRecord("state", state);
    const level = stateFlag("intx", intx);
    return prepareBelow(this.#below, state, {
      apply: () => {
        this.#level = level;
      },
      // The line moves when everything is in its place: a VMM may have the guest's handler run at once.
      resume: () => this.#readCommand(),
    });
  }

  #readCommand(): void {
    this.#disabled = (this.#below.ioRead(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) !== 0;
    this.#drive();
  }

  #drive(): void {
    const wanted = this.#level && !this.#disabled;
    if (wanted === this.#driven) return;
    this.#driven = wanted;
    this.#interrupts.setLine(this.#line, wanted);
  }
}
