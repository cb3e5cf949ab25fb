import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_GUEST_UFO,
  VIRTIO_NET_F_GUEST_USO4,
  VIRTIO_NET_F_GUEST_USO6,
  VIRTIO_NET_F_HASH_REPORT,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_HDR_BYTES,
  VIRTIO_NET_HDR_HASH_BYTES,
  VIRTIO_NET_HDR_MRG_BYTES,
} from "@vmmkit/virtio";
import { DriverError } from "./errors.ts";
import type { FeatureSet } from "./features.ts";
import type { GuestRam } from "./guest-ram.ts";
import type { GuestRing, GuestRingOptions } from "./guest-ring.ts";
import type { GuestNetCounters, GuestNetOptions, NetBufferOptions } from "./net-options.ts";
import type { BufferShape, NetQueue } from "./net-queue.ts";
import { PackedRing } from "./packed-ring.ts";
import { allocatePackedRing, allocateRing } from "./ring-memory.ts";
import { SplitRing } from "./split-ring.ts";
import type { GuestTransport } from "./transport.ts";

/** Bytes of an Ethernet header and of a VLAN tag: what a frame has beside the MTU. */
const ETHERNET_BYTES = 18;
/** A frame that is to be segmented: a driver without MRG_RXBUF has to have room for it (5.1.6.3.1). */
const LONGEST_FRAME_BYTES = 65550;
const LONG_FRAMES: readonly number[] = [
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_GUEST_UFO,
  VIRTIO_NET_F_GUEST_USO4,
  VIRTIO_NET_F_GUEST_USO6,
];
const DEFAULT_BUFFER_BYTES = 2048;
const MOST_BUFFERS = 1024;
const NO_LIMIT = 0xffff_ffff;
const DEFAULT_RANGES = 16;
const SPARE_ENTRIES = 4;

/** What a queue is made from. */
export interface NetSetup {
  readonly transport: GuestTransport;
  readonly ram: GuestRam;
  readonly features: FeatureSet;
  readonly counters: GuestNetCounters;
  readonly options: GuestNetOptions;
  /** The largest payload that receive buffers must hold. */
  readonly mtu: number;
}

/** Makes the ring of a queue and tells the device where it is. @throws DriverError where the device has no such queue */
export function makeNetQueue(setup: NetSetup, index: number): NetQueue {
  const { transport, features, counters, options } = setup;
  const most = transport.readQueueSize(index);
  if (most === 0) throw new DriverError(`the device has no queue ${index}`);
  const isReceive = (index & 1) === 0;
  const chosen = (isReceive ? options.rx : options.tx)?.ringSize;
  const size = Math.min(most, chosen ?? most);
  const mergeable = features.has(VIRTIO_NET_F_MRG_RXBUF);
  const longHeader = mergeable || features.has(VIRTIO_F_VERSION_1);
  const plainBytes = longHeader ? VIRTIO_NET_HDR_MRG_BYTES : VIRTIO_NET_HDR_BYTES;
  const headerBytes = features.has(VIRTIO_NET_F_HASH_REPORT) ? VIRTIO_NET_HDR_HASH_BYTES : plainBytes;
  const buffers = bufferShape(setup, isReceive, size, headerBytes);
  const indirect = features.has(VIRTIO_F_INDIRECT_DESC) ? (options.indirect ?? "chains") : "never";
  const ring = makeRing(setup, size, {
    eventIdx: features.has(VIRTIO_F_EVENT_IDX),
    inOrder: features.has(VIRTIO_F_IN_ORDER),
    indirectEntries: indirect === "never" ? 0 : longestChain(setup, isReceive, buffers),
  });
  const { layout } = ring;
  transport.writeQueue(
    index,
    layout.descTable,
    layout.availRing,
    layout.usedRing,
    chosen === undefined ? chosen : size,
  );
  return { ring, index, transport, counters, headerBytes, mergeable, indirect, buffers };
}

function makeRing({ ram, features, transport }: NetSetup, size: number, options: GuestRingOptions): GuestRing {
  if (features.has(VIRTIO_F_RING_PACKED)) return new PackedRing(ram, allocatePackedRing(ram, size), options);
  return new SplitRing(ram, allocateRing(ram, size, transport.legacyLayout), options);
}

/**
 * Without ANY_LAYOUT the header has a descriptor of its own (5.1.6.6). Mergeable buffers are the exception that all
 * drivers make and all devices know.
 */
function bufferShape(setup: NetSetup, isReceive: boolean, size: number, headerBytes: number): BufferShape {
  const { features, options, mtu } = setup;
  const given: NetBufferOptions = (isReceive ? options.rx : options.tx) ?? {};
  const mergeable = isReceive && features.has(VIRTIO_NET_F_MRG_RXBUF);
  const anyLayout = mergeable || features.has(VIRTIO_F_ANY_LAYOUT) || features.has(VIRTIO_F_VERSION_1);
  const long = LONG_FRAMES.some((bit) => features.has(bit));
  const wholeFrame = long ? headerBytes + LONGEST_FRAME_BYTES : headerBytes + ETHERNET_BYTES + mtu;
  return {
    bufferBytes: given.bufferBytes ?? (isReceive && !mergeable ? wholeFrame : DEFAULT_BUFFER_BYTES),
    buffers: given.buffers ?? Math.min(size, MOST_BUFFERS),
    headerApart: given.headerApart ?? !anyLayout,
    pieceBytes: given.pieceBytes ?? NO_LIMIT,
  };
}

/** Descriptors that an indirect table must hold; some more than receive buffers need, for chains made by hand. */
function longestChain(setup: NetSetup, isReceive: boolean, buffers: BufferShape): number {
  const parts = Math.ceil(buffers.bufferBytes / buffers.pieceBytes) + 1;
  return Math.max(parts, isReceive ? SPARE_ENTRIES : (setup.options.txRanges ?? DEFAULT_RANGES));
}
