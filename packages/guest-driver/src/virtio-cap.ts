import { DriverError } from "./errors.ts";
import type { BarInfo, PciFunction } from "./pci-function.ts";

/** A vendor capability of a virtio function (VIRTIO 1.2, 4.1.4): where one of its structures is. */
export interface VirtioCap {
  /** VIRTIO_PCI_CAP_*. */
  readonly cfgType: number;
  /** Offset of the capability in configuration space. */
  readonly at: number;
  /** The BAR that the structure is behind. */
  readonly bar: number;
  /** Where it starts behind the BAR. */
  readonly offset: number;
  /** Its bytes. */
  readonly length: number;
}

const VENDOR_CAPABILITY = 9;

/** All virtio capabilities of a function, in the order of the list. */
export function virtioCaps(func: PciFunction): VirtioCap[] {
  return func
    .capabilities()
    .filter(({ id }) => id === VENDOR_CAPABILITY)
    .map(({ offset: at }) => ({
      cfgType: func.read(at + 3, 1),
      at,
      bar: func.read(at + 4, 1),
      offset: func.read(at + 8, 4),
      length: func.read(at + 12, 4),
    }));
}

/** A place behind a BAR as a guest physical address. @throws DriverError where that BAR is no memory */
export function addressOf(bars: readonly BarInfo[], bar: number, offset: number): number {
  const found = bars.find(({ index }) => index === bar);
  if (found === undefined || found.kind === "io") throw new DriverError(`BAR ${bar} is not memory`);
  return found.address + offset;
}
