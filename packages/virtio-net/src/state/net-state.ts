import type { VirtioState } from "@vmmkit/virtio";
import type { CoalescingParameters } from "../coalescing.ts";
import type { ReceiveModes } from "../filter/receive-filter.ts";

/** The version of `NetDeviceState` that this package writes, and the only one that it reads. */
export const NET_STATE_VERSION = 2;

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
 * what of them the device has taken, and what the control queue set. Counters are not in it, nor frames.
 */
export interface NetDeviceState extends VirtioState {
  readonly version: number;
  /** What the configuration says. */
  readonly mtu: number;
  /** Offloads that the guest takes now: bits of `Offload` of `@vmmkit/ethif`. */
  readonly guestOffloads: number;
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
