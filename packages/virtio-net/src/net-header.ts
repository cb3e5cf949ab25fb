import { type Frame, writeFrame } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_MRG_BYTES } from "@vmmkit/virtio";

/*
 * The header before each frame (VIRTIO 1.2, 5.1.6), little-endian:
 *
 *   0 flags · 1 gso_type · 2 hdr_len · 4 gso_size · 6 csum_start · 8 csum_offset · 10 num_buffers (MRG_RXBUF only)
 */
const scratch = new Uint8Array(VIRTIO_NET_HDR_MRG_BYTES);

/**
 * Writes the header of a received frame.
 * @param target where it goes: exactly as many bytes as the header has, in one range or in several
 * @param frame whose offload fields it says
 * @param numBuffers how many chains the frame fills
 */
export function writeNetHeader(target: Frame, frame: Frame, numBuffers: number): void {
  const bytes = target.bytes[0];
  const at = target.offset[0];
  if (target.rangeCount === 1 && bytes !== undefined && at !== undefined) {
    put(bytes, at, target.totalBytes, frame, numBuffers);
    return;
  }
  put(scratch, 0, target.totalBytes, frame, numBuffers);
  writeFrame(target, target.totalBytes < scratch.length ? scratch.subarray(0, target.totalBytes) : scratch);
}

function put(bytes: Uint8Array, at: number, count: number, frame: Frame, numBuffers: number): void {
  bytes[at] = frame.flags;
  bytes[at + 1] = frame.gsoType;
  bytes[at + 2] = frame.hdrLen;
  bytes[at + 3] = frame.hdrLen >>> 8;
  bytes[at + 4] = frame.gsoSize;
  bytes[at + 5] = frame.gsoSize >>> 8;
  bytes[at + 6] = frame.csumStart;
  bytes[at + 7] = frame.csumStart >>> 8;
  bytes[at + 8] = frame.csumOffset;
  bytes[at + 9] = frame.csumOffset >>> 8;
  if (count >= VIRTIO_NET_HDR_MRG_BYTES) {
    bytes[at + 10] = numBuffers;
    bytes[at + 11] = numBuffers >>> 8;
  }
}
