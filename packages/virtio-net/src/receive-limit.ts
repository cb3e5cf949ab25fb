import { type Frame, readFrame } from "@vmmkit/ethif";
import { ETHERNET_HEADER_BYTES } from "./card-core.ts";
import { VLAN_TYPES } from "./offload/packet-headers.ts";

export const VLAN_TAG_BYTES = 4;
const ETHERTYPE_AT = 12;

const start = new Uint8Array(ETHERNET_HEADER_BYTES);

/**
 * Whether a frame is longer than a guest may be given (VIRTIO 1.2, 5.1.4.1): the MTU and an Ethernet header, to which a
 * VLAN tag belongs where there is one.
 * @param maxReceiveBytes what a frame with a tag may have
 */
export function isTooLong(frame: Frame, lengthBytes: number, maxReceiveBytes: number): boolean {
  return lengthBytes > maxReceiveBytes - VLAN_TAG_BYTES && lengthBytes > longestReceived(frame, maxReceiveBytes);
}

/** How long a frame that starts like this one may be. */
export function longestReceived(frame: Frame, maxReceiveBytes: number): number {
  readFrame(frame, start);
  const type = ((start[ETHERTYPE_AT] as number) << 8) | (start[ETHERTYPE_AT + 1] as number);
  return VLAN_TYPES.includes(type) ? maxReceiveBytes : maxReceiveBytes - VLAN_TAG_BYTES;
}
