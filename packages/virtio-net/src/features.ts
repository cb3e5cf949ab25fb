import type { LinkInfo } from "@vmmkit/ethif";
import * as virtio from "@vmmkit/virtio";
import { type FeatureBits, withoutUnmet } from "./feature-dependencies.ts";
import { offeredOffloads } from "./offload/offload-features.ts";
import type { VirtioNetFeature, VirtioNetOptions } from "./options.ts";

/** Bits that do not hang on the backend. */
const ALWAYS = {
  MTU: virtio.VIRTIO_NET_F_MTU,
  STATUS: virtio.VIRTIO_NET_F_STATUS,
  MRG_RXBUF: virtio.VIRTIO_NET_F_MRG_RXBUF,
  ANY_LAYOUT: virtio.VIRTIO_F_ANY_LAYOUT,
  INDIRECT_DESC: virtio.VIRTIO_F_INDIRECT_DESC,
  EVENT_IDX: virtio.VIRTIO_F_EVENT_IDX,
} as const;

const BITS: Record<VirtioNetFeature, number> = {
  ...ALWAYS,
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

/** @throws TypeError for a name that is no feature's */
export function checkFeatureNames(names: readonly VirtioNetFeature[] = []): void {
  for (const name of names) {
    if (!Object.hasOwn(BITS, name)) throw new TypeError(`"without" expected names of features, got "${String(name)}"`);
  }
}

/** The features on offer. Those that require one that is left out are left out with it. */
export function offeredFeatures(link: LinkInfo, options: VirtioNetOptions): FeatureBits {
  const without = options.without ?? [];
  let outLow = 0;
  let outHigh = 0;
  for (const name of without) {
    if (BITS[name] < 32) outLow |= 1 << BITS[name];
    else outHigh |= 1 << (BITS[name] & 31);
  }
  let { low, high } = offeredOffloads(link, options.softwareOffloads ?? true, !without.includes("MRG_RXBUF"));
  low |= 1 << virtio.VIRTIO_NET_F_MAC;
  for (const bit of Object.values(ALWAYS)) low |= 1 << bit;
  return withoutUnmet({ low: (low & ~outLow) >>> 0, high: (high & ~outHigh) >>> 0 });
}

/** The features that both sides have. */
export function negotiatedFeatures(has: (bit: number) => boolean): FeatureBits {
  let low = 0;
  let high = 0;
  for (let bit = 0; bit < 32; bit++) {
    if (has(bit)) low |= 1 << bit;
    if (has(bit + 32)) high |= 1 << bit;
  }
  return { low: low >>> 0, high: high >>> 0 };
}
