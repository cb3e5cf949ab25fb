import type { Frame } from "@vmmkit/ethif";
import { addressOf } from "@vmmkit/posix";

/*
 * The header before each frame, little-endian (VIRTIO 1.2, 5.1.6):
 *
 *   0 flags · 1 gso_type · 2 hdr_len · 4 gso_size · 6 csum_start · 8 csum_offset · 10 num_buffers
 *
 * The kernel looks at the first ten bytes; the others are there where the header has twelve.
 */
const MAX_BYTES = 12;

/** One header in memory that system calls read and write. Its fields are a frame's, untouched. */
export class VnetHeader {
  /** Address of the first byte. */
  readonly address: number;
  /** Length in bytes: 0 where there is none, 10 or 12. */
  readonly sizeBytes: number;
  readonly #bytes: Uint8Array = new Uint8Array(new ArrayBuffer(MAX_BYTES));
  /** Nothing but zeros is in it, which is what nearly every frame needs. */
  #empty = true;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.address = addressOf(this.#bytes);
  }

  /** Says what a frame's fields say. */
  put(frame: Frame): void {
    if ((frame.flags | frame.gsoType) === 0) {
      if (!this.#empty) this.#bytes.fill(0);
      this.#empty = true;
      return;
    }
    const bytes = this.#bytes;
    this.#empty = false;
    bytes[0] = frame.flags;
    bytes[1] = frame.gsoType;
    put16(bytes, 2, frame.hdrLen);
    put16(bytes, 4, frame.gsoSize);
    put16(bytes, 6, frame.csumStart);
    put16(bytes, 8, frame.csumOffset);
  }

  /** Copies the header to the start of `target`. */
  copyTo(target: Uint8Array): void {
    for (let i = 0; i < this.sizeBytes; i++) target[i] = this.#bytes[i] ?? 0;
  }

  /** Gives the fields that were read to a frame. */
  take(frame: Frame): void {
    const bytes = this.#bytes;
    this.#empty = false;
    frame.flags = bytes[0] ?? 0;
    frame.gsoType = bytes[1] ?? 0;
    frame.hdrLen = get16(bytes, 2);
    frame.gsoSize = get16(bytes, 4);
    frame.csumStart = get16(bytes, 6);
    frame.csumOffset = get16(bytes, 8);
  }
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

function get16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
