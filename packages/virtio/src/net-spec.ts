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
/** Feature bit: `mtu` in the configuration is valid. */
export const VIRTIO_NET_F_MTU = 3;
/** Feature bit: `mac` in the configuration is valid. */
export const VIRTIO_NET_F_MAC = 5;
/** Feature bit: the driver merges receive buffers. */
export const VIRTIO_NET_F_MRG_RXBUF = 15;
/** Feature bit: `status` in the configuration is valid. */
export const VIRTIO_NET_F_STATUS = 16;

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
/** Header `gso_type`: an ordinary frame. */
export const VIRTIO_NET_HDR_GSO_NONE = 0;
