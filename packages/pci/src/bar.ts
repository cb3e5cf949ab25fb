import { type Restoration, stateIntegers, stateList, stateRecord } from "@vmmkit/vm";
import { BarRegisters, type PciBar, type PciBarWindow } from "./bar-registers.ts";
import { PciDefinitionError } from "./errors.ts";
import { allOnes, cut, type EntryState, isConfigAccess, type PciEntry, prepareBelow, saveBelow } from "./pci-entry.ts";
import { PCI_BARS, PCI_BASE_ADDRESS_0, PCI_COMMAND } from "./spec.ts";

const ONES = 0xffff_ffff;

/** Options of `barEmulation`. */
export interface BarOptions {
  /**
   * Told when a BAR's `address` or `enabled` changed: the VMM takes the old window away and, where `enabled`, puts
   * the new one up. Called in the guest's write; not called for the initial state, which `bars()` tells.
   */
  readonly onBarChange?: (window: PciBarWindow) => void;
}

/** An entry with BARs. */
export interface BarEntry extends PciEntry {
  /** Where the BARs are now, in the order of their registers. */
  bars(): PciBarWindow[];
  reset(): void;
  save(): EntryState;
  /** The windows follow in `apply`: `onBarChange` is told. */
  prepare(state: unknown): Restoration;
}

/**
 * Gives an entry base address registers that the guest can size and move (C original:
 * `vmm_pci_create_bar_emulation`). All six registers are the wrapper's; those without a BAR read 0. Whether windows
 * are enabled is read from the entry's own command register.
 *
 * The guest learns a size by writing all ones; some do that with decoding on. Hardware then decodes the topmost
 * addresses for a moment. Here the window is not enabled as long as the register holds that pattern, and is back when
 * the address is written back. Nor is a window ever enabled at address 0, or one of I/O ports behind 0xffff.
 * A guest that writes a BAR in parts with decoding on moves it with each part, as on hardware.
 * @param bars one after the other from register 0 on; a `mem64` takes two registers, null leaves one free
 * @throws PciDefinitionError for BARs that cannot be, or more than six registers
 */
export function barEmulation(entry: PciEntry, bars: readonly (PciBar | null)[], options: BarOptions = {}): BarEntry {
  return new EmulatedBars(entry, bars, options);
}

class EmulatedBars implements BarEntry {
  readonly #below: PciEntry;
  readonly #bars: BarRegisters[] = [];
  /** Which BAR has each of the six registers. */
  readonly #owner: (BarRegisters | undefined)[] = [];
  readonly #onBarChange: ((window: PciBarWindow) => void) | undefined;
  /** What was last told of each BAR. */
  #told: PciBarWindow[];

  constructor(below: PciEntry, bars: readonly (PciBar | null)[], options: BarOptions) {
    this.#below = below;
    this.#onBarChange = options.onBarChange;
    for (const bar of bars) this.#add(bar);
    if (this.#owner.length > PCI_BARS) {
      throw new PciDefinitionError(`"bars" expected at most ${PCI_BARS} registers, got ${this.#owner.length}`);
    }
    this.#told = this.bars();
  }

  bars(): PciBarWindow[] {
    const command = this.#below.ioRead(PCI_COMMAND, 2);
    return this.#bars.map((bar) => bar.window(command));
  }

  ioRead(offset: number, size: number): number {
    if (!isConfigAccess(offset, size)) return allOnes(size);
    const register = registerAt(offset);
    if (register < 0) return this.#below.ioRead(offset, size);
    return cut(this.#read(register) >>> (8 * (offset % 4)), size);
  }

  ioWrite(offset: number, size: number, value: number): void {
    if (!isConfigAccess(offset, size)) return;
    const register = registerAt(offset);
    if (register >= 0) this.#write(register, offset % 4, size, value);
    else this.#below.ioWrite(offset, size, value);
    // An aligned access touches the command register exactly when it lies in the first register's four bytes.
    if (register >= 0 || offset >> 2 === PCI_COMMAND >> 2) this.#tell();
  }

  reset(): void {
    this.#below.reset?.();
    for (const bar of this.#bars) bar.reset();
    this.#tell();
  }

  save(): EntryState {
    return { ...saveBelow(this.#below), bars: this.#bars.map(({ written }) => [...written]) };
  }

  prepare(state: unknown): Restoration {
    const { bars } = stateRecord("state", state);
    const saved = stateList("bars", bars, this.#bars.length);
    const all = this.#bars.map((bar, i) => ({
      bar,
      written: stateIntegers(`bars[${i}]`, saved[i], bar.registers, bar.registers, ONES),
    }));
    return prepareBelow(this.#below, state, {
      apply: () => {
        for (const { bar, written } of all) {
          for (const [register, value] of written.entries()) bar.write(register, value, ONES);
        }
        this.#tell();
      },
    });
  }

  #add(bar: PciBar | null): void {
    const index = this.#owner.length;
    if (bar === null) {
      this.#owner.push(undefined);
      return;
    }
    const registers = new BarRegisters(bar, index);
    this.#bars.push(registers);
    for (let i = 0; i < registers.registers; i++) this.#owner.push(registers);
  }

  #read(register: number): number {
    const bar = this.#owner[register];
    return bar === undefined ? 0 : bar.read(register - bar.index);
  }

  /** Puts `size` bytes into the register from byte `at` on, and leaves the others as they are. */
  #write(register: number, at: number, size: number, value: number): void {
    const bar = this.#owner[register];
    if (bar === undefined) return;
    bar.write(register - bar.index, value << (8 * at), allOnes(size) << (8 * at));
  }

  #tell(): void {
    const before = this.#told;
    const now = this.bars();
    this.#told = now;
    now.forEach((window, i) => {
      const old = before[i];
      if (old?.address !== window.address || old.enabled !== window.enabled) this.#onBarChange?.(window);
    });
  }
}

/** Which BAR register an offset lies in, or -1. */
function registerAt(offset: number): number {
  const register = (offset - PCI_BASE_ADDRESS_0) >> 2;
  return register >= 0 && register < PCI_BARS ? register : -1;
}
