/*
 * Constants of the network device (VIRTIO 1.2, 5.1), spelled as the specification spells them. They are here and
 * not beside the card so that the guest's side can use them without knowing the card.
 */

/** Queue of device-writable buffers: what the guest receives (5.1.2). */
export const VIRTIO_NET_RX_QUEUE = 0;
/** Queue of device-readable buffers: what the guest transmits. */
export const VIRTIO_NET_TX_QUEUE = 1;

/** Feature bit: the device takes frames with partial checksums (5.1.3). */
export const VIRTIO_NET_F_CSUM = 0;
/** Feature bit: the driver takes frames with partial checksums. */
export const VIRTIO_NET_F_GUEST_CSUM = 1;
/** Feature bit: offloads of the driver may be changed through the control queue. */
export const VIRTIO_NET_F_CTRL_GUEST_OFFLOADS = 2;
/** Feature bit: `mtu` in the configuration is valid. */
export const VIRTIO_NET_F_MTU = 3;
/** Feature bit: `mac` in the configuration is valid. */
export const VIRTIO_NET_F_MAC = 5;
/** Feature bit: the driver takes TCP over IPv4 in long segments. */
export const VIRTIO_NET_F_GUEST_TSO4 = 7;
/** Feature bit: the driver takes TCP over IPv6 in long segments. */
export const VIRTIO_NET_F_GUEST_TSO6 = 8;
/** Feature bit: the driver takes long TCP segments with ECN's CWR set. */
export const VIRTIO_NET_F_GUEST_ECN = 9;
/** Feature bit: the driver takes UDP datagrams that are to be fragmented. */
export const VIRTIO_NET_F_GUEST_UFO = 10;
/** Feature bit: the device takes TCP over IPv4 in long segments. */
export const VIRTIO_NET_F_HOST_TSO4 = 11;
/** Feature bit: the device takes TCP over IPv6 in long segments. */
export const VIRTIO_NET_F_HOST_TSO6 = 12;
/** Feature bit: the device takes long TCP segments with ECN's CWR set. */
export const VIRTIO_NET_F_HOST_ECN = 13;
/** Feature bit: the device takes UDP datagrams that are to be fragmented. */
export const VIRTIO_NET_F_HOST_UFO = 14;
/** Feature bit: the driver merges receive buffers. */
export const VIRTIO_NET_F_MRG_RXBUF = 15;
/** Feature bit: `status` in the configuration is valid. */
export const VIRTIO_NET_F_STATUS = 16;
/** Feature bit: there is a control queue. */
export const VIRTIO_NET_F_CTRL_VQ = 17;
/** Feature bit: receive modes through the control queue. */
export const VIRTIO_NET_F_CTRL_RX = 18;
/** Feature bit: VLAN filtering through the control queue. */
export const VIRTIO_NET_F_CTRL_VLAN = 19;
/** Feature bit: further receive modes (5.1.6.5.1). */
export const VIRTIO_NET_F_CTRL_RX_EXTRA = 20;
/** Feature bit: the driver can announce itself. */
export const VIRTIO_NET_F_GUEST_ANNOUNCE = 21;
/** Feature bit: several queue pairs. */
export const VIRTIO_NET_F_MQ = 22;
/** Feature bit: the address is set through the control queue. */
export const VIRTIO_NET_F_CTRL_MAC_ADDR = 23;
/** Feature bit: coalescing parameters for each queue. From VIRTIO 1.3. */
export const VIRTIO_NET_F_VQ_NOTF_COAL = 52;
/** Feature bit: coalescing parameters. From VIRTIO 1.3. */
export const VIRTIO_NET_F_NOTF_COAL = 53;
/** Feature bit: the driver takes UDP over IPv4 in long segments. From VIRTIO 1.3. */
export const VIRTIO_NET_F_GUEST_USO4 = 54;
/** Feature bit: the driver takes UDP over IPv6 in long segments. From VIRTIO 1.3. */
export const VIRTIO_NET_F_GUEST_USO6 = 55;
/** Feature bit: the device takes UDP in long segments. */
export const VIRTIO_NET_F_HOST_USO = 56;
/** Feature bit: a hash is reported with each received frame. */
export const VIRTIO_NET_F_HASH_REPORT = 57;
/** Feature bit: `hdr_len` is exact. */
export const VIRTIO_NET_F_GUEST_HDRLEN = 59;
/** Feature bit: receive-side scaling. */
export const VIRTIO_NET_F_RSS = 60;
/** Feature bit: `speed` and `duplex` in the configuration are valid. */
export const VIRTIO_NET_F_SPEED_DUPLEX = 63;

/** Offset of the six bytes of `mac` in the configuration (5.1.4). */
export const VIRTIO_NET_CONFIG_MAC = 0;
/** Offset of the le16 `status`. */
export const VIRTIO_NET_CONFIG_STATUS = 6;
/** Offset of the le16 `max_virtqueue_pairs`. */
export const VIRTIO_NET_CONFIG_MAX_VIRTQUEUE_PAIRS = 8;
/** Offset of the le16 `mtu`. */
export const VIRTIO_NET_CONFIG_MTU = 10;
/** Bit of `status`: the link is up. */
export const VIRTIO_NET_S_LINK_UP = 1;

/** Bytes of the header before a frame in the legacy interface without MRG_RXBUF (5.1.6.1). */
export const VIRTIO_NET_HDR_BYTES = 10;
/** Bytes of the header with `num_buffers`: with MRG_RXBUF, and always with VERSION_1. */
export const VIRTIO_NET_HDR_MRG_BYTES = 12;
/** Header flag: the checksum from `csum_start` on is to be filled in at `csum_offset`. */
export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
/** Header flag: the checksum has been verified. */
export const VIRTIO_NET_HDR_F_DATA_VALID = 2;
/** Header flag: `csum_start` and `csum_offset` hold what RSC_EXT says. */
export const VIRTIO_NET_HDR_F_RSC_INFO = 4;
/** Header `gso_type`: an ordinary frame. */
export const VIRTIO_NET_HDR_GSO_NONE = 0;
/** Header `gso_type`: TCP over IPv4, to be segmented. */
export const VIRTIO_NET_HDR_GSO_TCPV4 = 1;
/** Header `gso_type`: UDP, to be fragmented. */
export const VIRTIO_NET_HDR_GSO_UDP = 3;
/** Header `gso_type`: TCP over IPv6, to be segmented. */
export const VIRTIO_NET_HDR_GSO_TCPV6 = 4;
/** Header `gso_type`: UDP, to be segmented. */
export const VIRTIO_NET_HDR_GSO_UDP_L4 = 5;
/** Header `gso_type`, bit beside the others: the segment has ECN's CWR set. */
export const VIRTIO_NET_HDR_GSO_ECN = 0x80;
