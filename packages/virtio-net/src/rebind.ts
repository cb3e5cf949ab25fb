import type { Frame } from "@vmmkit/ethif";
import type { GuestMemory } from "@vmmkit/vm";

/**
 * Finds the ranges of a frame again after guest memory changed: a backend holds it, and the views it has are gone.
 * Where a range is no longer there, the frame becomes empty.
 * @param from index of the first range to look at
 */
export function rebindFrame(frame: Frame, memory: GuestMemory, rangeCount: number = frame.rangeCount): void {
  for (let i = 0; i < rangeCount; i++) {
    const gpa = frame.gpa[i];
    const length = frame.length[i];
    const region = gpa === undefined || length === undefined ? null : memory.find(gpa, length);
    if (region === null || gpa === undefined) {
      frame.clear();
      return;
    }
    const offset = gpa - region.gpa;
    frame.bytes[i] = region.bytes;
    frame.offset[i] = offset;
    frame.hostAddress[i] = region.hostAddress === 0 ? 0 : region.hostAddress + offset;
  }
}
