import type { PciAddress } from "@vmmkit/pci";

/** What a caller may choose beyond the eight parameters of the C original. */
export interface VirtioNetOptions {
  /** The card's name in messages. Default "virtio-net". */
  readonly name?: string;
  /** Where it is on PCI bus 0. Default the first free device. */
  readonly pciAddress?: PciAddress;
  /** Entries of the receive queue: a power of two from 2 to 32768. Default 256; iPXE takes no more than that. */
  readonly rxQueueSize?: number;
  /** Entries of the transmit queue: likewise. Default 256. */
  readonly txQueueSize?: number;
  /** Features that are not to be offered although the card and its backend could. */
  readonly without?: readonly VirtioNetFeature[];
  /** The line that `vm.interrupts.setLine` gets for the card's pin. Default: the interrupt line parameter. */
  readonly irqLine?: number;
  /**
   * Whether the transmit queue may be looked after at the end of the guest's time slices instead of being notified of
   * each frame, where that moves more frames. Default true; it needs `Vm.onSlice`.
   */
  readonly poll?: boolean;
  /** One line for people when the guest broke a queue. Default: nobody is told; counters and status say it. */
  readonly log?: (line: string) => void;
}

/** A feature that can be left out, by its specification's name without VIRTIO_NET_F_ or VIRTIO_F_. */
export type VirtioNetFeature = "MTU" | "STATUS" | "MRG_RXBUF" | "ANY_LAYOUT" | "INDIRECT_DESC" | "EVENT_IDX";

/** Entries of a queue where the caller does not say. */
const DEFAULT_QUEUE_SIZE = 256;

/** The size of a queue. @throws RangeError for one that VIRTIO does not have */
export function checkQueueSize(name: string, size: number = DEFAULT_QUEUE_SIZE): number {
  if (!Number.isInteger(size) || size < 2 || size > 32768 || (size & (size - 1)) !== 0) {
    throw new RangeError(`"${name}" expected a power of two from 2 to 32768, got ${size}`);
  }
  return size;
}
