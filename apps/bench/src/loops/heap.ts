/**
 * Bytes of heap that each frame leaves behind. The young generation is so large (`--max-semi-space-size`) that nothing
 * is collected meanwhile: then the heap has grown by what was allocated.
 * @returns null where it was collected after all
 */
export function heapPerFrame(turn: () => number, atLeast: number): number | null {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  let frames = 0;
  let last = before;
  for (let next = 0; frames < atLeast; ) {
    frames += turn();
    if (frames < next) continue;
    next = frames + atLeast / 100;
    const now = process.memoryUsage().heapUsed;
    if (now < last) return null;
    last = now;
  }
  return (last - before) / frames;
}
