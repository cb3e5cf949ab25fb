import { type InterruptController, type Restoration, stateInteger, stateRecord } from "@vmmkit/vm";
import type { PciBar } from "./bar-registers.ts";
import { PciDefinitionError } from "./errors.ts";
import { MsixTable } from "./msix-table.ts";
import { allOnes, cut, type EntryState, isConfigAccess, type PciEntry, prepareBelow, saveBelow } from "./pci-entry.ts";
import type { PciRegion } from "./pci-function.ts";
import * as spec from "./spec.ts";

/** Where a function has its MSI-X, and how much. */
export interface MsixOptions {
  /** Offset of the capability in configuration space: 12 bytes, 0x40 to 0xf4 in steps of 4. */
  readonly at: number;
  /** 1 to 2048. */
  readonly vectors: number;
  /** BAR with the table and the pending bits, `region` behind it: 0 to 5. */
  readonly bar: number;
  /** Told when the guest turned MSI-X on or off. */
  readonly onEnable?: (enabled: boolean) => void;
}

/** An entry with MSI-X. */
export interface MsixEntry extends PciEntry {
  /** What belongs behind the BAR: the table, and the pending bits. */
  readonly region: PciRegion;
  /** How many vectors it has. */
  readonly vectors: number;
  /** Whether the guest turned MSI-X on. The function must not use its interrupt pin then. */
  readonly enabled: boolean;
  /** Sends a vector's message, or remembers it while the vector or the function is masked. Nothing while it is off. */
  signal(vector: number): void;
  reset(): void;
  save(): EntryState;
  prepare(state: unknown): Restoration;
}

/** Message control: bits 10 to 0 are the table's size less one. */
const CONTROL = 2;
const CONTROL_ENABLE = 0x8000;
const CONTROL_MASK_ALL = 0x4000;
const CONTROL_BITS = CONTROL_ENABLE | CONTROL_MASK_ALL;
const TABLE = 4;
const PENDING = 8;
const MOST_VECTORS = 2048;

/**
 * Gives an entry message-signalled interrupts (PCI Local Bus Specification 3.0, 6.8.2): the capability at `options.at`,
 * and behind a BAR a table of messages, each of which the guest can mask, and a bit for each that waits. The capability
 * has to be in the entry's list: `capEmulation` puts it there; its pointer to the next one is the entry's own.
 *
 * Where the VMM keeps the table itself (`signalVector`) it also does the masking.
 * @param interrupts a controller with `signalMessage` or `signalVector`
 * @throws PciDefinitionError for a place or a number of vectors that cannot be, and for a controller without messages
 */
export function msixEmulation(entry: PciEntry, interrupts: InterruptController, options: MsixOptions): MsixEntry {
  return new Msix(entry, interrupts, options);
}

/** Whether a VMM has message-signalled interrupts. */
export function hasMessages(interrupts: InterruptController): boolean {
  return interrupts.signalMessage !== undefined || interrupts.signalVector !== undefined;
}

class Msix implements MsixEntry {
  readonly vectors: number;
  readonly region: PciRegion;
  readonly #below: PciEntry;
  readonly #interrupts: InterruptController;
  readonly #at: number;
  readonly #bar: number;
  readonly #onEnable: ((enabled: boolean) => void) | undefined;
  readonly #table: MsixTable;
  #control = 0;

  constructor(below: PciEntry, interrupts: InterruptController, options: MsixOptions) {
    check(interrupts, options);
    this.#below = below;
    this.#interrupts = interrupts;
    this.#at = options.at;
    this.#bar = options.bar;
    this.#onEnable = options.onEnable;
    this.vectors = options.vectors;
    this.#table = new MsixTable(options.vectors, (low, high, data) => interrupts.signalMessage?.(low, high, data));
    const table = this.#table;
    const bar: PciBar = { kind: "mem32", address: 0, sizeBits: table.sizeBits };
    this.region = {
      bar,
      read: (offset, size) => table.read(offset, size),
      write: (offset, size, value) => table.write(offset, size, value),
    };
  }

  get enabled(): boolean {
    return (this.#control & CONTROL_ENABLE) !== 0;
  }

  /** Whether messages that are not masked one by one go out. */
  #sending(): boolean {
    return this.enabled && (this.#control & CONTROL_MASK_ALL) === 0;
  }

  signal(vector: number): void {
    if (!this.enabled) return;
    if (this.#interrupts.signalVector === undefined) this.#table.signal(vector);
    else if (vector < this.vectors) this.#interrupts.signalVector(vector);
  }

  ioRead(offset: number, size: number): number {
    if (!isConfigAccess(offset, size)) return allOnes(size);
    const at = offset - this.#at;
    if (at < 0 || at >= spec.PCI_CAP_MSIX_SIZEOF) return this.#below.ioRead(offset, size);
    // An aligned access lies within one of the capability's three words.
    return cut(this.#word(at & ~3) >>> (8 * (at & 3)), size);
  }

  ioWrite(offset: number, size: number, value: number): void {
    if (!isConfigAccess(offset, size)) return;
    const at = offset - this.#at;
    if (at < 0 || at >= spec.PCI_CAP_MSIX_SIZEOF) {
      this.#below.ioWrite(offset, size, value);
    } else if (at < TABLE) {
      const mask = allOnes(size) << (8 * at);
      const word = (this.#control << (8 * CONTROL)) & ~mask;
      this.#writeControl((word | ((value << (8 * at)) & mask)) >>> (8 * CONTROL));
    }
  }

  reset(): void {
    this.#below.reset?.();
    this.#table.reset();
    this.#writeControl(0);
  }

  save(): EntryState {
    return { ...saveBelow(this.#below), msix: { control: this.#control, ...this.#table.save() } };
  }

  prepare(state: unknown): Restoration {
    const { msix } = stateRecord("state", state);
    const { control: saved, table, pending } = stateRecord("msix", msix);
    const control = stateInteger("msix.control", saved, 0, 0xffff) & CONTROL_BITS;
    const load = this.#table.prepare({ table, pending });
    return prepareBelow(this.#below, state, {
      apply: () => {
        load();
        this.#control = control;
      },
      // What waits and is not masked goes out now.
      resume: () => this.#table.setSending(this.#sending()),
    });
  }

  #word(at: number): number {
    if (at === TABLE) return this.#bar;
    if (at === PENDING) return this.#table.pendingOffset | this.#bar;
    const next = this.#below.ioRead(this.#at + spec.PCI_CAP_LIST_NEXT, 1);
    return (spec.PCI_CAP_ID_MSIX | (next << 8) | ((this.#control | (this.vectors - 1)) << (8 * CONTROL))) >>> 0;
  }

  #writeControl(value: number): void {
    const before = this.enabled;
    this.#control = value & CONTROL_BITS;
    this.#table.setSending(this.#sending());
    if (this.enabled !== before) this.#onEnable?.(this.enabled);
  }
}

function check(interrupts: InterruptController, options: MsixOptions): void {
  const { at, vectors, bar } = options;
  if (!hasMessages(interrupts)) {
    throw new PciDefinitionError('"interrupts" expected "signalMessage" or "signalVector", got neither');
  }
  const last = spec.PCI_CONFIG_SPACE_BYTES - spec.PCI_CAP_MSIX_SIZEOF;
  if (!Number.isInteger(at) || at % 4 !== 0 || at < spec.PCI_STD_HEADER_SIZEOF || at > last) {
    throw new PciDefinitionError(`"at" expected a multiple of 4 from 0x40 to 0x${last.toString(16)}, got ${at}`);
  }
  if (!Number.isInteger(vectors) || vectors < 1 || vectors > MOST_VECTORS) {
    throw new PciDefinitionError(`"vectors" expected 1 to ${MOST_VECTORS}, got ${vectors}`);
  }
  if (!Number.isInteger(bar) || bar < 0 || bar >= spec.PCI_BARS) {
    throw new PciDefinitionError(`"bar" expected 0 to 5, got ${bar}`);
  }
}
