import type { QueueCounters } from "@vmmkit/virtio";
import type { ControlCounters } from "./control/control-counters.ts";
import type { FilterCounters } from "./filter/filter-counters.ts";

/** Frames of one direction. Counts only grow; a reset by the guest leaves them. */
export class TransmitCounters {
  /** Frames handed to the backend. Where the card segments, each segment is one. */
  frames = 0;
  /** Their bytes, header of the virtio frame not counted. */
  bytes = 0;
  /** Frames that did not leave, by cause. Their chains went back to the guest. */
  readonly dropped: Record<TransmitDrop, number> = {
    failed: 0,
    tooShort: 0,
    tooLong: 0,
    linkDown: 0,
    checksum: 0,
    segmentation: 0,
  };
}

/** Why a frame of the guest's did not leave. */
export type TransmitDrop =
  /** The backend answered `Failed`. */
  | "failed"
  /** Shorter than the virtio-net header and an Ethernet header. */
  | "tooShort"
  /** Longer than the link's MTU and an Ethernet header with VLAN tag. */
  | "tooLong"
  /** The link was down. */
  | "linkDown"
  /** It left its checksum open without CSUM, or one that is not in the frame. */
  | "checksum"
  /** It was to be segmented in a way that was not negotiated, that does not exist, or that does not fit its headers. */
  | "segmentation";

/** Frames of the other direction. */
export class ReceiveCounters {
  /** Frames given to the guest. Where the card segments, each segment is one. */
  frames = 0;
  /** Their bytes, header of the virtio frame not counted. */
  bytes = 0;
  /** How often the backend asked for room and the guest had posted too little. */
  noBuffers = 0;
  /** Chains given back because they could not even hold the header, or had no room behind a frame's first chain. */
  bufferTooSmall = 0;
  /** Frames that did not arrive, by cause. */
  readonly dropped: Record<ReceiveDrop, number> = {
    tooShort: 0,
    tooLong: 0,
    offload: 0,
    noBuffers: 0,
    linkDown: 0,
    otherPairFull: 0,
    reset: 0,
  };
}

/** Why a frame of the backend's did not arrive. */
export type ReceiveDrop =
  /** Shorter than an Ethernet header. */
  | "tooShort"
  /** Longer than the MTU that the guest knows, than the chain it posted for the frame, or than all it can post. */
  | "tooLong"
  /**
   * It needed a checksum or segmentation that the guest did not agree to do (5.1.6.4.1), and the card could not do it:
   * its headers are none, or it may not.
   */
  | "offload"
  /** It was to be segmented, and too many such frames wait already for buffers of the guest. */
  | "noBuffers"
  /** The link was down. */
  | "linkDown"
  /** It belongs to another queue pair than the one whose room it lay in, and the guest had posted too little there. */
  | "otherPairFull"
  /** The guest reset the card, its queue stopped, or its memory went away, while the backend filled the frame. */
  | "reset";

/** What one queue pair counts. */
export interface PairCounters {
  readonly transmit: TransmitCounters;
  readonly receive: ReceiveCounters;
  /** Of the transmit queue: notifications, interrupts, chains refused by cause. */
  readonly transmitQueue: QueueCounters;
  /** Of the receive queue. */
  readonly receiveQueue: QueueCounters;
}

/** Everything a card counts: of a pair, or summed over all of them; then each sum is a new object whenever it is asked for. */
export interface VirtioNetCounters extends PairCounters {
  /** By queue pair. */
  readonly pairs: readonly PairCounters[];
  /** Commands of the control queue. */
  readonly control: ControlCounters;
  /** Received frames that the guest did not want. */
  readonly filtered: FilterCounters;
}
