import { type Frame, Offload, readFrame } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_GSO_NONE } from "@vmmkit/virtio";
import { type CardCore, ETHERNET_HEADER_BYTES } from "./card-core.ts";
import type { ReceiveDrop } from "./counters.ts";
import { VLAN_TYPES } from "./offload/packet-headers.ts";
import type { ReceiveSlot } from "./receive-slot.ts";

/** Frames longer than the MTU, of which a guest takes one kind if it takes any. */
const LONG_TCP = Offload.Tso4 | Offload.Tso6;
const LONG = LONG_TCP | Offload.Ufo | Offload.Uso;

export const VLAN_TAG_BYTES = 4;
const ETHERTYPE_AT = 12;

const start = new Uint8Array(ETHERNET_HEADER_BYTES);

/**
 * Whether a frame is longer than a guest may be given (VIRTIO 1.2, 5.1.4.1): the MTU and an Ethernet header, to which a
 * VLAN tag belongs where there is one.
 * @param maxReceiveBytes what a frame with a tag may have
 */
function isTooLong(frame: Frame, lengthBytes: number, maxReceiveBytes: number): boolean {
  return lengthBytes > maxReceiveBytes - VLAN_TAG_BYTES && lengthBytes > longestReceived(frame, maxReceiveBytes);
}

/** How long a frame that starts like this one may be. */
export function longestReceived(frame: Frame, maxReceiveBytes: number): number {
  readFrame(frame, start);
  const type = ((start[ETHERTYPE_AT] as number) << 8) | (start[ETHERTYPE_AT + 1] as number);
  return VLAN_TYPES.includes(type) ? maxReceiveBytes : maxReceiveBytes - VLAN_TAG_BYTES;
}

/** Whether a frame of this length can only be one that the guest does not take as it is. */
export function willSegment(core: CardCore, sizeBytes: number): boolean {
  const { maxFrameBytes, backendLeaves, guestOffloads, softwareOffloads } = core;
  if (sizeBytes <= maxFrameBytes || (backendLeaves & LONG) === 0) return false;
  return softwareOffloads && (guestOffloads & LONG_TCP) === 0;
}

/** Whether all that the guest's buffers can be, `room`, does not hold a frame that may be segmented. */
export function isTooLongForRing(core: CardCore, room: Frame, lengthBytes: number): boolean {
  const { maxFrameBytes, guestOffloads, softwareOffloads } = core;
  if (room.totalBytes >= lengthBytes || lengthBytes <= maxFrameBytes) return false;
  return softwareOffloads && (guestOffloads & LONG) !== 0;
}

/** Why a frame cannot be given to the guest, whatever it asks for. */
export function lengthFault(core: CardCore, slot: ReceiveSlot, length: number): ReceiveDrop | null {
  const { frame, header, staged } = slot;
  const { linkUp, maxReceiveBytes } = core;
  if ((slot.chains.count === 0 && staged === null) || !linkUp) return "linkDown";
  if (frame.rangeCount === 0 || (header.rangeCount === 0 && staged === null)) return "reset";
  if (length > slot.guestBytes) return "tooLong";
  if (frame.gsoType === VIRTIO_NET_HDR_GSO_NONE && isTooLong(frame, length, maxReceiveBytes)) return "tooLong";
  return length < ETHERNET_HEADER_BYTES ? "tooShort" : null;
}
