import type { VmmIoPortList, VmmMmioList } from "@vmmkit/ioport";
import type { PciAddress, VmmPciSpace } from "@vmmkit/pci";
import type { Restoration, Saveable, Vm } from "@vmmkit/vm";
import type { V86MachineState } from "./machine-state.ts";

/** An emulator with vmmkit's PCI space in front of its own. */
export interface V86Machine extends Saveable {
  /**
   * Guest memory and interrupts, for one device. Interrupt lines 0 to 3 are PIRQA# to PIRQD#, see `lineOf`; 4 to 15
   * are ISA interrupts. Further devices take `vmFor`, so that the levels of devices on one line stay apart.
   */
  readonly vm: Vm;
  /** Functions that are added here appear on the guest's PCI bus 0, among v86's own. */
  readonly pci: VmmPciSpace;
  /** Handlers that are mapped here answer the guest's I/O instructions. */
  readonly ioport: VmmIoPortList;
  /** Handlers that are mapped here answer for physical addresses above guest RAM and below 4 GiB. */
  readonly mmio: VmmMmioList;
  /**
   * Guest memory and interrupts for the function at `address`: whatever line it names, it drives the one that its
   * pin is wired to.
   * @param pin 1 to 4 for INTA# to INTD#
   * @throws V86RangeError for a slot or pin that there is not
   */
  vmFor(address: PciAddress, pin: number): Vm;
  /**
   * The interrupt line of `vm` that a function's pin is wired to.
   * @throws V86RangeError for a slot or pin that there is not
   */
  lineOf(address: PciAddress, pin: number): number;
  /** The ISA interrupt that a line reaches now, as the guest has routed it, or -1 for none. */
  irqOf(line: number): number;
  /**
   * Where `pci.addEntry` would put the next function.
   * @throws V86RangeError where no slot is free
   */
  freeAddress(): PciAddress;
  /** Calls `listener` after each time slice of the guest, for what must be polled. Answers what ends it. */
  onSlice(listener: () => void): () => void;
  /** Calls `listener` when the machine was reset, after `pci.reset()`. Answers what ends it. */
  onReset(listener: () => void): () => void;
  /**
   * What is vmmkit's of the machine: all functions, and levels of interrupt lines. It belongs together with what v86's
   * `save_state` answers in the same turn: `saveState` puts both into one buffer.
   */
  save(): V86MachineState;
  /** See `Saveable.prepare`. `apply` comes after v86's `restore_state`. */
  prepare(state: unknown): Restoration;
  /**
   * Brings the functions to where `save` found them, after v86's `restore_state`. Or see `restoreState`.
   * @throws TypeError, RangeError naming what is wrong with the state; then nothing has changed
   */
  restore(state: unknown): void;
  /**
   * Takes everything out of the emulator again: ports, interrupt levels, hooks. Functions that were added are gone
   * from the guest's bus. A second call does nothing.
   */
  detach(): void;
}
