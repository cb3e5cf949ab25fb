import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_NET_F_CSUM,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_ECN,
  VIRTIO_NET_F_GUEST_HDRLEN,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_GUEST_UFO,
  VIRTIO_NET_F_GUEST_USO4,
  VIRTIO_NET_F_GUEST_USO6,
  VIRTIO_NET_F_HOST_ECN,
  VIRTIO_NET_F_HOST_TSO4,
  VIRTIO_NET_F_HOST_TSO6,
  VIRTIO_NET_F_HOST_UFO,
  VIRTIO_NET_F_HOST_USO,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
} from "@vmmkit/virtio";

/** Feature bits that the driver accepts unless it is told otherwise. */
export const GUEST_NET_FEATURES: readonly number[] = [
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_STATUS,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
];

/** Feature bits of checksum and segmentation offloads, both directions: for drivers that want them. */
export const GUEST_NET_OFFLOADS: readonly number[] = [
  VIRTIO_NET_F_CSUM,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_GUEST_ECN,
  VIRTIO_NET_F_GUEST_UFO,
  VIRTIO_NET_F_HOST_TSO4,
  VIRTIO_NET_F_HOST_TSO6,
  VIRTIO_NET_F_HOST_ECN,
  VIRTIO_NET_F_HOST_UFO,
  VIRTIO_NET_F_GUEST_USO4,
  VIRTIO_NET_F_GUEST_USO6,
  VIRTIO_NET_F_HOST_USO,
  VIRTIO_NET_F_GUEST_HDRLEN,
];

/** How the buffers of one direction look. */
export interface NetBufferOptions {
  /**
   * Bytes of each buffer. Transmit: the longest frame, without header; default 2048. Receive: all, with header;
   * default what a frame of the device's MTU needs, a header and 65550 where long segments were agreed on (5.1.6.3.1), or 2048
   * with MRG_RXBUF.
   */
  readonly bufferBytes?: number;
  /** Entries of the ring, where the driver wants fewer than the device has. Default: as many. Not with the legacy interface. */
  readonly ringSize?: number;
  /** Number of buffers. Default: the size of the ring, at most 1024. */
  readonly buffers?: number;
  /** The header has a descriptor of its own. Default: only where the legacy interface demands it (no ANY_LAYOUT). */
  readonly headerApart?: boolean;
  /** No descriptor is longer than this; longer buffers become chains. Default: no limit. */
  readonly pieceBytes?: number;
}

/** How `GuestNetDriver` drives its device. */
export interface GuestNetOptions {
  /** Feature bits that the driver wants; it accepts those of them that the device offers. Default `GUEST_NET_FEATURES`. */
  readonly features?: readonly number[];
  /** `packed`: the driver wants packed virtqueues (`VIRTIO_F_RING_PACKED`) beside `features`. Default `split`. */
  readonly ring?: "split" | "packed";
  /** The driver wants buffers used in order (`VIRTIO_F_IN_ORDER`) beside `features`. Default false. */
  readonly inOrder?: boolean;
  /**
   * What the driver does about interrupts.
   * - `drain` (default): the handler takes all received frames into a list of its own, and `receive` looks only there.
   *   A device that forgets an interrupt is found out.
   * - `acknowledge`: the handler reads the interrupt status and counts. `receive` looks into the ring, and asks for
   *   the next interrupt once it has found the ring empty.
   * - `off`: the driver asks for no interrupts and polls.
   */
  readonly interrupts?: "drain" | "acknowledge" | "off";
  /** Ask for interrupts for transmitted frames too. Default false: their buffers are reclaimed at the next `send`. */
  readonly txInterrupts?: boolean;
  /** Queue pairs that the driver makes, where MQ or RSS is negotiated. Default 1. The device uses them once it is told to. */
  readonly queuePairs?: number;
  /** Which chains go into indirect tables, if negotiated: none, those longer than one (default), all. */
  readonly indirect?: "never" | "chains" | "always";
  /** Most ranges of a frame given to `send` that still fit an indirect table. Default 16. */
  readonly txRanges?: number;
  /** Transmit buffers. */
  readonly tx?: NetBufferOptions;
  /** Receive buffers. */
  readonly rx?: NetBufferOptions & {
    /** Received buffers are posted again at once. Default true; otherwise `postReceive` does it. */
    readonly autoRefill?: boolean;
  };
}

/** What the driver counts. Only counts up. */
export interface GuestNetCounters {
  /** Notifications sent to the device. */
  kicks: number;
  /** Batches published without one, because the device asked for none. */
  kicksSuppressed: number;
  /** Interrupts that were the device's: its interrupt status was not 0. */
  interrupts: number;
  /** Interrupts that were not. */
  foreignInterrupts: number;
  /** Interrupts for a change of configuration. */
  configInterrupts: number;
  /** Reads of the interrupt status. */
  isrReads: number;
  txFrames: number;
  txBytes: number;
  /** Transmitted frames whose buffers the device has given back. */
  txCompleted: number;
  rxFrames: number;
  /** Payload: without headers. */
  rxBytes: number;
  /** Receive buffers used; more than frames with MRG_RXBUF. */
  rxBuffers: number;
  /** Receive buffers that came back with length 0. */
  rxReturned: number;
}

/** The feature bits that a driver with these options wants. */
export function wantedFeatures(options: GuestNetOptions): readonly number[] {
  const wanted = [...(options.features ?? GUEST_NET_FEATURES)];
  if (options.ring === "packed") wanted.push(VIRTIO_F_RING_PACKED);
  if (options.inOrder === true) wanted.push(VIRTIO_F_IN_ORDER);
  return wanted;
}

/** All zero. */
export function emptyNetCounters(): GuestNetCounters {
  return {
    kicks: 0,
    kicksSuppressed: 0,
    interrupts: 0,
    foreignInterrupts: 0,
    configInterrupts: 0,
    isrReads: 0,
    txFrames: 0,
    txBytes: 0,
    txCompleted: 0,
    rxFrames: 0,
    rxBytes: 0,
    rxBuffers: 0,
    rxReturned: 0,
  };
}
