import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
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
import type { VirtioNetFeature } from "./options.ts";

const BITS: Record<VirtioNetFeature, number> = {
  MTU: VIRTIO_NET_F_MTU,
  STATUS: VIRTIO_NET_F_STATUS,
  MRG_RXBUF: VIRTIO_NET_F_MRG_RXBUF,
  ANY_LAYOUT: VIRTIO_F_ANY_LAYOUT,
  INDIRECT_DESC: VIRTIO_F_INDIRECT_DESC,
  EVENT_IDX: VIRTIO_F_EVENT_IDX,
  CTRL_VQ: VIRTIO_NET_F_CTRL_VQ,
  CTRL_RX: VIRTIO_NET_F_CTRL_RX,
  CTRL_RX_EXTRA: VIRTIO_NET_F_CTRL_RX_EXTRA,
  CTRL_VLAN: VIRTIO_NET_F_CTRL_VLAN,
  CTRL_MAC_ADDR: VIRTIO_NET_F_CTRL_MAC_ADDR,
  GUEST_ANNOUNCE: VIRTIO_NET_F_GUEST_ANNOUNCE,
  MQ: VIRTIO_NET_F_MQ,
  RSS: VIRTIO_NET_F_RSS,
  HASH_REPORT: VIRTIO_NET_F_HASH_REPORT,
  NOTF_COAL: VIRTIO_NET_F_NOTF_COAL,
  VQ_NOTF_COAL: VIRTIO_NET_F_VQ_NOTF_COAL,
  SPEED_DUPLEX: VIRTIO_NET_F_SPEED_DUPLEX,
};

/** Features without which others are of no use, although the specification does not demand them. */
const OF_THE_CONTROL_QUEUE: readonly VirtioNetFeature[] = ["CTRL_RX_EXTRA", "HASH_REPORT"];
const OF_SEVERAL_PAIRS: readonly VirtioNetFeature[] = ["MQ", "RSS"];

/** What a card can do beyond what every card can. */
export interface CardAbilities {
  /** Queue pairs. */
  readonly pairs: number;
  /** Its speed is known. */
  readonly speedKnown: boolean;
  /** It is to report hashes. */
  readonly hashReport: boolean;
}

/** The features on offer. @throws TypeError for a name that is none */
export function offeredFeatures(without: readonly VirtioNetFeature[], abilities: CardAbilities): FeatureBits {
  for (const name of without) {
    if (!Object.hasOwn(BITS, name)) throw new TypeError(`"without" expected names of features, got "${String(name)}"`);
  }
  const left = new Set<VirtioNetFeature>(without);
  if (left.has("CTRL_VQ")) for (const name of OF_THE_CONTROL_QUEUE) left.add(name);
  if (abilities.pairs === 1) for (const name of OF_SEVERAL_PAIRS) left.add(name);
  if (!abilities.speedKnown) left.add("SPEED_DUPLEX");
  if (!abilities.hashReport) left.add("HASH_REPORT");
  let low = 2 ** VIRTIO_NET_F_MAC;
  let high = 0;
  for (const [name, bit] of Object.entries(BITS)) {
    if (left.has(name as VirtioNetFeature)) continue;
    if (bit < 32) low += 2 ** bit;
    else high += 2 ** (bit - 32);
  }
  return withoutUnmet({ low, high });
}
