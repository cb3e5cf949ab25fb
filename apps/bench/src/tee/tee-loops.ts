import { loopbackBackend } from "@vmmkit/backend-loopback";
import { type ByteSink, pcapngWriter, pcapTee } from "@vmmkit/backend-pcap";
import { benchGuest } from "../loops/bench-guest.ts";
import { batchOf, type LoopMaker } from "../loops/loop.ts";

/** Takes a capture at once: what a tee costs, and not what a disk does. */
const nowhere: ByteSink = { write: () => {}, close: () => {} };

/** The loop `loopback` with a tee around the backend: each frame passes it twice, on its way out and in. */
function teeLoop(capturing: boolean, snapLength?: number): LoopMaker {
  return (options, watch) => {
    const writer = pcapngWriter({ sink: nowhere });
    const settings = { writer, capturing, ...(snapLength !== undefined && { snapLength }) };
    const driver = benchGuest(pcapTee(loopbackBackend(), settings), options, watch);
    driver.fill(new Uint8Array(options.bytes).fill(0xff, 0, 6).fill(2, 6, 12));
    const batch = batchOf(options);
    return () => {
      driver.burst(batch, options.bytes);
      return driver.reapReceive(batch);
    };
  };
}

/** The loops of a tee by name. */
export const TEE_LOOPS: Readonly<Record<"teeOff" | "teeHeads" | "teeOn", LoopMaker>> = {
  teeOff: teeLoop(false),
  teeHeads: teeLoop(true, 96),
  teeOn: teeLoop(true),
};
