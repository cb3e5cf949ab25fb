import type { CoalescingParameters } from "../coalescing.ts";
import type { ReceiveModes } from "../filter/receive-filter.ts";

/** The version of `NetDeviceState` that this package writes, and the only one that it reads. */
export const NET_STATE_VERSION = 1;

/** A queue that runs: where it is, and where it goes on. */
export interface NetQueueState {
  readonly size: number;
  readonly descTable: number;
  readonly driverArea: number;
  readonly deviceArea: number;
  /** As `DeviceQueue.base` of `@vmmkit/virtio`: everything before it has been given back. */
  readonly base: number;
  /** What the guest wrote stopped it; it waits for a reset. */
  readonly stopped: boolean;
}

/** A table of addresses: six numbers each, or the word that it overflowed. */
export interface MacTableState {
  readonly overflowed: boolean;
  readonly bytes: readonly number[];
}

/** `struct virtio_net_hash_config`. */
export interface HashState {
  readonly types: number;
  readonly key: readonly number[];
}

/** `struct virtio_net_rss_config`. */
export interface RssState extends HashState {
  readonly table: readonly number[];
  readonly unclassified: number;
  readonly transmitPairs: number;
}

/**
 * A network device as its guest knows it, as plain data that `JSON` can carry: what was negotiated, where the queues are,
 * and what the control queue set. Counters are not in it, nor frames: those that a backend had went back to the guest.
 * Nor is the PCI function around the device: its command register, BARs and MSI-X table.
 */
export interface NetDeviceState {
  readonly version: number;
  /** VIRTIO_CONFIG_S_*. */
  readonly status: number;
  /** VIRTIO_PCI_ISR_*. */
  readonly isr: number;
  /** Feature bits that both sides have. */
  readonly featuresLow: number;
  readonly featuresHigh: number;
  /** By number; null for one that does not run. */
  readonly queues: readonly (NetQueueState | null)[];
  /** Six numbers. */
  readonly mac: readonly number[];
  readonly announce: boolean;
  readonly modes: Readonly<ReceiveModes>;
  readonly unicast: MacTableState;
  readonly multicast: MacTableState;
  /** 128 words of 32 bits. */
  readonly vlans: readonly number[];
  /** Queue pairs in use with automatic receive steering. */
  readonly pairs: number;
  readonly rss: RssState | null;
  readonly hashing: HashState | null;
  /** For all receive queues, all transmit queues, and each queue. */
  readonly coalescing: {
    readonly receive: CoalescingParameters;
    readonly transmit: CoalescingParameters;
    readonly queues: readonly CoalescingParameters[];
  };
}
