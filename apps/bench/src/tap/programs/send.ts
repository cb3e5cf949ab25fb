import { tapBackend } from "@vmmkit/backend-tap";
import { benchGuest } from "../../loops/bench-guest.ts";
import { USUAL } from "../../loops/loop.ts";
import type { Stopwatch } from "../../loops/stopwatch.ts";
import { teeAround } from "../../tee/tees.ts";
import { BATCH, isLong, LONG_BATCH, makeFrame, SEGMENT } from "./frames.ts";

/**
 * Frames leave a guest's ring for the kernel.
 * @param tee the name of a tee around the interface. Default: none
 */
export function send(bytes: number, watch: Stopwatch, tee?: string): () => number {
  if (isLong(bytes)) return sendSegments(bytes, watch);
  const backend = tapBackend({ name: "ours0" });
  const driver = benchGuest(tee === undefined ? backend : teeAround(tee, backend), { ...USUAL, bytes }, watch);
  driver.fill(makeFrame(bytes));
  return () => {
    const count = driver.burst(BATCH, bytes);
    if (count !== BATCH) throw new Error(`a batch of ${BATCH} frames answered ${count}`);
    return count;
  };
}

/** Segments of 64 KB, each one range behind its header. */
function sendSegments(bytes: number, watch: Stopwatch): () => number {
  const backend = tapBackend({ name: "ours0", vnetHeader: true });
  const driver = benchGuest(backend, { ...USUAL, bytes, segments: true }, watch);
  const frame = makeFrame(bytes);
  return () => {
    const before = backend.stats().framesOut;
    for (let left = LONG_BATCH; left > 0; left--) {
      driver.send(frame, { kick: left === 1 ? "always" : "never", header: SEGMENT });
    }
    const sent = backend.stats().framesOut - before;
    if (sent !== LONG_BATCH) throw new Error(`a batch of ${LONG_BATCH} segments answered ${sent}`);
    return LONG_BATCH;
  };
}
