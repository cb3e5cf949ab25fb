import { type Frame, Offload } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_F_DATA_VALID, VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_NONE } from "@vmmkit/virtio";
import { type CardCore, ETHERNET_HEADER_BYTES } from "../card-core.ts";
import { fillChecksum } from "./checksum.ts";
import { neededOffloads, UNKNOWN_GSO } from "./needed-offloads.ts";

/**
 * Whether the guest takes the frame as it is; a checksum that it would not fill in is filled in here. The fields say
 * what is left for the guest to do.
 */
export function settleOffloads(core: CardCore, frame: Frame, length: number): boolean {
  const { guestOffloads, softwareOffloads, views } = core;
  const needed = neededOffloads(frame.flags, frame.gsoType);
  if (needed === UNKNOWN_GSO) return false;
  // A long frame without its open checksum, or without a length for its segments, is not what it says (5.1.6.4.1).
  if (frame.gsoType !== VIRTIO_NET_HDR_GSO_NONE && ((needed & Offload.Csum) === 0 || frame.gsoSize === 0)) return false;
  const takesChecksums = (guestOffloads & Offload.Csum) !== 0;
  // Without GUEST_CSUM flags are 0, also the one that says that the checksum is right (5.1.6.4.1).
  const known = takesChecksums ? VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID : 0;
  if ((needed & ~guestOffloads) === 0) {
    frame.flags &= known;
    return true;
  }
  if (needed !== Offload.Csum) return false;
  if (!softwareOffloads || frame.csumStart < ETHERNET_HEADER_BYTES || !fillChecksum(frame, views, length)) return false;
  clearOffloads(frame);
  return true;
}

/** Nothing is left to be done. */
function clearOffloads(frame: Frame): void {
  frame.flags = 0;
  frame.csumStart = 0;
  frame.csumOffset = 0;
}
