import { Frame } from "@vmmkit/ethif";
import { MAX_SEGMENTED_BYTES } from "../card-core.ts";

/** The frame starts here, so that the payload behind headers of the usual length lies on a word. */
const FRAME_AT = 2;
const STAGE_BYTES = Math.ceil((FRAME_AT + MAX_SEGMENTED_BYTES) / 16) * 16;
/** Room for a frame in a stage, in bytes. */
export const STAGED_FRAME_BYTES: number = STAGE_BYTES - FRAME_AT;

/** Host memory for one frame that the guest does not take as it is, until it is segmented. */
export class StagedFrame {
  /** All of the memory as one range; then the frame, once `settle` was called. */
  readonly frame: Frame = new Frame();
  readonly bytes: Uint8Array = new Uint8Array(STAGE_BYTES);
  readonly words: Uint32Array = new Uint32Array(this.bytes.buffer);
  /** The guest takes it as it is: it only waits its turn. */
  whole = false;

  constructor() {
    this.empty();
  }

  /** Bytes of the frame. */
  get lengthBytes(): number {
    return this.frame.totalBytes;
  }

  /** Back to room for any frame. */
  empty(): void {
    this.frame.clear();
    this.frame.push(this.bytes, FRAME_AT, STAGED_FRAME_BYTES);
  }

  /** The frame is complete. @param fields whose offload fields are the frame's */
  settle(lengthBytes: number, fields: Frame, whole: boolean): void {
    this.frame.clear();
    this.frame.push(this.bytes, FRAME_AT, lengthBytes);
    this.frame.copyOffloadsFrom(fields);
    this.whole = whole;
  }

  /** Where byte `position` of the frame is in `bytes`. */
  at(position: number): number {
    return FRAME_AT + position;
  }
}
