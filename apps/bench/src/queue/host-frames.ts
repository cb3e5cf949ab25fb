import { SLOT_BYTES } from "./bare-queue.ts";

/** The host's side of a batch: where the guest's payloads are, and frames of its own. */
export class HostFrames {
  /** Of each payload that was collected: its offset in guest memory, and its length. */
  readonly places: Int32Array;
  readonly lengths: Int32Array;
  /** Frames to copy from and to, each in memory of its own as in native/rings.c. */
  readonly frames: readonly Uint8Array[];

  /** @param count frames in a batch, of `bytes` bytes each */
  constructor(count: number, bytes: number) {
    this.places = new Int32Array(count);
    this.lengths = new Int32Array(count);
    const memory = new Uint8Array(count * SLOT_BYTES);
    this.frames = Array.from({ length: count }, (_, i) => memory.subarray(i * SLOT_BYTES, i * SLOT_BYTES + bytes));
  }
}
