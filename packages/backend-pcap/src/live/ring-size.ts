/*
 * In immediate mode libpcap and the kernel share a ring of slots of one size (TPACKET_V2): each takes the longest frame
 * and its headers, however short the frame is, and slots lie in blocks of a power of two. libpcap's own 2 MB hold
 * 16 frames of 64 KB then, and the next burst is lost. So the ring is asked for by frames.
 *
 * Where frames are gathered, blocks of 256 KB are filled one frame behind the other (TPACKET_V3), and each is closed
 * after a time, whatever is in it. Then it is blocks that run out when a frame comes now and then.
 */

const PAGE_BYTES = 4096;
/** The kernel's header, the address of the sender, room for a VLAN tag, alignment: `TPACKET2_HDRLEN` and more. */
const SLOT_HEADER_BYTES = 112;
/** How long a block is where frames are gathered, and how many there are at least. */
const GATHERING_BLOCK_BYTES = 262_144;
const LEAST_BLOCKS = 64;
/** libpcap's own size, below which nothing is won. */
const LEAST_BYTES = 2 << 20;
/** What `int` holds, with room to round up. */
const MOST_BYTES = 1 << 30;

/** How large the ring is to be for so many frames, in bytes. */
export function ringBytes(snapLength: number, frames: number, immediate: boolean): number {
  const slotBytes = Math.ceil((snapLength + SLOT_HEADER_BYTES) / 16) * 16;
  let blockBytes = PAGE_BYTES;
  while (blockBytes < slotBytes) blockBytes *= 2;
  const blocks = Math.ceil(frames / Math.floor(blockBytes / slotBytes));
  const least = immediate ? LEAST_BYTES : LEAST_BLOCKS * GATHERING_BLOCK_BYTES;
  return Math.min(Math.max(blocks * blockBytes, least), MOST_BYTES);
}
