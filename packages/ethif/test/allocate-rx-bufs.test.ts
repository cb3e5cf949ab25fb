import { describe, expect, it } from "vitest";
import { allocateRxBufs, Frame, type RawIfaceCallbacks } from "../src/index.ts";

/** A card with room for `most` frames. */
function cardWith(most: number, asked: unknown[]): RawIfaceCallbacks {
  let left = most;
  return {
    txComplete: () => {},
    allocateRxBuf: (sizeBytes, queue) => {
      asked.push([sizeBytes, queue]);
      return left-- > 0 ? new Frame() : null;
    },
    rxComplete: () => {},
    linkChange: () => {},
  };
}

describe("allocateRxBufs", () => {
  it("asks for one after the other where a card has no more, up to the first null", () => {
    const asked: unknown[] = [];
    const frames: Frame[] = [];
    expect(allocateRxBufs(cardWith(2, asked), 4, frames, [60, 61, 62, 63], 1)).toBe(2);
    expect(asked).toEqual([
      [60, 1],
      [61, 1],
      [62, 1],
    ]);
    expect(frames.length).toBe(2);
    expect(allocateRxBufs(cardWith(9, asked), 0, frames, [])).toBe(0);
  });

  it("asks at once where a card can", () => {
    const asked: unknown[] = [];
    const card: RawIfaceCallbacks = {
      ...cardWith(2, asked),
      allocateRxBufs: (count, frames, lengths, queue) => {
        asked.push([count, frames, lengths, queue]);
        return 3;
      },
    };
    const frames: Frame[] = [];
    expect(allocateRxBufs(card, 4, frames, [60, 60, 60, 60], 2)).toBe(3);
    expect(asked).toEqual([[4, frames, [60, 60, 60, 60], 2]]);
  });
});
