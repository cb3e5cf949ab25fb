import type { VmmMmioList } from "@vmmkit/ioport";
import type { PciAddress } from "@vmmkit/pci";
import type { VirtioPciKind } from "@vmmkit/virtio";

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
  /**
   * Whether the card computes checksums and cuts long frames into segments where the receiver of a frame, a backend or
   * the guest, does not take them as they are. Default true. Otherwise the guest is offered what the backend does, and
   * a received frame that the guest did not agree to is dropped.
   */
  readonly softwareOffloads?: boolean;
  /**
   * Whether the transmit queue may be looked after at the end of the guest's time slices instead of being notified of
   * each frame, where that moves more frames. Default true; it needs `Vm.onSlice`.
   */
  readonly poll?: boolean;
  /** One line for people when the guest broke a queue. Default: nobody is told; counters and status say it. */
  readonly log?: (line: string) => void;
}

/** What a caller may choose of a card that is a PCI function. */
export interface VirtioNetPciOptions extends NetDeviceOptions {
  /**
   * Which interfaces the card shows: the legacy one alone (I/O ports), both on one function, or the modern one alone
   * (a memory BAR). Default "transitional", where memory BARs can be mapped; otherwise "legacy".
   */
  readonly transport?: VirtioPciKind;
  /**
   * Whether the card has MSI-X, with a table behind a memory BAR. Default: where the VMM has message-signalled
   * interrupts and memory BARs, and the legacy registers have 64 ports or there are none.
   */
  readonly msix?: boolean;
  /** The line that `vm.interrupts.setLine` gets for the card's pin. Default: what the interrupt line register says. */
  readonly irqLine?: number;
}

/** What a caller of `commonMakeVirtioNet` may choose beyond the eight parameters of the C original. */
export interface VirtioNetOptions extends VirtioNetPciOptions {
  /** Where it is on PCI bus 0. Default the first free device. */
  readonly pciAddress?: PciAddress;
  /** Where memory BARs are mapped. Without it the card has none: it is a legacy card with a pin. */
  readonly mmio?: VmmMmioList;
}

/** What a caller of `makeVirtioNetFunction` may choose. */
export interface VirtioNetFunctionOptions extends VirtioNetPciOptions {
  /** 1 to 4 for INTA# to INTD#. Default 1. */
  readonly interruptPin?: number;
  /** What the interrupt line register says at first. Default 0. */
  readonly interruptLine?: number;
  /** First port of the legacy registers after a reset. Default 0: nowhere, until the guest gives them a place. */
  readonly ioAddress?: number;
  /** How many ports they take: a power of two from 32 to 256. Default 64. */
  readonly ioBytes?: number;
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
  | "GUEST_HDRLEN"
  | "RING_PACKED"
  | "IN_ORDER"
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
