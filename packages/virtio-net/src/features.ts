import type { LinkInfo } from "@vmmkit/ethif";
import * as virtio from "@vmmkit/virtio";
import { type FeatureBits, withoutUnmet } from "./feature-dependencies.ts";
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
} as const;

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
};

/** @throws TypeError for a name that is no feature's */
export function checkFeatureNames(options: NetDeviceOptions): void {
  for (const name of options.without ?? []) checkName("without", name, NAMES);
  for (const name of options.with ?? []) checkName("with", name, EXTRA);
}

/** The features on offer. Those that require one that is left out are left out with it. */
export function offeredFeatures(link: LinkInfo, options: NetDeviceOptions): FeatureBits {
  const without = words((options.without ?? []).map((name) => NAMES[name]));
  const own = words([
    virtio.VIRTIO_NET_F_MAC,
    virtio.VIRTIO_F_VERSION_1,
    ...Object.values(USUAL),
    ...(options.with ?? []).map((name) => EXTRA[name]),
  ]);
  const mergeable = !(options.without ?? []).includes("MRG_RXBUF");
  const offloads = offeredOffloads(link, options.softwareOffloads ?? true, mergeable);
  return withoutUnmet({
    low: ((own.low | offloads.low) & ~without.low) >>> 0,
    high: ((own.high | offloads.high) & ~without.high) >>> 0,
  });
}

/** The features that both sides have. */
export function negotiatedFeatures(has: (bit: number) => boolean): FeatureBits {
  return words(Array.from({ length: 64 }, (_, bit) => bit).filter(has));
}

function words(bits: readonly number[]): FeatureBits {
  const word = (index: number): number =>
    bits.filter((bit) => bit >> 5 === index).reduce((all, bit) => all | (1 << (bit & 31)), 0) >>> 0;
  return { low: word(0), high: word(1) };
}

function checkName(option: string, name: string, names: object): void {
  if (!Object.hasOwn(names, name)) throw new TypeError(`"${option}" expected names of features, got "${String(name)}"`);
}
