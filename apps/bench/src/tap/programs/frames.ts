/* The frames of native/tap.c. */

/** Frames in a batch. Two descriptors each fill a ring of 256. */
export const BATCH = 128;
/** Segments in a batch. */
export const LONG_BATCH = 16;

const ETHERTYPE_EXPERIMENTAL = 0x88b5;
const ADDRESSES = [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1];
const LONGEST_WHOLE_FRAME = 9018;

/** What the header of a segment says: TCP over IPv4, its checksum open. */
export const SEGMENT = { flags: 1, gsoType: 1, hdrLen: 54, gsoSize: 1448, csumStart: 34, csumOffset: 16 } as const;

/** Whether frames of that length are segments to be cut. */
export function isLong(bytes: number): boolean {
  return bytes > LONGEST_WHOLE_FRAME;
}

/** A frame for somebody else. */
export function makeFrame(bytes: number): Uint8Array {
  const frame = new Uint8Array(bytes).fill(0x5a);
  const view = new DataView(frame.buffer);
  frame.set(ADDRESSES);
  view.setUint16(12, ETHERTYPE_EXPERIMENTAL);
  if (!isLong(bytes)) return frame;
  frame.set([0x08, 0x00, 0x45, 0x00], 12);
  view.setUint16(16, bytes - 14);
  // No fragment; TCP; a header of 20 bytes with ACK.
  frame.fill(0, 20, 22);
  frame[23] = 6;
  frame.set([0x50, 0x10], 46);
  return frame;
}

/** The ten bytes before a segment. */
export function segmentHeader(): Uint8Array {
  const header = new Uint8Array(10);
  const view = new DataView(header.buffer);
  const { flags, gsoType, hdrLen, gsoSize, csumStart, csumOffset } = SEGMENT;
  header.set([flags, gsoType]);
  for (const [i, value] of [hdrLen, gsoSize, csumStart, csumOffset].entries()) view.setUint16(2 + 2 * i, value, true);
  return header;
}
