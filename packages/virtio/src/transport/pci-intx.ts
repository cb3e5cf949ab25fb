import { PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, PCI_STATUS, PCI_STATUS_INTERRUPT, type PciEntry } from "@vmmkit/pci";
import type { InterruptController } from "@vmmkit/vm";

/**
 * A function's INTx pin: a wrapper of its configuration space that shows the pin's state in the status register
 * ("Interrupt Status") and keeps the line low while the guest disables it in the command register (PCI 3.0, 6.2.2
 * and 6.2.3).
 */
export class PciIntx implements PciEntry {
  readonly #below: PciEntry;
  readonly #interrupts: InterruptController;
  readonly #line: number;
  #asserted = false;
  #driven = false;

  /**
   * @param below the configuration space
   * @param interrupts where the line is
   * @param line the VMM's number of the line that the pin is wired to
   */
  constructor(below: PciEntry, interrupts: InterruptController, line: number) {
    this.#below = below;
    this.#interrupts = interrupts;
    this.#line = line;
  }

  /** The device wants an interrupt (true), or has been attended to (false). */
  set(asserted: boolean): void {
    if (this.#asserted === asserted) return;
    this.#asserted = asserted;
    this.#drive();
  }

  ioRead(offset: number, size: number): number {
    const value = this.#below.ioRead(offset, size);
    if (!this.#asserted || PCI_STATUS < offset || PCI_STATUS >= offset + size) return value;
    return (value | (PCI_STATUS_INTERRUPT << (8 * (PCI_STATUS - offset)))) >>> 0;
  }

  ioWrite(offset: number, size: number, value: number): void {
    this.#below.ioWrite(offset, size, value);
    if (offset < PCI_STATUS && offset + size > PCI_COMMAND) this.#drive();
  }

  reset(): void {
    this.#below.reset?.();
    this.#asserted = false;
    this.#drive();
  }

  #drive(): void {
    const level = this.#asserted && (this.#below.ioRead(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) === 0;
    if (this.#driven === level) return;
    this.#driven = level;
    this.#interrupts.setLine(this.#line, level);
  }
}
