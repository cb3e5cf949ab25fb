import { type WideBytes, wideBytes } from "./wide-bytes.ts";

/** Room for ranges at first; most frames have one or two. */
const FIRST_RANGES = 4;

/**
 * One Ethernet frame as it lies in guest memory: a list of byte ranges, in order, without frame check sequence.
 * For transmit the ranges hold the frame; for receive they are room for one.
 *
 * The card owns the object and uses it again; the VMM owns the bytes. A backend may look at both from the moment
 * it gets them until it gives them back (`Complete`, `Failed`, `txComplete`, `rxComplete`). When the guest resets
 * its card, frames that a backend still holds become empty: `rangeCount` 0.
 *
 * Ranges are kept as parallel arrays, not as objects: nothing is allocated for a frame. The arrays of numbers are others
 * after a `push` that they were too short for, so take them from the frame each time.
 */
export class Frame {
  /** How many ranges count. The arrays below may be longer; what lies behind is left over from other frames. */
  rangeCount = 0;
  /** Sum of the ranges' lengths in bytes. */
  totalBytes = 0;
  /** Per range: the memory that it lies in. A view of a whole region; index it with `offset`. */
  readonly bytes: Uint8Array[] = [];
  /** Per range: where it starts in `bytes`. */
  offset: Uint32Array = new Uint32Array(FIRST_RANGES);
  /** Per range: its length in bytes, at least 1. */
  length: Uint32Array = new Uint32Array(FIRST_RANGES);
  /** Per range: its guest physical address. */
  gpa: Float64Array = new Float64Array(FIRST_RANGES);
  /** Per range: its address in this process, 0 where it has none. */
  hostAddress: Float64Array = new Float64Array(FIRST_RANGES);
  /** The card's name for this frame while a backend holds it. */
  cookie = -1;
  /** Number of the queue pair that it came from, or that its room belongs to; 0 where there is one pair. */
  queue = 0;

  /** What `flags` of virtio-net's header says (VIRTIO 1.2, 5.1.6): `VIRTIO_NET_HDR_F_*`. 0 without offloads. */
  flags = 0;
  /** `gso_type`: `VIRTIO_NET_HDR_GSO_*`. 0 without offloads. */
  gsoType = 0;
  /** `hdr_len`: bytes of headers before the payload of a segmented frame. */
  hdrLen = 0;
  /** `gso_size`: payload bytes of each segment. */
  gsoSize = 0;
  /** `csum_start`: where checksumming starts, in bytes from the start of the frame. */
  csumStart = 0;
  /** `csum_offset`: where the checksum goes, in bytes from `csumStart`. */
  csumOffset = 0;

  /** Per range, where asked for: the views of `bytes` in wider words. */
  readonly #wide: (WideBytes | null)[] = [];

  /** The memory of range `range` in wider words, for copying; null where it is no region. */
  wide(range: number): WideBytes | null {
    const bytes = this.bytes[range];
    if (bytes === undefined) return null;
    const kept = this.#wide[range];
    // Slots are used again for the same memory, so the views of last time are mostly the right ones.
    if (kept !== undefined && kept !== null && kept.bytes === bytes) return kept;
    const wide = wideBytes(bytes);
    this.#wide[range] = wide;
    return wide;
  }

  /** Forgets the ranges and the offload fields. */
  clear(): void {
    this.rangeCount = 0;
    this.totalBytes = 0;
    this.flags = 0;
    this.gsoType = 0;
    this.hdrLen = 0;
    this.gsoSize = 0;
    this.csumStart = 0;
    this.csumOffset = 0;
  }

  /** Adds a range at the end. `lengthBytes` is at least 1. */
  push(bytes: Uint8Array, offset: number, lengthBytes: number, gpa = 0, hostAddress = 0): void {
    const at = this.rangeCount++;
    if (at >= this.length.length) this.#grow();
    this.bytes[at] = bytes;
    this.offset[at] = offset;
    this.length[at] = lengthBytes;
    this.gpa[at] = gpa;
    this.hostAddress[at] = hostAddress;
    this.totalBytes += lengthBytes;
  }

  /** Has this range and no other. The offload fields stay as they are. */
  pushAlone(bytes: Uint8Array, offset: number, lengthBytes: number, gpa: number, hostAddress: number): void {
    this.rangeCount = 1;
    this.totalBytes = lengthBytes;
    this.bytes[0] = bytes;
    this.offset[0] = offset;
    this.length[0] = lengthBytes;
    this.gpa[0] = gpa;
    this.hostAddress[0] = hostAddress;
  }

  #grow(): void {
    const ranges = 2 * this.length.length;
    this.offset = copyInto(new Uint32Array(ranges), this.offset);
    this.length = copyInto(new Uint32Array(ranges), this.length);
    this.gpa = copyInto(new Float64Array(ranges), this.gpa);
    this.hostAddress = copyInto(new Float64Array(ranges), this.hostAddress);
  }

  /** Takes over the offload fields of another frame. */
  copyOffloadsFrom(other: Frame): void {
    this.flags = other.flags;
    this.gsoType = other.gsoType;
    this.hdrLen = other.hdrLen;
    this.gsoSize = other.gsoSize;
    this.csumStart = other.csumStart;
    this.csumOffset = other.csumOffset;
  }
}

function copyInto<Numbers extends Uint32Array | Float64Array>(target: Numbers, source: Numbers): Numbers {
  target.set(source);
  return target;
}
