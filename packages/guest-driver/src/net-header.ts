import { VIRTIO_NET_HDR_HASH_BYTES, VIRTIO_NET_HDR_MRG_BYTES } from "@vmmkit/virtio";

/** The header before a frame (VIRTIO 1.2, 5.1.6): what the guest asks of the device, or the device tells the guest. */
export interface NetHeader {
  /** `VIRTIO_NET_HDR_F_*`. */
  flags: number;
  /** `VIRTIO_NET_HDR_GSO_*`. */
  gsoType: number;
  /** Bytes of headers before the payload of a segmented frame. */
  hdrLen: number;
  /** Payload bytes of each segment. */
  gsoSize: number;
  /** Where checksumming starts. */
  csumStart: number;
  /** Where the checksum goes, from `csumStart`. */
  csumOffset: number;
  /** How many buffers the frame is in, with MRG_RXBUF; 0 in the 10-byte header and on transmit. */
  numBuffers: number;
  /** `hash_value`, with HASH_REPORT. */
  hashValue: number;
  /** `hash_report`: VIRTIO_NET_HASH_REPORT_*, with HASH_REPORT. */
  hashReport: number;
}

/** A header that says nothing. */
export function emptyNetHeader(): NetHeader {
  return {
    flags: 0,
    gsoType: 0,
    hdrLen: 0,
    gsoSize: 0,
    csumStart: 0,
    csumOffset: 0,
    numBuffers: 0,
    hashValue: 0,
    hashReport: 0,
  };
}

/** Reads a header of 10, 12 or 20 bytes at `offset` into `header`. */
export function readNetHeader(bytes: Uint8Array, offset: number, headerBytes: number, header: NetHeader): void {
  header.flags = bytes[offset] as number;
  header.gsoType = bytes[offset + 1] as number;
  header.hdrLen = le16(bytes, offset + 2);
  header.gsoSize = le16(bytes, offset + 4);
  header.csumStart = le16(bytes, offset + 6);
  header.csumOffset = le16(bytes, offset + 8);
  header.numBuffers = headerBytes >= VIRTIO_NET_HDR_MRG_BYTES ? le16(bytes, offset + 10) : 0;
  const hashed = headerBytes === VIRTIO_NET_HDR_HASH_BYTES;
  header.hashValue = hashed ? (le16(bytes, offset + 12) | (le16(bytes, offset + 14) << 16)) >>> 0 : 0;
  header.hashReport = hashed ? le16(bytes, offset + 16) : 0;
}

/** Writes a header of 10, 12 or 20 bytes at `offset`; what `header` does not name is 0. A driver sends no hash. */
export function writeNetHeader(
  bytes: Uint8Array,
  offset: number,
  headerBytes: number,
  header: Partial<NetHeader>,
): void {
  bytes[offset] = header.flags ?? 0;
  bytes[offset + 1] = header.gsoType ?? 0;
  storeLe16(bytes, offset + 2, header.hdrLen ?? 0);
  storeLe16(bytes, offset + 4, header.gsoSize ?? 0);
  storeLe16(bytes, offset + 6, header.csumStart ?? 0);
  storeLe16(bytes, offset + 8, header.csumOffset ?? 0);
  if (headerBytes === VIRTIO_NET_HDR_HASH_BYTES) bytes.fill(0, offset + 12, offset + 20);
  if (headerBytes >= VIRTIO_NET_HDR_MRG_BYTES) storeLe16(bytes, offset + 10, header.numBuffers ?? 0);
}

function le16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
}

function storeLe16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >> 8;
}
