/** An Ethernet header: no frame is shorter. */
export const HEADER_BYTES = 14;

/** What a frame has beyond the MTU: an Ethernet header and a VLAN tag. */
export const OVERHEAD_BYTES = 18;

/** The longest frame there can be: a segment of 64 KiB with its headers. */
export const MAX_FRAME_BYTES: number = 65535 + OVERHEAD_BYTES;
