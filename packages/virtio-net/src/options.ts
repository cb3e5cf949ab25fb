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
  /** Entries of the control queue: likewise. Default 64. A driver without MQ and RSS gets the third queue's size. */
  readonly ctrlQueueSize?: number;
  /**
   * Queue pairs, as many as the backend has (the default) or fewer. Where it has one, any number up to 256: the card
   * then chooses the receive queue of each flow.
   */
  readonly queuePairs?: number;
  /** What the link says of its speed; SPEED_DUPLEX is offered with it. Default: nothing. */
  readonly speed?: LinkSpeed;
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
   * each frame, as long as that does not move fewer bytes. Default true; it needs `Vm.onSlice`.
   */
  readonly poll?: boolean;
  /**
   * Whether interrupts are gathered until the guest's time slice is over, but for the first of received frames. False:
   * each is raised at once, for a guest that computes without a rest and has to see every frame without delay, at a
   * multiple of the cost. Default true; it needs `Vm.defer`.
   */
  readonly gatherInterrupts?: boolean;
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
  | "CTRL_GUEST_OFFLOADS"
  | "RING_RESET"
  | "CTRL_VQ"
  | "CTRL_RX"
  | "CTRL_RX_EXTRA"
  | "CTRL_VLAN"
  | "CTRL_MAC_ADDR"
  | "GUEST_ANNOUNCE"
  | "MQ"
  | "RSS"
  | "NOTF_COAL"
  | "VQ_NOTF_COAL"
  | "SPEED_DUPLEX";

/**
 * A feature that can be asked for, named likewise. With HASH_REPORT the card calculates the hash of each received
 * frame for a driver that takes it, which costs more than it saves where it is done in software.
 */
export type VirtioNetExtraFeature = "NOTIFICATION_DATA" | "HASH_REPORT";

/** How fast a link says it is. Nothing is slowed down to it. */
export interface LinkSpeed {
  /** Mbit/s, 0 to 2147483647. */
  readonly mbps: number;
  /** Default: not known. */
  readonly duplex?: "full" | "half";
}

/** Entries of a queue where the caller does not say. */
const DEFAULT_QUEUE_SIZE = 256;
/** Entries of the control queue where the caller does not say. */
const DEFAULT_CTRL_QUEUE_SIZE = 64;
/** Most queue pairs of a card whose backend has one. */
const MOST_PAIRS = 256;

/** Entries of a card's queues. */
export interface QueueSizes {
  readonly receive: number;
  readonly transmit: number;
  readonly control: number;
}

/** The sizes of a card's queues. @throws RangeError for one that VIRTIO does not have */
export function checkQueueSizes(options: NetDeviceOptions): QueueSizes {
  return {
    receive: checkQueueSize("rxQueueSize", options.rxQueueSize),
    transmit: checkQueueSize("txQueueSize", options.txQueueSize),
    control: checkQueueSize("ctrlQueueSize", options.ctrlQueueSize ?? DEFAULT_CTRL_QUEUE_SIZE),
  };
}

/** The size of a queue. @throws RangeError for one that VIRTIO does not have */
function checkQueueSize(name: string, size: number = DEFAULT_QUEUE_SIZE): number {
  if (!Number.isInteger(size) || size < 2 || size > 32768 || (size & (size - 1)) !== 0) {
    throw new RangeError(`"${name}" expected a power of two from 2 to 32768, got ${size}`);
  }
  return size;
}

/** How many queue pairs a card has. @throws RangeError where the backend cannot have as many */
export function checkQueuePairs(wanted: number | undefined, backendPairs: number): number {
  const most = backendPairs === 1 ? MOST_PAIRS : backendPairs;
  const pairs = wanted ?? backendPairs;
  if (!Number.isInteger(pairs) || pairs < 1 || pairs > most) {
    throw new RangeError(`"queuePairs" expected 1 to ${most}, got ${pairs}`);
  }
  return pairs;
}

/** @throws RangeError, TypeError for a speed that the configuration cannot say */
export function checkSpeed(speed: LinkSpeed | undefined): LinkSpeed | undefined {
  if (speed === undefined) return undefined;
  if (!Number.isInteger(speed.mbps) || speed.mbps < 0 || speed.mbps > 0x7fff_ffff) {
    throw new RangeError(`"speed.mbps" expected 0 to 2147483647, got ${speed.mbps}`);
  }
  if (speed.duplex !== undefined && speed.duplex !== "full" && speed.duplex !== "half") {
    throw new TypeError(`"speed.duplex" expected "full" or "half", got "${String(speed.duplex)}"`);
  }
  return speed;
}
