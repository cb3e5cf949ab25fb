import type { Frame } from "@vmmkit/ethif";
import { RangeCursor } from "./range-cursor.ts";
import { SEGMENT_HEADER_BYTES, Segmenter } from "./segmenter.ts";
import { WordViews } from "./word-views.ts";

/**
 * Does for a frame what whoever gets it does not take, outside of a card: fills in its open checksum, or cuts it into the
 * segments or fragments that it stands for, each with its checksum.
 */
export class FrameCutter {
  readonly #views = new WordViews();
  readonly #segmenter = new Segmenter(this.#views);
  readonly #cursor = new RangeCursor(this.#views);
  readonly #header = new Uint8Array(SEGMENT_HEADER_BYTES);

  /**
   * Takes a frame. Its ranges stay the caller's, and as they are until the last of its pieces was used.
   * @param longestBytes no piece may be longer
   * @returns false where it is not what its offload fields say
   */
  begin(frame: Frame, longestBytes: number): boolean {
    if (!this.#segmenter.begin(frame, frame.totalBytes, longestBytes)) return false;
    this.#cursor.start(frame, this.#segmenter.payloadFrom);
    return true;
  }

  /**
   * Makes the next piece: a header in memory of the cutter's, which is good until the next call, and ranges of the frame.
   * @param target gets it, in the place of what it has
   * @returns false where there is none
   */
  next(target: Frame): boolean {
    const segmenter = this.#segmenter;
    if (!segmenter.step()) return false;
    target.clear();
    target.push(this.#header, 0, segmenter.headerBytes);
    const sum = this.#cursor.take(segmenter.payloadBytes, target, segmenter.wantsSum(false));
    segmenter.finish(sum, false, target);
    this.#header.set(segmenter.header);
    return true;
  }
}
