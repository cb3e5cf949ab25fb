import { type Frame, readFrame, writeFrame } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_MRG_BYTES } from "@vmmkit/virtio";
import type { WordViews } from "./offload/word-views.ts";

/*
 * The header before each frame (VIRTIO 1.2, 5.1.6), little-endian:
 *
 *   0 flags · 1 gso_type · 2 hdr_len · 4 gso_size · 6 csum_start · 8 csum_offset · 10 num_buffers
 *
 * The last two bytes are there with MRG_RXBUF or VERSION_1.
 */
const NUM_BUFFERS_AT = 10;

const scratch = new Uint8Array(VIRTIO_NET_HDR_MRG_BYTES);

/** What a header asks for: `flags`, and `gso_type` times 256. 0 in nearly every one. */
export function readNetHeaderAsks(header: Frame): number {
  const bytes = header.bytes[0];
  const at = header.offset[0];
  if (bytes === undefined || at === undefined || (header.length[0] ?? 0) < 2) {
    readFrame(header, scratch);
    return (scratch[0] as number) | ((scratch[1] as number) << 8);
  }
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/** Reads what `readNetHeaderAsks` did not: each field once, as the guest may be changing them. */
export function readNetHeaderFields(header: Frame, frame: Frame): void {
  readFrame(header, scratch);
  frame.hdrLen = le16(2);
  frame.gsoSize = le16(4);
  frame.csumStart = le16(6);
  frame.csumOffset = le16(8);
}

/**
 * Writes the header of a received frame.
 * @param target where it goes: exactly as many bytes as the header has, in one range or in several
 * @param frame whose offload fields it says
 * @param numBuffers how many chains the frame fills
 */
export function writeNetHeader(target: Frame, frame: Frame, numBuffers: number, views: WordViews): void {
  const bytes = target.bytes[0];
  const at = target.offset[0];
  if (target.rangeCount !== 1 || bytes === undefined || at === undefined) {
    put(scratch, 0, target.totalBytes, frame, numBuffers);
    writeFrame(target, target.totalBytes < scratch.length ? scratch.subarray(0, target.totalBytes) : scratch);
    return;
  }
  const count = target.totalBytes;
  const words = views.of(bytes);
  if (words.length === 0 || (at & 3) !== 0 || count !== VIRTIO_NET_HDR_MRG_BYTES) {
    put(bytes, at, count, frame, numBuffers);
    return;
  }
  const index = at >>> 2;
  words[index] = frame.flags | (frame.gsoType << 8) | (frame.hdrLen << 16);
  words[index + 1] = frame.gsoSize | (frame.csumStart << 16);
  words[index + 2] = frame.csumOffset | (numBuffers << 16);
}

/** Writes the header of a received frame that says nothing but that it fills one chain. @param count its bytes */
export function writePlainHeader(bytes: Uint8Array, at: number, count: number): void {
  for (let i = 0; i < count; i++) bytes[at + i] = 0;
  if (count >= VIRTIO_NET_HDR_MRG_BYTES) bytes[at + NUM_BUFFERS_AT] = 1;
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

function le16(at: number): number {
  return (scratch[at] as number) | ((scratch[at + 1] as number) << 8);
}
