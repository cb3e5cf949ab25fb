import {
  type BarEntry,
  barEmulation,
  deviceEntry,
  type EntryState,
  hasMessages,
  type IntxEntry,
  intxEmulation,
  type MsixEntry,
  msixEmulation,
  type PciBar,
  type PciBarWindow,
  type PciDeviceDef,
  type PciEntry,
  type PciFunction,
  type PciRegion,
} from "@vmmkit/pci";
import { type InterruptController, type Restoration, type Saveable, stateInteger, stateRecord } from "@vmmkit/vm";
import type { DeviceState } from "../device-state.ts";
import * as spec from "../spec.ts";
import { VirtioEmul } from "../virtio-emul.ts";
import { CfgWindow } from "./cfg-window.ts";
import type { ModernRegistersState } from "./modern-registers.ts";
import { MODERN_BAR_BITS, ModernPciTransport } from "./pci-modern.ts";
import { PciVectors, type PciVectorsState } from "./pci-vectors.ts";
import { virtioCapabilities } from "./virtio-caps.ts";

/** Which interfaces a virtio PCI function has (VIRTIO 1.2, 4.1.2.1): the legacy one, both, or the modern one. */
export type VirtioPciKind = "legacy" | "transitional" | "modern";

/** What a virtio device's PCI function is to look like. */
export interface VirtioPciOptions {
  readonly kind: VirtioPciKind;
  /** Whether it has MSI-X, with a vector for each queue and one for changes of configuration. */
  readonly msix: boolean;
  /** PCI class, as 2 for a network controller. */
  readonly classCode: number;
  /** 1 to 4 for INTA# to INTD#. */
  readonly interruptPin: number;
  /** What the interrupt line register says at first. */
  readonly interruptLine: number;
  /** The line that `setLine` gets for the pin. */
  readonly irqLine: number;
  /** Where the legacy registers are at first: a multiple of their number. */
  readonly ioAddress: number;
  /** How many ports they take: a power of two from 32 to 256. */
  readonly ioBytes: number;
}

/** The version of `VirtioPciState` that this package writes, and the only one that it reads. */
const STATE_VERSION = 1;

/** A virtio PCI function: a field for each layer of its configuration space, and these. */
export interface VirtioPciState extends EntryState {
  readonly version: number;
  readonly registers: {
    /** `queue_select` of the legacy interface. */
    readonly legacyQueueSelect: number;
    /** Those of the modern one; null where the function has none. */
    readonly modern: ModernRegistersState | null;
    readonly vectors: PciVectorsState;
  };
  /** What the device's `save` answers, or `DeviceState.save`. */
  readonly device: unknown;
}

/** The BARs, as QEMU has them: drivers have seen no other order. */
const LEGACY_BAR = 0;
const MSIX_BAR = 1;
const MODERN_BAR = 4;
const BARS = 6;

/** A virtio device as a PCI function (VIRTIO 1.2, 4.1): configuration space, registers behind BARs, interrupts. */
export class VirtioPciFunction implements PciFunction, Saveable {
  readonly regions: readonly (PciRegion | null)[];
  /** The legacy registers; behind a BAR only where the function has that interface. */
  readonly emul: VirtioEmul;
  onBarChange: ((window: PciBarWindow) => void) | null = null;
  readonly #state: DeviceState;
  readonly #pin: IntxEntry;
  readonly #vectors: PciVectors;
  readonly #modern: ModernPciTransport | null;
  readonly #config: BarEntry;

  /** @throws PciDefinitionError where MSI-X is wanted and the VMM has no messages, RangeError for a device that cannot be */
  constructor(state: DeviceState, interrupts: InterruptController, options: VirtioPciOptions) {
    const isModern = options.kind !== "legacy";
    const caps = virtioCapabilities(isModern ? MODERN_BAR : -1, options.msix);
    const def = { ...definition(state, options), caps: caps.bytes, capsWritable: caps.writable };
    this.#state = state;
    this.#pin = intxEmulation(deviceEntry(def), interrupts, options.irqLine);
    const msix = options.msix ? this.#makeMsix(interrupts, caps.msixAt) : null;
    this.#vectors = new PciVectors(state, msix);
    this.emul = new VirtioEmul(state, this.#vectors);
    const regions = new Array<PciRegion | null>(BARS).fill(null);
    if (options.kind !== "modern") regions[LEGACY_BAR] = legacyRegion(this.emul, options);
    if (msix !== null) regions[MSIX_BAR] = msix.region;
    this.#modern = isModern ? new ModernPciTransport(state, this.#vectors) : null;
    if (this.#modern !== null) regions[MODERN_BAR] = modernRegion(this.#modern);
    this.regions = regions;
    const entry: PciEntry = msix ?? this.#pin;
    this.#config = barEmulation(isModern ? new CfgWindow(entry, caps.windowAt, regions) : entry, barsOf(regions), {
      onBarChange: (window) => this.onBarChange?.(window),
    });
  }

  /** Whether a VMM's interrupts are enough for MSI-X. */
  static canHaveMsix(interrupts: InterruptController): boolean {
    return hasMessages(interrupts);
  }

  ioRead(offset: number, size: number): number {
    return this.#config.ioRead(offset, size);
  }

  ioWrite(offset: number, size: number, value: number): void {
    this.#config.ioWrite(offset, size, value);
  }

  bars(): PciBarWindow[] {
    return this.#config.bars();
  }

  /** Power-on: of the device, its registers and its configuration space. */
  reset(): void {
    this.#state.reset();
    this.#config.reset();
  }

  /** The function and the device behind it: command register, BARs, MSI-X, the registers' contents, queues. */
  save(): VirtioPciState {
    const { device } = this.#state;
    return {
      ...this.#config.save(),
      version: STATE_VERSION,
      registers: {
        legacyQueueSelect: this.emul.queueSelect,
        modern: this.#modern?.save() ?? null,
        vectors: this.#vectors.save(),
      },
      device: device.save?.() ?? this.#state.save(),
    };
  }

  /** See `Saveable.prepare`. The function has to be of the same kind, with the same BARs and vectors. */
  prepare(state: unknown): Restoration {
    const { version, registers, device: saved, ...config } = stateRecord("state", state);
    stateInteger("version", version, STATE_VERSION, STATE_VERSION);
    // A field too many is a layer that this function lacks, as MSI-X.
    const layers = this.#config.save();
    for (const name of Object.keys(config)) {
      if (!Object.hasOwn(layers, name)) throw new RangeError(`"${name}" is nothing that this function has`);
    }
    const takeRegisters = this.#prepareRegisters(registers);
    const device = this.#state.device.prepare?.(saved) ?? this.#state.prepare(saved);
    const entry = this.#config.prepare(config);
    return {
      apply: () => {
        // The device is reset first, and its registers with it.
        device.apply();
        takeRegisters();
        entry.apply();
      },
      resume: () => {
        entry.resume();
        device.resume();
      },
    };
  }

  /** Interrupts the guest for a queue, or with -1 for a change of configuration. */
  interrupt(irq: number): void {
    if (this.#vectors.enabled) this.#vectors.signal(irq);
    // The pin is high while there is something that the guest has not seen, and never for nothing.
    else if (this.#state.isr !== 0) this.#pin.setLevel(true);
  }

  /** The guest has seen everything. */
  lowerIrq(): void {
    this.#pin.setLevel(false);
  }

  #prepareRegisters(state: unknown): () => void {
    const { legacyQueueSelect, modern, vectors } = stateRecord("registers", state);
    const queueSelect = stateInteger("registers.legacyQueueSelect", legacyQueueSelect, 0, 0xffff);
    const takeVectors = this.#vectors.prepare("registers.vectors", vectors);
    if ((modern === null) !== (this.#modern === null)) {
      throw new RangeError('"registers.modern" expected those of a function with the same interfaces');
    }
    const takeModern = this.#modern?.prepare("registers.modern", modern);
    return () => {
      this.emul.queueSelect = queueSelect;
      takeVectors();
      takeModern?.();
    };
  }

  #makeMsix(interrupts: InterruptController, at: number): MsixEntry {
    return msixEmulation(this.#pin, interrupts, {
      at,
      vectors: this.#state.device.queueSizes.length + 1,
      bar: MSIX_BAR,
      // With MSI-X on the pin is silent (PCI 3.0, 6.8.3.3), and the interrupt status says nothing to anybody.
      onEnable: () => {
        this.#state.isr = 0;
        this.#pin.setLevel(false);
      },
    });
  }
}

/** The BARs from their regions. A `mem64` takes two registers, and its second is not in the list. */
function barsOf(regions: readonly (PciRegion | null)[]): (PciBar | null)[] {
  const bars: (PciBar | null)[] = [];
  for (let index = 0; index < regions.length; index++) {
    const bar = regions[index]?.bar ?? null;
    bars.push(bar);
    if (bar?.kind === "mem64") index++;
  }
  return bars;
}

function legacyRegion(emul: VirtioEmul, options: VirtioPciOptions): PciRegion {
  return {
    bar: { kind: "io", address: options.ioAddress, sizeBits: Math.log2(options.ioBytes) },
    read: (offset, size) => emul.ioIn(offset, size),
    write: (offset, size, value) => emul.ioOut(offset, size, value),
  };
}

function modernRegion(transport: ModernPciTransport): PciRegion {
  return {
    bar: { kind: "mem64", prefetchable: true, address: 0, sizeBits: MODERN_BAR_BITS },
    read: (offset, size) => transport.read(offset, size),
    write: (offset, size, value) => transport.write(offset, size, value),
  };
}

function definition(state: DeviceState, options: VirtioPciOptions): PciDeviceDef {
  const type = state.device.deviceId;
  const isModernOnly = options.kind === "modern";
  return {
    vendorId: spec.VIRTIO_PCI_VENDOR_ID,
    deviceId: isModernOnly ? spec.VIRTIO_PCI_DEVICE_ID_MODERN + type : transitionalDeviceId(type),
    revisionId: isModernOnly ? spec.VIRTIO_PCI_REVISION_MODERN : spec.VIRTIO_PCI_REVISION_LEGACY,
    classCode: options.classCode,
    subsystemVendorId: spec.VIRTIO_PCI_VENDOR_ID,
    subsystemId: isModernOnly ? spec.VIRTIO_PCI_SUBSYSTEM_ID_MODERN + type : type,
    interruptPin: options.interruptPin,
    interruptLine: options.interruptLine,
  };
}

/** PCI device ids of transitional devices (4.1.2.1): they are not in the order of the device types. */
const TRANSITIONAL_IDS: ReadonlyMap<number, number> = new Map([
  [spec.VIRTIO_ID_NET, spec.VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET],
]);

function transitionalDeviceId(type: number): number {
  const id = TRANSITIONAL_IDS.get(type);
  if (id !== undefined) return id;
  throw new RangeError(`"device.deviceId" expected a type with a transitional PCI id, got ${type}`);
}
