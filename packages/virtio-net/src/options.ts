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
  /**
   * Whether the card computes checksums and cuts long frames into segments where the receiver of a frame, a backend or
   * the guest, does not take them as they are. Default true. Otherwise the guest is offered what the backend does, and
   * a received frame that the guest did not agree to is dropped.
   */
  readonly softwareOffloads?: boolean;
  /** The line that `vm.interrupts.setLine` gets for the card's pin. Default: the interrupt line parameter. */
  readonly irqLine?: number;
  /** One line for people when the guest broke a queue. Default: nobody is told; counters and status say it. */
  readonly log?: (line: string) => void;
}

/** A feature that can be left out, by its specification's name without VIRTIO_NET_F_ or VIRTIO_F_. */
export type VirtioNetFeature =
  | "CSUM"
  | "GUEST_CSUM"
  | "MTU"
  | "GUEST_TSO4"
  | "GUEST_TSO6"
  | "GUEST_ECN"
  | "GUEST_UFO"
  | "HOST_TSO4"
  | "HOST_TSO6"
  | "HOST_ECN"
  | "HOST_UFO"
  | "MRG_RXBUF"
  | "STATUS"
  | "ANY_LAYOUT"
  | "INDIRECT_DESC"
  | "EVENT_IDX"
  | "GUEST_USO4"
  | "GUEST_USO6"
  | "HOST_USO"
  | "GUEST_HDRLEN";

/** Entries of a queue where the caller does not say. */
const DEFAULT_QUEUE_SIZE = 256;

/** The size of a queue. @throws RangeError for one that VIRTIO does not have */
export function checkQueueSize(name: string, size: number = DEFAULT_QUEUE_SIZE): number {
  if (!Number.isInteger(size) || size < 2 || size > 32768 || (size & (size - 1)) !== 0) {
    throw new RangeError(`"${name}" expected a power of two from 2 to 32768, got ${size}`);
  }
  return size;
}
