import type { Frame } from "@vmmkit/ethif";
import type { Dice } from "./dice.ts";

/** Turns over `bits` bits in the first `lengthBytes` bytes of a frame, at random places; the same one twice is possible. */
export function flipBits(frame: Frame, lengthBytes: number, bits: number, dice: Dice): void {
  for (let i = 0; i < bits; i++) flipBit(frame, dice.below(lengthBytes * 8));
}

function flipBit(frame: Frame, bit: number): void {
  let at = bit >>> 3;
  for (let i = 0; i < frame.rangeCount; i++) {
    const length = frame.length[i] ?? 0;
    if (at < length) {
      const bytes = frame.bytes[i];
      const index = (frame.offset[i] ?? 0) + at;
      if (bytes !== undefined) bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit & 7));
      return;
    }
    at -= length;
  }
}
