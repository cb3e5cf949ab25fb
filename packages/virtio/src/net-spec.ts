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
/** Offset of the le32 `speed`, in Mbit/s. */
export const VIRTIO_NET_CONFIG_SPEED = 12;
/** Offset of the byte `duplex`. */
export const VIRTIO_NET_CONFIG_DUPLEX = 16;
/** Offset of the byte `rss_max_key_size`. */
export const VIRTIO_NET_CONFIG_RSS_MAX_KEY_SIZE = 17;
/** Offset of the le16 `rss_max_indirection_table_length`. */
export const VIRTIO_NET_CONFIG_RSS_MAX_INDIRECTION_TABLE_LENGTH = 18;
/** Offset of the le32 `supported_hash_types`. */
export const VIRTIO_NET_CONFIG_SUPPORTED_HASH_TYPES = 20;
/** Bit of `status`: the link is up. */
export const VIRTIO_NET_S_LINK_UP = 1;
/** Bit of `status`: the driver is asked to announce itself (5.1.6.5.4). */
export const VIRTIO_NET_S_ANNOUNCE = 2;
/** `speed`: not known. */
export const VIRTIO_NET_SPEED_UNKNOWN = 0xffff_ffff;
/** `duplex`: half. As 5.1.4 says; 5.1.4.1 has the two the other way round, and no driver does. */
export const VIRTIO_NET_DUPLEX_HALF = 0;
/** `duplex`: full. */
export const VIRTIO_NET_DUPLEX_FULL = 1;
/** `duplex`: not known. */
export const VIRTIO_NET_DUPLEX_UNKNOWN = 0xff;

/** Bytes of the header before a frame in the legacy interface without MRG_RXBUF (5.1.6.1). */
export const VIRTIO_NET_HDR_BYTES = 10;
/** Bytes of the header with `num_buffers`: with MRG_RXBUF, and always with VERSION_1. */
export const VIRTIO_NET_HDR_MRG_BYTES = 12;
/** Bytes of the header with a hash: with HASH_REPORT. */
export const VIRTIO_NET_HDR_HASH_BYTES = 20;
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

/*
 * Control queue (5.1.6.5): classes, their commands, and the answer.
 */

/** `ack`: the command was carried out. */
export const VIRTIO_NET_OK = 0;
/** `ack`: it was not. */
export const VIRTIO_NET_ERR = 1;

/** Class: receive modes (5.1.6.5.1). The data of each command is one byte, 0 or 1. */
export const VIRTIO_NET_CTRL_RX = 0;
export const VIRTIO_NET_CTRL_RX_PROMISC = 0;
export const VIRTIO_NET_CTRL_RX_ALLMULTI = 1;
export const VIRTIO_NET_CTRL_RX_ALLUNI = 2;
export const VIRTIO_NET_CTRL_RX_NOMULTI = 3;
export const VIRTIO_NET_CTRL_RX_NOUNI = 4;
export const VIRTIO_NET_CTRL_RX_NOBCAST = 5;

/** Class: addresses (5.1.6.5.2). */
export const VIRTIO_NET_CTRL_MAC = 1;
/** Two tables, each a le32 count and as many addresses: unicast, then multicast. */
export const VIRTIO_NET_CTRL_MAC_TABLE_SET = 0;
/** Six bytes. */
export const VIRTIO_NET_CTRL_MAC_ADDR_SET = 1;

/** Class: VLANs (5.1.6.5.3). The data of each command is a le16. */
export const VIRTIO_NET_CTRL_VLAN = 2;
export const VIRTIO_NET_CTRL_VLAN_ADD = 0;
export const VIRTIO_NET_CTRL_VLAN_DEL = 1;

/** Class: announcements (5.1.6.5.4). */
export const VIRTIO_NET_CTRL_ANNOUNCE = 3;
/** No data. */
export const VIRTIO_NET_CTRL_ANNOUNCE_ACK = 0;

/** Class: queue pairs, receive-side scaling and hashes (5.1.6.5.5). */
export const VIRTIO_NET_CTRL_MQ = 4;
/** A le16, from 1 to `max_virtqueue_pairs`. */
export const VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET = 0;
/** `struct virtio_net_rss_config`. */
export const VIRTIO_NET_CTRL_MQ_RSS_CONFIG = 1;
/** `struct virtio_net_hash_config`. */
export const VIRTIO_NET_CTRL_MQ_HASH_CONFIG = 2;

/** Class: offloads of the driver (5.1.6.5.8). */
export const VIRTIO_NET_CTRL_GUEST_OFFLOADS = 5;
/** A le64 of feature bits. */
export const VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET = 0;

/** Class: coalescing of notifications (VIRTIO 1.3). The data are le32 `max_packets` and le32 `max_usecs`. */
export const VIRTIO_NET_CTRL_NOTF_COAL = 6;
export const VIRTIO_NET_CTRL_NOTF_COAL_TX_SET = 0;
export const VIRTIO_NET_CTRL_NOTF_COAL_RX_SET = 1;
/** A le16 queue number and two reserved bytes come first. */
export const VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET = 2;
/** Likewise; the two parameters are the answer, before `ack`. */
export const VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET = 3;

/** Hash types, bits (5.1.6.4.3.1). Each is reported as 1 + its number. */
export const VIRTIO_NET_HASH_TYPE_IPv4 = 1;
export const VIRTIO_NET_HASH_TYPE_TCPv4 = 2;
export const VIRTIO_NET_HASH_TYPE_UDPv4 = 4;
export const VIRTIO_NET_HASH_TYPE_IPv6 = 8;
export const VIRTIO_NET_HASH_TYPE_TCPv6 = 16;
export const VIRTIO_NET_HASH_TYPE_UDPv6 = 32;
export const VIRTIO_NET_HASH_TYPE_IP_EX = 64;
export const VIRTIO_NET_HASH_TYPE_TCP_EX = 128;
export const VIRTIO_NET_HASH_TYPE_UDP_EX = 256;
/** `hash_report`: no hash was calculated (5.1.6.4.4). */
export const VIRTIO_NET_HASH_REPORT_NONE = 0;
