import type { Frame } from "@vmmkit/ethif";
import type { GuestMemory } from "@vmmkit/vm";

/**
 * Finds the ranges of a frame again after guest memory changed: a backend holds it, and the views it has are gone.
 * Where a range is no longer there, the frame becomes empty.
 * @param rangeCount how many of its ranges lie in guest memory
 * @param from index of the first of them
 */
export function rebindFrame(frame: Frame, memory: GuestMemory, rangeCount: number = frame.rangeCount, from = 0): void {
  for (let i = from; i < rangeCount; i++) {
    const gpa = frame.gpa[i];
    const length = frame.length[i];
    const region = gpa === undefined || length === undefined ? null : memory.find(gpa, length);
    if (region === null) {
      frame.clear();
      return;
    }
    frame.move(i, region);
  }
}
