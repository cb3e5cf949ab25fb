/*
 * The pcapng format (draft-ietf-opsawg-pcapng): a row of blocks, each with its type, its length, a body, and its
 * length once more, padded to four bytes. A section header starts a section and tells its byte order; interface
 * descriptions number the interfaces of a section from 0. Offsets are in bytes from the start of a block.
 */

export const BLOCK = {
  section: 0x0a0d0d0a,
  interface: 1,
  packet: 2,
  simplePacket: 3,
  statistics: 5,
  frame: 6,
} as const;

/** Type and length before a body take eight bytes, the length behind it four. */
export const BLOCK_TAIL_BYTES = 4;
export const SMALLEST_BLOCK_BYTES = 12;
/** What Wireshark takes for the longest block there can be. */
export const LONGEST_BLOCK_BYTES = 0x100_0000;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const VERSION_MAJOR = 1;
export const VERSION_MINOR = 0;
/** A section that goes on to the end of the file. */
export const LENGTH_UNKNOWN = 0xffff_ffff;

/** Section header block. */
export const SECTION = { magic: 8, major: 12, minor: 14, lengthLow: 16, lengthHigh: 20, options: 24 } as const;
/** Interface description block. */
export const INTERFACE = { linkType: 8, snapLength: 12, options: 16 } as const;
/** Enhanced packet block. */
export const FRAME = { interface: 8, timeHigh: 12, timeLow: 16, captured: 20, length: 24, data: 28 } as const;
/** Packet block, the one before it: obsolete, but files have it. */
export const PACKET = {
  interface: 8,
  drops: 10,
  timeHigh: 12,
  timeLow: 16,
  captured: 20,
  length: 24,
  data: 28,
} as const;
/** Simple packet block: on interface 0, at no time. */
export const SIMPLE = { length: 8, data: 12 } as const;
/** Interface statistics block. */
export const STATISTICS = { interface: 8, timeHigh: 12, timeLow: 16, options: 20 } as const;

/** A code and a length before the value of an option. */
export const OPTION_HEAD_BYTES = 4;
export const OPTION_END = 0;
export const OPTION_COMMENT = 1;
export const SECTION_OPTION = { hardware: 2, system: 3, application: 4 } as const;
export const INTERFACE_OPTION = {
  name: 2,
  description: 3,
  mac: 6,
  timeResolution: 9,
  filter: 11,
  fcsBits: 13,
  timeOffset: 14,
} as const;
export const FRAME_OPTION = { flags: 2, dropCount: 4 } as const;
export const STATISTICS_OPTION = { start: 2, end: 3, received: 4, dropped: 5 } as const;

/** In `timeResolution`: 10 to the power of minus nine, and the bit for powers of two. */
export const NANOSECONDS = 9;
export const MICROSECONDS = 6;
export const POWER_OF_TWO = 0x80;
/** In the flags of a frame: its direction, and how long its check sequence is. */
export const FLAG_DIRECTION_MASK = 3;
export const FLAG_FCS_SHIFT = 5;
export const FLAG_FCS_MASK = 15;
/** First byte of the filter option: an expression of libpcap's follows. */
export const FILTER_EXPRESSION = 0;
