import type { PciAddress } from "@vmmkit/pci";

/** What a caller may choose of a network device, whatever its transport. */
export interface NetDeviceOptions {
  /** The card's name in messages. Default "virtio-net". */
  readonly name?: string;
  /** Entries of the receive queue: a power of two from 2 to 32768. Default 256; iPXE takes no more than that. */
  readonly rxQueueSize?: number;
  /** Entries of the transmit queue: likewise. Default 256. */
  readonly txQueueSize?: number;
  /** Features that are not to be offered although the card and its backend could. */
  readonly without?: readonly VirtioNetFeature[];
  /** Features that are offered only on request, as drivers seldom gain by them. */
  readonly with?: readonly VirtioNetExtraFeature[];
  /** One line for people when the guest broke a queue. Default: nobody is told; counters and status say it. */
  readonly log?: (line: string) => void;
}

/** What a caller may choose of a card that is a PCI function. */
export interface VirtioNetPciOptions extends NetDeviceOptions {
  /** The line that `vm.interrupts.setLine` gets for the card's pin. Default: what the interrupt line register says. */
  readonly irqLine?: number;
}

/** What a caller of `commonMakeVirtioNet` may choose beyond the eight parameters of the C original. */
export interface VirtioNetOptions extends VirtioNetPciOptions {
  /** Where it is on PCI bus 0. Default the first free device. */
  readonly pciAddress?: PciAddress;
}

/** What a caller of `makeVirtioNetFunction` may choose. */
export interface VirtioNetFunctionOptions extends VirtioNetPciOptions {
  /** 1 to 4 for INTA# to INTD#. Default 1. */
  readonly interruptPin?: number;
  /** What the interrupt line register says at first. Default 0. */
  readonly interruptLine?: number;
  /** First port of the legacy registers after a reset. Default 0: nowhere, until the guest gives them a place. */
  readonly ioAddress?: number;
  /** How many ports they take: a power of two from 32 to 256. Default 32. */
  readonly ioBytes?: number;
}

/** A feature that can be left out, by its specification's name without VIRTIO_NET_F_ or VIRTIO_F_. */
export type VirtioNetFeature =
  | "MTU"
  | "STATUS"
  | "MRG_RXBUF"
  | "ANY_LAYOUT"
  | "INDIRECT_DESC"
  | "EVENT_IDX"
  | "RING_RESET";

/** A feature that can be asked for, named likewise. */
export type VirtioNetExtraFeature = "NOTIFICATION_DATA";

/** Entries of a queue where the caller does not say. */
const DEFAULT_QUEUE_SIZE = 256;

/** The size of a queue. @throws RangeError for one that VIRTIO does not have */
export function checkQueueSize(name: string, size: number = DEFAULT_QUEUE_SIZE): number {
  if (!Number.isInteger(size) || size < 2 || size > 32768 || (size & (size - 1)) !== 0) {
    throw new RangeError(`"${name}" expected a power of two from 2 to 32768, got ${size}`);
  }
  return size;
}
