import { Offload } from "@vmmkit/ethif";
import {
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_HDR_GSO_ECN,
  VIRTIO_NET_HDR_GSO_NONE,
  VIRTIO_NET_HDR_GSO_TCPV4,
  VIRTIO_NET_HDR_GSO_TCPV6,
  VIRTIO_NET_HDR_GSO_UDP,
  VIRTIO_NET_HDR_GSO_UDP_L4,
} from "@vmmkit/virtio";

/** The `gso_type` is none that there is. */
export const UNKNOWN_GSO = -1;

/** What a header asks of whoever gets the frame: bits of `Offload`, or `UNKNOWN_GSO`. */
export function neededOffloads(flags: number, gsoType: number): number {
  const checksum = (flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0 ? Offload.Csum : 0;
  const ecn = (gsoType & VIRTIO_NET_HDR_GSO_ECN) !== 0 ? Offload.Ecn : 0;
  switch (gsoType & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
      return ecn === 0 ? checksum : UNKNOWN_GSO;
    case VIRTIO_NET_HDR_GSO_TCPV4:
      return checksum | Offload.Tso4 | ecn;
    case VIRTIO_NET_HDR_GSO_TCPV6:
      return checksum | Offload.Tso6 | ecn;
    case VIRTIO_NET_HDR_GSO_UDP:
      return ecn === 0 ? checksum | Offload.Ufo : UNKNOWN_GSO;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
      return ecn === 0 ? checksum | Offload.Uso : UNKNOWN_GSO;
    default:
      return UNKNOWN_GSO;
  }
}
