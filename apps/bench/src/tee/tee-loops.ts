import { loopbackBackend } from "@vmmkit/backend-loopback";
import { benchGuest } from "../loops/bench-guest.ts";
import { batchOf, type LoopMaker } from "../loops/loop.ts";
import { TEE_NAMES, teeAround } from "./tees.ts";

/** The loop `loopback` with a tee around the backend: each frame passes it twice, on its way out and in. */
function teeLoop(name: string): LoopMaker {
  return (options, watch) => {
    const driver = benchGuest(teeAround(name, loopbackBackend()), options, watch);
    driver.fill(new Uint8Array(options.bytes).fill(0xff, 0, 6).fill(2, 6, 12));
    const batch = batchOf(options);
    return () => {
      driver.burst(batch, options.bytes);
      return driver.reapReceive(batch);
    };
  };
}

/** The loops of a tee by name. */
export const TEE_LOOPS: Readonly<Record<string, LoopMaker>> = Object.fromEntries(
  TEE_NAMES.map((name) => [name, teeLoop(name)]),
);
