import {
  VIRTIO_NET_F_CSUM,
  VIRTIO_NET_F_CTRL_MAC_ADDR,
  VIRTIO_NET_F_CTRL_RX,
  VIRTIO_NET_F_CTRL_VLAN,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_GUEST_ANNOUNCE,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_ECN,
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
  VIRTIO_NET_F_MQ,
  VIRTIO_NET_F_NOTF_COAL,
  VIRTIO_NET_F_RSS,
  VIRTIO_NET_F_VQ_NOTF_COAL,
} from "@vmmkit/virtio";

/** A feature bit, and those of which one at least has to come with it. */
export type FeatureDependency = readonly [feature: number, oneOf: readonly number[]];

/**
 * Which features require which others (VIRTIO 1.2, 5.1.3.1; from 1.3 those of GUEST_USO4, GUEST_USO6, NOTF_COAL and
 * VQ_NOTF_COAL, which 1.2 does not have).
 */
export const FEATURE_DEPENDENCIES: readonly FeatureDependency[] = [
  [VIRTIO_NET_F_GUEST_TSO4, [VIRTIO_NET_F_GUEST_CSUM]],
  [VIRTIO_NET_F_GUEST_TSO6, [VIRTIO_NET_F_GUEST_CSUM]],
  [VIRTIO_NET_F_GUEST_ECN, [VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6]],
  [VIRTIO_NET_F_GUEST_UFO, [VIRTIO_NET_F_GUEST_CSUM]],
  [VIRTIO_NET_F_GUEST_USO4, [VIRTIO_NET_F_GUEST_CSUM]],
  [VIRTIO_NET_F_GUEST_USO6, [VIRTIO_NET_F_GUEST_CSUM]],
  [VIRTIO_NET_F_HOST_TSO4, [VIRTIO_NET_F_CSUM]],
  [VIRTIO_NET_F_HOST_TSO6, [VIRTIO_NET_F_CSUM]],
  [VIRTIO_NET_F_HOST_ECN, [VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6]],
  [VIRTIO_NET_F_HOST_UFO, [VIRTIO_NET_F_CSUM]],
  [VIRTIO_NET_F_HOST_USO, [VIRTIO_NET_F_CSUM]],
  [VIRTIO_NET_F_CTRL_RX, [VIRTIO_NET_F_CTRL_VQ]],
  [VIRTIO_NET_F_CTRL_VLAN, [VIRTIO_NET_F_CTRL_VQ]],
  [VIRTIO_NET_F_GUEST_ANNOUNCE, [VIRTIO_NET_F_CTRL_VQ]],
  [VIRTIO_NET_F_MQ, [VIRTIO_NET_F_CTRL_VQ]],
  [VIRTIO_NET_F_CTRL_MAC_ADDR, [VIRTIO_NET_F_CTRL_VQ]],
  [VIRTIO_NET_F_RSS, [VIRTIO_NET_F_CTRL_VQ]],
  [VIRTIO_NET_F_NOTF_COAL, [VIRTIO_NET_F_CTRL_VQ]],
  [VIRTIO_NET_F_VQ_NOTF_COAL, [VIRTIO_NET_F_CTRL_VQ]],
];

/** Feature bits 0 to 31 and 32 to 63, each without sign. */
export interface FeatureBits {
  readonly low: number;
  readonly high: number;
}

/** Whether a feature is among the bits. */
export function hasBit({ low, high }: FeatureBits, bit: number): boolean {
  return (((bit < 32 ? low : high) >>> (bit & 31)) & 1) !== 0;
}

/** The first feature that lacks what it requires, null where there is none: a driver may not accept such a set (2.2.1). */
export function unmetDependency(bits: FeatureBits): FeatureDependency | null {
  for (const dependency of FEATURE_DEPENDENCIES) {
    const [feature, oneOf] = dependency;
    if (hasBit(bits, feature) && !oneOf.some((other) => hasBit(bits, other))) return dependency;
  }
  return null;
}

/** The bits without those that lack what they require: what is left of a legacy driver's choice, which nobody can refuse. */
export function withoutUnmet(bits: FeatureBits): FeatureBits {
  let { low, high } = bits;
  // Each round takes a bit away.
  for (let unmet = unmetDependency(bits); unmet !== null; unmet = unmetDependency({ low, high })) {
    const [feature] = unmet;
    if (feature < 32) low = (low & ~(1 << feature)) >>> 0;
    else high = (high & ~(1 << (feature & 31))) >>> 0;
  }
  return { low, high };
}
