import { type WideBytes, wideBytes } from "./wide-bytes.ts";

/** Room for ranges at first; most frames have one or two. */
const FIRST_RANGES = 4;

const NO_BYTES = new Uint8Array(0);
const NO_U32 = new Uint32Array(0);
const NO_F64 = new Float64Array(0);

/** Memory that a frame lies in: a region of guest memory, or whatever else has these. */
export interface FrameMemory {
  /** All of it. */
  readonly bytes: Uint8Array;
  /** Guest physical address of its first byte. */
  readonly gpa: number;
  /** That byte's address in this process, 0 where it has none. */
  readonly hostAddress: number;
}

/** Of a frame that was never placed. */
const NO_MEMORY: FrameMemory = { bytes: NO_BYTES, gpa: 0, hostAddress: 0 };

/**
 * One Ethernet frame as it lies in guest memory: a list of byte ranges, in order, without frame check sequence.
 * For transmit the ranges hold the frame; for receive they are room for one.
 *
 * The card owns the object and uses it again; the VMM owns the bytes. A backend may look at both from the moment
 * it gets them until it gives them back (`Complete`, `Failed`, `txComplete`, `rxComplete`). When the guest resets
 * its card, frames that a backend still holds become empty: `rangeCount` 0.
 *
 * Ranges are kept as parallel arrays, not as objects: nothing is allocated for a frame. The arrays of numbers are others
 * after a `push` that they were too short for, so take them from the frame each time. A frame that has one range in a
 * region, as nearly all do, is two words until somebody asks for an array; `firstBytes` and its like ask for none.
 */
export class Frame {
  /** How many ranges count. The arrays below may be longer; what lies behind is left over from other frames. */
  rangeCount = 0;
  /** Sum of the ranges' lengths in bytes. */
  totalBytes = 0;
  /** The memory that the first range lies in, where it starts in there, and its length. */
  firstBytes: Uint8Array = NO_BYTES;
  firstOffset = 0;
  firstLength = 0;
  /** The memory of the last `place`. */
  #memory: FrameMemory = NO_MEMORY;
  /** The frame has one range, which the arrays do not have yet. */
  #placed = false;
  readonly #bytes: Uint8Array[] = [];
  #offset: Uint32Array = NO_U32;
  #length: Uint32Array = NO_U32;
  #gpa: Float64Array = NO_F64;
  #hostAddress: Float64Array = NO_F64;
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

  /** Of the first range, and of the others, where asked for: the views of its memory in wider words. */
  #firstWide: WideBytes | null = null;
  readonly #wide: (WideBytes | null)[] = [];

  /** Per range: the memory that it lies in. A view of a whole region; index it with `offset`. */
  get bytes(): Uint8Array[] {
    if (this.#placed) this.#layOut();
    return this.#bytes;
  }

  /** Per range: where it starts in `bytes`. */
  get offset(): Uint32Array {
    if (this.#placed) this.#layOut();
    return this.#offset;
  }

  /** Per range: its length in bytes, at least 1. */
  get length(): Uint32Array {
    if (this.#placed) this.#layOut();
    return this.#length;
  }

  /** Per range: its guest physical address. */
  get gpa(): Float64Array {
    if (this.#placed) this.#layOut();
    return this.#gpa;
  }

  /** Per range: its address in this process, 0 where it has none. */
  get hostAddress(): Float64Array {
    if (this.#placed) this.#layOut();
    return this.#hostAddress;
  }

  /** The memory of range `range` in wider words, for copying; null where it is no region. */
  wide(range: number): WideBytes | null {
    if (range === 0) return this.firstWide();
    const bytes = this.#bytes[range];
    if (bytes === undefined) return null;
    const kept = this.#wide[range];
    // Slots are used again for the same memory, so the views of last time are mostly the right ones.
    if (kept !== undefined && kept !== null && kept.bytes === bytes) return kept;
    const wide = wideBytes(bytes);
    this.#wide[range] = wide;
    return wide;
  }

  /** `wide` for the first range. */
  firstWide(): WideBytes | null {
    const bytes = this.firstBytes;
    const kept = this.#firstWide;
    if (kept !== null && kept.bytes === bytes) return kept;
    const wide = wideBytes(bytes);
    this.#firstWide = wide;
    return wide;
  }

  /** Forgets the ranges and the offload fields. */
  clear(): void {
    this.rangeCount = 0;
    this.totalBytes = 0;
    this.firstLength = 0;
    this.#placed = false;
    this.clearOffloads();
  }

  /** Forgets the offload fields. */
  clearOffloads(): void {
    this.flags = 0;
    this.gsoType = 0;
    this.hdrLen = 0;
    this.gsoSize = 0;
    this.csumStart = 0;
    this.csumOffset = 0;
  }

  /** Adds a range at the end. `lengthBytes` is at least 1. */
  push(bytes: Uint8Array, offset: number, lengthBytes: number, gpa = 0, hostAddress = 0): void {
    if (this.#placed) this.#layOut();
    const at = this.rangeCount++;
    if (at >= this.#length.length) this.#grow();
    this.#bytes[at] = bytes;
    this.#offset[at] = offset;
    this.#length[at] = lengthBytes;
    this.#gpa[at] = gpa;
    this.#hostAddress[at] = hostAddress;
    if (at === 0) {
      this.firstBytes = bytes;
      // Read back, as it may have come as a float: the JIT keeps a field that is always a small integer as one.
      this.firstOffset = this.#offset[0] as number;
      this.firstLength = lengthBytes;
    }
    this.totalBytes += lengthBytes;
  }

  /**
   * Has one range and no other. The offload fields stay as they are.
   * @param memory that it lies in; what it says of itself is looked at when it is asked for
   * @param offset where it starts in there
   */
  place(memory: FrameMemory, offset: number, lengthBytes: number): void {
    this.firstBytes = memory.bytes;
    this.#memory = memory;
    this.placeAgain(offset, lengthBytes);
  }

  /** `place` in the same memory as the last time, which nothing has happened to since: a quarter of the instructions. */
  placeAgain(offset: number, lengthBytes: number): void {
    this.rangeCount = 1;
    this.totalBytes = lengthBytes;
    this.firstLength = lengthBytes;
    this.firstOffset = offset;
    this.#placed = true;
  }

  /** Range `range` has its bytes elsewhere now, and its address is as it was. */
  move(range: number, { bytes, gpa, hostAddress }: FrameMemory): void {
    const at = (this.gpa[range] ?? 0) - gpa;
    if (range === 0) {
      this.firstBytes = bytes;
      this.firstOffset = at >>> 0;
    }
    this.#bytes[range] = bytes;
    this.#offset[range] = at;
    this.#hostAddress[range] = hostAddress === 0 ? 0 : hostAddress + at;
  }

  /** The only range goes into the arrays. */
  #layOut(): void {
    const { gpa, hostAddress } = this.#memory;
    const at = this.firstOffset;
    this.#placed = false;
    if (this.#length.length === 0) this.#grow();
    this.#bytes[0] = this.firstBytes;
    this.#offset[0] = at;
    this.#length[0] = this.firstLength;
    this.#gpa[0] = gpa + at;
    this.#hostAddress[0] = hostAddress === 0 ? 0 : hostAddress + at;
  }

  #grow(): void {
    const ranges = Math.max(FIRST_RANGES, 2 * this.#length.length);
    this.#offset = copyInto(new Uint32Array(ranges), this.#offset);
    this.#length = copyInto(new Uint32Array(ranges), this.#length);
    this.#gpa = copyInto(new Float64Array(ranges), this.#gpa);
    this.#hostAddress = copyInto(new Float64Array(ranges), this.#hostAddress);
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
