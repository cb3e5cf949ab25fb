import type { LinkInfo } from "@vmmkit/ethif";
import * as virtio from "@vmmkit/virtio";
import { type FeatureBits, hasBit, withoutUnmet } from "./feature-dependencies.ts";
import { offeredOffloads } from "./offload/offload-features.ts";
import type { NetDeviceOptions, VirtioNetExtraFeature, VirtioNetFeature } from "./options.ts";

/** Offered unless left out, whatever the backend. */
const USUAL = {
  MTU: virtio.VIRTIO_NET_F_MTU,
  STATUS: virtio.VIRTIO_NET_F_STATUS,
  MRG_RXBUF: virtio.VIRTIO_NET_F_MRG_RXBUF,
  ANY_LAYOUT: virtio.VIRTIO_F_ANY_LAYOUT,
  INDIRECT_DESC: virtio.VIRTIO_F_INDIRECT_DESC,
  EVENT_IDX: virtio.VIRTIO_F_EVENT_IDX,
  RING_PACKED: virtio.VIRTIO_F_RING_PACKED,
  IN_ORDER: virtio.VIRTIO_F_IN_ORDER,
  RING_RESET: virtio.VIRTIO_F_RING_RESET,
  CTRL_VQ: virtio.VIRTIO_NET_F_CTRL_VQ,
  CTRL_RX: virtio.VIRTIO_NET_F_CTRL_RX,
  CTRL_RX_EXTRA: virtio.VIRTIO_NET_F_CTRL_RX_EXTRA,
  CTRL_VLAN: virtio.VIRTIO_NET_F_CTRL_VLAN,
  CTRL_MAC_ADDR: virtio.VIRTIO_NET_F_CTRL_MAC_ADDR,
  CTRL_GUEST_OFFLOADS: virtio.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS,
  GUEST_ANNOUNCE: virtio.VIRTIO_NET_F_GUEST_ANNOUNCE,
  MQ: virtio.VIRTIO_NET_F_MQ,
  RSS: virtio.VIRTIO_NET_F_RSS,
  NOTF_COAL: virtio.VIRTIO_NET_F_NOTF_COAL,
  VQ_NOTF_COAL: virtio.VIRTIO_NET_F_VQ_NOTF_COAL,
  SPEED_DUPLEX: virtio.VIRTIO_NET_F_SPEED_DUPLEX,
} as const;

/** Features that are of no use without the control queue, although the specification does not say so. */
const OF_THE_CONTROL_QUEUE = [
  virtio.VIRTIO_NET_F_CTRL_RX_EXTRA,
  virtio.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS,
  virtio.VIRTIO_NET_F_HASH_REPORT,
];

/** Every feature that can be left out. */
const NAMES: Record<VirtioNetFeature, number> = {
  ...USUAL,
  CSUM: virtio.VIRTIO_NET_F_CSUM,
  GUEST_CSUM: virtio.VIRTIO_NET_F_GUEST_CSUM,
  GUEST_TSO4: virtio.VIRTIO_NET_F_GUEST_TSO4,
  GUEST_TSO6: virtio.VIRTIO_NET_F_GUEST_TSO6,
  GUEST_ECN: virtio.VIRTIO_NET_F_GUEST_ECN,
  GUEST_UFO: virtio.VIRTIO_NET_F_GUEST_UFO,
  HOST_TSO4: virtio.VIRTIO_NET_F_HOST_TSO4,
  HOST_TSO6: virtio.VIRTIO_NET_F_HOST_TSO6,
  HOST_ECN: virtio.VIRTIO_NET_F_HOST_ECN,
  HOST_UFO: virtio.VIRTIO_NET_F_HOST_UFO,
  GUEST_USO4: virtio.VIRTIO_NET_F_GUEST_USO4,
  GUEST_USO6: virtio.VIRTIO_NET_F_GUEST_USO6,
  HOST_USO: virtio.VIRTIO_NET_F_HOST_USO,
  GUEST_HDRLEN: virtio.VIRTIO_NET_F_GUEST_HDRLEN,
};

/** Offered only where they are asked for. */
const EXTRA: Record<VirtioNetExtraFeature, number> = {
  NOTIFICATION_DATA: virtio.VIRTIO_F_NOTIFICATION_DATA,
  HASH_REPORT: virtio.VIRTIO_NET_F_HASH_REPORT,
};

/**
 * Receive buffers of which a frame of 64 KiB may need as many: 1526 bytes each, as drivers make them. A shorter queue could
 * never take such a frame, so its guest is given segments.
 */
const LONG_FRAME_BUFFERS = 64;

/** @throws TypeError for a name that is no feature's */
export function checkFeatureNames(options: NetDeviceOptions): void {
  for (const name of options.without ?? []) checkName("without", name, NAMES);
  for (const name of options.with ?? []) checkName("with", name, EXTRA);
}

/**
 * The features on offer. Those that require one that is left out are left out with it.
 * @param pairs queue pairs of the card
 */
export function offeredFeatures(link: LinkInfo, options: NetDeviceOptions, pairs: number): FeatureBits {
  const own = words([
    virtio.VIRTIO_NET_F_MAC,
    virtio.VIRTIO_F_VERSION_1,
    ...Object.values(USUAL),
    ...(options.with ?? []).map((name) => EXTRA[name]),
  ]);
  const mergeable =
    !(options.without ?? []).includes("MRG_RXBUF") && (options.rxQueueSize ?? LONG_FRAME_BUFFERS) >= LONG_FRAME_BUFFERS;
  const offloads = offeredOffloads(link, options.softwareOffloads ?? true, mergeable);
  const without = words(absent(options, pairs, offloads));
  return withoutUnmet({
    low: ((own.low | offloads.low) & ~without.low) >>> 0,
    high: ((own.high | offloads.high) & ~without.high) >>> 0,
  });
}

/** What is not offered: what was left out, and what has no use on this card. */
function absent(options: NetDeviceOptions, pairs: number, offloads: FeatureBits): number[] {
  const bits: number[] = (options.without ?? []).map((name) => NAMES[name]);
  if (bits.includes(virtio.VIRTIO_NET_F_CTRL_VQ)) bits.push(...OF_THE_CONTROL_QUEUE);
  if (pairs === 1) bits.push(virtio.VIRTIO_NET_F_MQ, virtio.VIRTIO_NET_F_RSS);
  if (!hasBit(offloads, virtio.VIRTIO_NET_F_GUEST_CSUM)) bits.push(virtio.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);
  if (options.speed === undefined) bits.push(virtio.VIRTIO_NET_F_SPEED_DUPLEX);
  return bits;
}

function words(bits: readonly number[]): FeatureBits {
  const word = (index: number): number =>
    bits.filter((bit) => bit >> 5 === index).reduce((all, bit) => all | (1 << (bit & 31)), 0) >>> 0;
  return { low: word(0), high: word(1) };
}

function checkName(option: string, name: string, names: object): void {
  if (!Object.hasOwn(names, name)) throw new TypeError(`"${option}" expected names of features, got "${String(name)}"`);
}
