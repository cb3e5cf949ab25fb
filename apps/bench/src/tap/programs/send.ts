import { tapBackend } from "@vmmkit/backend-tap";
import { Frame, TxResult } from "@vmmkit/ethif";
import { benchGuest } from "../../loops/bench-guest.ts";
import { USUAL } from "../../loops/loop.ts";
import type { Stopwatch } from "../../loops/stopwatch.ts";
import { CableEnd, returning } from "./cable.ts";
import { BATCH, isLong, LONG_BATCH, makeFrame, SEGMENT } from "./frames.ts";

/** Frames leave a guest's ring for the kernel. */
export function send(bytes: number, watch: Stopwatch): () => number {
  if (isLong(bytes)) return sendSegments(bytes, watch);
  const backend = tapBackend({ name: "ours0" });
  const driver = benchGuest(backend, { ...USUAL, bytes }, watch);
  driver.fill(makeFrame(bytes));
  return () => {
    const count = driver.burst(BATCH, bytes);
    if (count !== BATCH) throw new Error(`a batch of ${BATCH} frames answered ${count}`);
    return count;
  };
}

/** Segments of 64 KB, each one range as a guest's page of that size is. */
function sendSegments(bytes: number, watch: Stopwatch): () => number {
  const backend = tapBackend({ name: "ours0", vnetHeader: true });
  let sent = 0;
  const { driver } = new CableEnd(
    returning(backend, () => sent++),
    () => TxResult.Complete,
  );
  const frames = Array.from({ length: LONG_BATCH }, () => {
    const frame = new Frame();
    const memory = makeFrame(bytes);
    frame.push(memory, 0, memory.length);
    return Object.assign(frame, SEGMENT);
  });
  return () => {
    sent = 0;
    watch.start();
    for (const frame of frames) if (backend.rawTx(driver, frame, 0) === TxResult.Complete) sent++;
    backend.rawTxFlush?.(driver);
    watch.stop();
    if (sent !== LONG_BATCH) throw new Error(`a batch of ${LONG_BATCH} segments answered ${sent}`);
    return LONG_BATCH;
  };
}
