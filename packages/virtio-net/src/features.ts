import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
} from "@vmmkit/virtio";
import type { VirtioNetFeature } from "./options.ts";

const BITS: Record<VirtioNetFeature, number> = {
  MTU: VIRTIO_NET_F_MTU,
  STATUS: VIRTIO_NET_F_STATUS,
  MRG_RXBUF: VIRTIO_NET_F_MRG_RXBUF,
  ANY_LAYOUT: VIRTIO_F_ANY_LAYOUT,
  INDIRECT_DESC: VIRTIO_F_INDIRECT_DESC,
  EVENT_IDX: VIRTIO_F_EVENT_IDX,
};

/** The features on offer, bits 0 to 31. @throws TypeError for a name that is none */
export function offeredFeatures(without: readonly VirtioNetFeature[] = []): number {
  for (const name of without) {
    if (!Object.hasOwn(BITS, name)) throw new TypeError(`"without" expected names of features, got "${String(name)}"`);
  }
  let bits = 2 ** VIRTIO_NET_F_MAC;
  for (const [name, bit] of Object.entries(BITS)) if (!without.some((other) => other === name)) bits += 2 ** bit;
  return bits;
}
