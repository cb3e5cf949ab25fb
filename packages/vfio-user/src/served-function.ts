import {
  PCI_CAP_ID_MSIX,
  PCI_CAPABILITY_LIST,
  PCI_INTERRUPT_PIN,
  PCI_STATUS,
  PCI_STATUS_CAP_LIST,
  type PciFunction,
} from "@vmmkit/pci";
import type { Poller } from "@vmmkit/posix";
import { GuestMemory, type Vm } from "@vmmkit/vm";
import { Deferred } from "./deferred.ts";
import { DmaTable } from "./dma-table.ts";
import { Interrupts } from "./interrupts.ts";
import { Regions } from "./regions.ts";

/** Bits 10 to 0 of a MSI-X capability's message control: vectors less one (PCI 3.0, 6.8.2.3). */
const MSIX_SIZE_MASK = 0x7ff;

/** A function and the machine that it believes itself in: memory and interrupts are the client's, whoever that is. */
export class ServedFunction {
  readonly device: PciFunction;
  readonly memory: GuestMemory = new GuestMemory();
  readonly dma: DmaTable = new DmaTable(this.memory);
  readonly interrupts: Interrupts;
  readonly regions: Regions;
  /** What the device wants done when the client has its answers. */
  readonly deferred: Deferred = new Deferred();

  /** @param makeFunction called once */
  constructor(makeFunction: (vm: Vm) => PciFunction, poller: Poller) {
    this.interrupts = new Interrupts(poller);
    const { controller } = this.interrupts;
    this.device = makeFunction({
      memory: this.memory,
      interrupts: controller,
      defer: (task) => this.deferred.add(task),
    });
    this.interrupts.setSources(this.device.ioRead(PCI_INTERRUPT_PIN, 1) !== 0, msixVectors(this.device));
    this.regions = new Regions(this.device);
  }

  /** Power-on of the device. The client's mappings and descriptors stay. */
  reset(): void {
    this.device.reset();
    this.interrupts.reset();
  }

  /** The client is gone: so is its memory, and a driver that runs on it. */
  release(): void {
    this.reset();
    this.interrupts.clear();
    this.dma.clear();
  }
}

/** How many MSI-X vectors a function has, 0 without the capability. */
function msixVectors(device: PciFunction): number {
  if ((device.ioRead(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST) === 0) return 0;
  let at = device.ioRead(PCI_CAPABILITY_LIST, 1);
  // A list has at most as many entries as fit behind the header.
  for (let steps = 0; at !== 0 && steps < 48; steps++) {
    if (device.ioRead(at, 1) === PCI_CAP_ID_MSIX) return (device.ioRead(at + 2, 2) & MSIX_SIZE_MASK) + 1;
    at = device.ioRead(at + 1, 1);
  }
  return 0;
}
