import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_VERSION_1,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
} from "@vmmkit/virtio";
import type { NetDeviceOptions, VirtioNetExtraFeature, VirtioNetFeature } from "./options.ts";

/** Offered unless left out. */
const USUAL: Record<VirtioNetFeature, number> = {
  MTU: VIRTIO_NET_F_MTU,
  STATUS: VIRTIO_NET_F_STATUS,
  MRG_RXBUF: VIRTIO_NET_F_MRG_RXBUF,
  ANY_LAYOUT: VIRTIO_F_ANY_LAYOUT,
  INDIRECT_DESC: VIRTIO_F_INDIRECT_DESC,
  EVENT_IDX: VIRTIO_F_EVENT_IDX,
  RING_RESET: VIRTIO_F_RING_RESET,
};

/** Offered only where they are asked for. */
const EXTRA: Record<VirtioNetExtraFeature, number> = {
  NOTIFICATION_DATA: VIRTIO_F_NOTIFICATION_DATA,
};

/** Features in two words of 32 bits. */
export interface FeatureWords {
  readonly low: number;
  readonly high: number;
}

/** The features on offer. @throws TypeError for a name that is none */
export function offeredFeatures(options: NetDeviceOptions): FeatureWords {
  const without: readonly string[] = options.without ?? [];
  const extra: readonly string[] = options.with ?? [];
  for (const name of without) checkName("without", name, USUAL);
  for (const name of extra) checkName("with", name, EXTRA);
  const bits = [VIRTIO_NET_F_MAC, VIRTIO_F_VERSION_1];
  for (const [name, bit] of Object.entries(USUAL)) if (!without.includes(name)) bits.push(bit);
  for (const [name, bit] of Object.entries(EXTRA)) if (extra.includes(name)) bits.push(bit);
  return { low: word(bits, 0), high: word(bits, 1) };
}

function word(bits: readonly number[], index: number): number {
  return bits.filter((bit) => bit >> 5 === index).reduce((sum, bit) => sum + 2 ** (bit & 31), 0);
}

function checkName(option: string, name: string, names: object): void {
  if (!Object.hasOwn(names, name)) throw new TypeError(`"${option}" expected names of features, got "${name}"`);
}
