/*
 * The classic format (draft-ietf-opsawg-pcap): a header of 24 bytes for the file, then for each frame 16 bytes and
 * its data. The byte order is the writer's, and the first four bytes tell it. Offsets are in bytes.
 */

/** First word of a file with microseconds. */
export const MAGIC_MICROSECONDS = 0xa1b2c3d4;
/** First word of a file with nanoseconds. */
export const MAGIC_NANOSECONDS = 0xa1b23c4d;
/** First word of a file of Kuznetzov's modified libpcap: eight more bytes for each frame. */
export const MAGIC_MODIFIED = 0xa1b2cd34;

/** The header of a file. */
export const FILE_HEADER_BYTES = 24;
export const FILE = { magic: 0, major: 4, minor: 6, snapLength: 16, linkType: 20 } as const;

/** The only version there is; minor ones below 4 had the two lengths of a frame the other way round. */
export const VERSION_MAJOR = 2;
export const VERSION_MINOR = 4;

/** The header of a frame. */
export const FRAME_HEADER_BYTES = 16;
export const FRAME = { seconds: 0, fraction: 4, captured: 8, length: 12 } as const;
/** The same in a modified file; `packetType` is what Linux calls `sll_pkttype`. */
export const MODIFIED_FRAME_HEADER_BYTES = 24;
export const MODIFIED_FRAME = { interfaceIndex: 16, packetType: 22 } as const;
export const PACKET_OUTGOING = 4;

/** In the word of the link type: the type itself, whether frames end with a check sequence, and how long that is. */
export const LINK_TYPE_MASK = 0xffff;
export const FCS_PRESENT = 0x0400_0000;
export const FCS_SHIFT = 28;

/** Ethernet, the link type of all that is written here. */
export const LINKTYPE_ETHERNET = 1;

/** What tcpdump and Wireshark take for the longest frame there can be, in bytes. */
export const LONGEST_SNAP_LENGTH = 262_144;
