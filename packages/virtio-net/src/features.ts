import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_VERSION_1,
  VIRTIO_NET_F_CTRL_MAC_ADDR,
  VIRTIO_NET_F_CTRL_RX,
  VIRTIO_NET_F_CTRL_RX_EXTRA,
  VIRTIO_NET_F_CTRL_VLAN,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_GUEST_ANNOUNCE,
  VIRTIO_NET_F_HASH_REPORT,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MQ,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_NOTF_COAL,
  VIRTIO_NET_F_RSS,
  VIRTIO_NET_F_SPEED_DUPLEX,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_F_VQ_NOTF_COAL,
} from "@vmmkit/virtio";
import { type FeatureBits, withoutUnmet } from "./feature-dependencies.ts";
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
  CTRL_VQ: VIRTIO_NET_F_CTRL_VQ,
  CTRL_RX: VIRTIO_NET_F_CTRL_RX,
  CTRL_RX_EXTRA: VIRTIO_NET_F_CTRL_RX_EXTRA,
  CTRL_VLAN: VIRTIO_NET_F_CTRL_VLAN,
  CTRL_MAC_ADDR: VIRTIO_NET_F_CTRL_MAC_ADDR,
  GUEST_ANNOUNCE: VIRTIO_NET_F_GUEST_ANNOUNCE,
  MQ: VIRTIO_NET_F_MQ,
  RSS: VIRTIO_NET_F_RSS,
  NOTF_COAL: VIRTIO_NET_F_NOTF_COAL,
  VQ_NOTF_COAL: VIRTIO_NET_F_VQ_NOTF_COAL,
  SPEED_DUPLEX: VIRTIO_NET_F_SPEED_DUPLEX,
};

/** Offered only where they are asked for. */
const EXTRA: Record<VirtioNetExtraFeature, number> = {
  NOTIFICATION_DATA: VIRTIO_F_NOTIFICATION_DATA,
  HASH_REPORT: VIRTIO_NET_F_HASH_REPORT,
};

/** Features that are of no use without the control queue, although the specification does not say so. */
const OF_THE_CONTROL_QUEUE: readonly string[] = ["CTRL_RX_EXTRA", "HASH_REPORT"];
const OF_SEVERAL_PAIRS: readonly string[] = ["MQ", "RSS"];

/**
 * The features on offer. Those that require one that is left out are left out with it.
 * @param pairs queue pairs of the card
 * @throws TypeError for a name that is none
 */
export function offeredFeatures(options: NetDeviceOptions, pairs: number): FeatureBits {
  const without: readonly string[] = options.without ?? [];
  const extra: readonly string[] = options.with ?? [];
  for (const name of without) checkName("without", name, USUAL);
  for (const name of extra) checkName("with", name, EXTRA);
  const absent = new Set(without);
  if (absent.has("CTRL_VQ")) for (const name of OF_THE_CONTROL_QUEUE) absent.add(name);
  if (pairs === 1) for (const name of OF_SEVERAL_PAIRS) absent.add(name);
  if (options.speed === undefined) absent.add("SPEED_DUPLEX");
  const bits = [VIRTIO_NET_F_MAC, VIRTIO_F_VERSION_1];
  for (const [name, bit] of Object.entries(USUAL)) if (!absent.has(name)) bits.push(bit);
  for (const [name, bit] of Object.entries(EXTRA)) if (extra.includes(name) && !absent.has(name)) bits.push(bit);
  return withoutUnmet({ low: word(bits, 0), high: word(bits, 1) });
}

function word(bits: readonly number[], index: number): number {
  return bits.filter((bit) => bit >> 5 === index).reduce((sum, bit) => sum + 2 ** (bit & 31), 0);
}

function checkName(option: string, name: string, names: object): void {
  if (!Object.hasOwn(names, name)) throw new TypeError(`"${option}" expected names of features, got "${name}"`);
}
