import { type Frame, readFrame } from "@vmmkit/ethif";

/** Bytes that a first range has to have for the frame to be looked at in place. */
const IN_PLACE_BYTES = 128;
/** Bytes that are copied where it has fewer: enough for IPv6 with several extension headers. */
const COPY_BYTES = 256;

/** The start of a frame as one piece: where it lies, or a copy where it is scattered. The bytes are the guest's to change. */
export class FrameHead {
  /** What it lies in. */
  bytes: Uint8Array;
  /** Where it starts in `bytes`. */
  at = 0;
  /** Where it ends in `bytes`. */
  end = 0;
  readonly #copy = new Uint8Array(COPY_BYTES);

  constructor() {
    this.bytes = this.#copy;
  }

  /** Looks at a frame of `lengthBytes` bytes, at least 14. */
  load(frame: Frame, lengthBytes: number): void {
    const first = Math.min(frame.firstLength, lengthBytes);
    if (first >= IN_PLACE_BYTES || first === lengthBytes) {
      this.bytes = frame.firstBytes;
      this.at = frame.firstOffset;
      this.end = this.at + first;
      return;
    }
    this.bytes = this.#copy;
    this.at = 0;
    this.end = Math.min(readFrame(frame, this.#copy), lengthBytes);
  }
}
