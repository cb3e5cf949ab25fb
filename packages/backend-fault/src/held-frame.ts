import { Frame } from "@vmmkit/ethif";

/** Stands where there is no frame, so that the field is of one kind. */
const NO_FRAME: Frame = new Frame();

/** A frame on its way through one direction, and what is to become of it. Used again and again. */
export class HeldFrame {
  /** The card's object: the guest's own buffers. */
  frame: Frame = NO_FRAME;
  /** How many of its bytes count. */
  bytes = 0;
  /** It goes twice. */
  duplicate = false;
  /** Bits of it are turned over. */
  corrupt = false;
  /** It has waited for a rate limit, and was counted for that. */
  limited = false;
  /** When it may go. */
  dueMs = 0;

  /** How many frames it counts as before a rate limit. */
  get passFrames(): number {
    return this.duplicate ? 2 : 1;
  }

  /** How many bytes it counts as before a rate limit. */
  get passBytes(): number {
    return this.duplicate ? 2 * this.bytes : this.bytes;
  }

  /** Starts anew with another frame. */
  begin(frame: Frame, bytes: number): void {
    this.frame = frame;
    this.bytes = bytes;
    this.limited = false;
  }

  /** Lets go of the frame. */
  end(): void {
    this.frame = NO_FRAME;
  }
}
