import {
  type BarEntry,
  barEmulation,
  deviceEntry,
  type IntxEntry,
  intxEmulation,
  type PciBarWindow,
  type PciEntry,
  type PciFunction,
  type PciRegion,
} from "@vmmkit/pci";
import type { InterruptController } from "@vmmkit/vm";
import * as spec from "../spec.ts";
import type { VirtioEmul } from "../virtio-emul.ts";

/** What a virtio device's PCI function is to look like. */
export interface VirtioPciOptions {
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

/** A virtio device as a PCI function (VIRTIO 1.2, 4.1): configuration space, registers behind BARs, interrupts. */
export class VirtioPciFunction implements PciFunction {
  readonly regions: readonly (PciRegion | null)[];
  onBarChange: ((window: PciBarWindow) => void) | null = null;
  readonly #emul: VirtioEmul;
  readonly #pin: IntxEntry;
  readonly #config: BarEntry;

  constructor(emul: VirtioEmul, interrupts: InterruptController, options: VirtioPciOptions) {
    this.#emul = emul;
    this.#pin = intxEmulation(headerEntry(emul, options), interrupts, options.irqLine);
    this.regions = [this.#legacyRegion(options), null, null, null, null, null];
    this.#config = barEmulation(
      this.#pin,
      this.regions.map((region) => region?.bar ?? null),
      { onBarChange: (window) => this.onBarChange?.(window) },
    );
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
    this.#emul.reset();
    this.#config.reset();
  }

  /** Interrupts the guest for a queue, or with -1 for a change of configuration. */
  interrupt(_irq: number): void {
    // The pin is high while there is something that the guest has not seen, and never for nothing.
    if (this.#emul.state.isr !== 0) this.#pin.setLevel(true);
  }

  /** The guest has seen everything. */
  lowerIrq(): void {
    this.#pin.setLevel(false);
  }

  #legacyRegion(options: VirtioPciOptions): PciRegion {
    const emul = this.#emul;
    return {
      bar: { kind: "io", address: options.ioAddress, sizeBits: Math.log2(options.ioBytes) },
      read: (offset, size) => emul.ioIn(offset, size),
      write: (offset, size, value) => emul.ioOut(offset, size, value),
    };
  }
}

function headerEntry(emul: VirtioEmul, options: VirtioPciOptions): PciEntry {
  const { deviceId } = emul.state.device;
  return deviceEntry({
    vendorId: spec.VIRTIO_PCI_VENDOR_ID,
    deviceId: transitionalDeviceId(deviceId),
    revisionId: spec.VIRTIO_PCI_REVISION_LEGACY,
    classCode: options.classCode,
    subsystemVendorId: spec.VIRTIO_PCI_VENDOR_ID,
    subsystemId: deviceId,
    interruptPin: options.interruptPin,
    interruptLine: options.interruptLine,
  });
}

/** PCI device ids of transitional devices (4.1.2.1): they are not in the order of the device types. */
const TRANSITIONAL_IDS: ReadonlyMap<number, number> = new Map([
  [spec.VIRTIO_ID_NET, spec.VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET],
]);

function transitionalDeviceId(deviceId: number): number {
  const id = TRANSITIONAL_IDS.get(deviceId);
  if (id !== undefined) return id;
  throw new RangeError(`"device.deviceId" expected a type with a transitional PCI id, got ${deviceId}`);
}
