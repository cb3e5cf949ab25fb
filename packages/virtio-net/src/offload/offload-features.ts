import { type LinkInfo, Offload } from "@vmmkit/ethif";
import {
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
} from "@vmmkit/virtio";
import { type FeatureBits, hasBit, withoutUnmet } from "../feature-dependencies.ts";

/** Beside `Offload.Uso`, which stands for IPv4 here: guests tell the IP versions apart. */
const USO6 = 64;

/** All that a card can do by itself for a backend that cannot. */
const ALL_OFFLOADS: number = Offload.Csum | Offload.Tso4 | Offload.Tso6 | Offload.Ecn | Offload.Ufo | Offload.Uso;

type FeatureOffload = readonly [feature: number, offload: number];

/** What a guest leaves to the device. */
const TRANSMIT: readonly FeatureOffload[] = [
  [VIRTIO_NET_F_CSUM, Offload.Csum],
  [VIRTIO_NET_F_HOST_TSO4, Offload.Tso4],
  [VIRTIO_NET_F_HOST_TSO6, Offload.Tso6],
  [VIRTIO_NET_F_HOST_ECN, Offload.Ecn],
  [VIRTIO_NET_F_HOST_UFO, Offload.Ufo],
  [VIRTIO_NET_F_HOST_USO, Offload.Uso],
];

/** What a device leaves to the guest. */
const RECEIVE: readonly FeatureOffload[] = [
  [VIRTIO_NET_F_GUEST_CSUM, Offload.Csum],
  [VIRTIO_NET_F_GUEST_TSO4, Offload.Tso4],
  [VIRTIO_NET_F_GUEST_TSO6, Offload.Tso6],
  [VIRTIO_NET_F_GUEST_ECN, Offload.Ecn],
  [VIRTIO_NET_F_GUEST_UFO, Offload.Ufo],
  [VIRTIO_NET_F_GUEST_USO4, Offload.Uso],
  [VIRTIO_NET_F_GUEST_USO6, USO6],
];

/**
 * The offloads to put on offer. On transmit all there are where the card does what the backend cannot. On receive what
 * the backend has a use for; and of these long frames only together with MRG_RXBUF, as without it each of the guest's
 * buffers has to hold the longest of them, and most guests get slower by that.
 * @param software whether the card does what the backend cannot
 * @param mergeable whether MRG_RXBUF is on offer
 */
export function offeredOffloads(link: LinkInfo, software: boolean, mergeable: boolean): FeatureBits {
  const transmit = software ? ALL_OFFLOADS : (link.txOffloads ?? 0);
  const receive = (link.rxOffloads ?? 0) & (mergeable ? ALL_OFFLOADS : Offload.Csum);
  const features = [VIRTIO_NET_F_GUEST_HDRLEN];
  for (const [feature, offload] of TRANSMIT) if ((transmit & offload) !== 0) features.push(feature);
  for (const [feature, offload] of RECEIVE) {
    if ((receive & (offload === USO6 ? Offload.Uso : offload)) !== 0) features.push(feature);
  }
  let bits: FeatureBits = { low: 0, high: 0 };
  for (const feature of features) bits = withBit(bits, feature);
  return withoutUnmet(bits);
}

/** What the guest may leave to the card: bits of `Offload`. Of features that lack what they require nothing counts. */
export function transmitOffloads(negotiated: FeatureBits): number {
  return offloadsOf(negotiated, TRANSMIT);
}

/**
 * What the card may leave to the guest: bits of `Offload`. There USO is one for both IP versions: a guest that takes one
 * of them alone takes none.
 */
export function receiveOffloads(negotiated: FeatureBits): number {
  const offloads = offloadsOf(negotiated, RECEIVE);
  const both = Offload.Uso | USO6;
  return (offloads & both) === both ? offloads & ALL_OFFLOADS : offloads & ~both;
}

function offloadsOf(negotiated: FeatureBits, features: readonly FeatureOffload[]): number {
  const bits = withoutUnmet(negotiated);
  let offloads = 0;
  for (const [feature, offload] of features) if (hasBit(bits, feature)) offloads |= offload;
  return offloads;
}

function withBit({ low, high }: FeatureBits, bit: number): FeatureBits {
  if (bit < 32) return { low: (low | (1 << bit)) >>> 0, high };
  return { low, high: (high | (1 << (bit & 31))) >>> 0 };
}
