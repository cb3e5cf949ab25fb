import { type TapBackend, tapBackend } from "@vmmkit/backend-tap";
import type { EthDriver, RawIfaceFuncs } from "@vmmkit/ethif";
import { benchGuest } from "../../loops/bench-guest.ts";
import { USUAL } from "../../loops/loop.ts";
import type { Stopwatch } from "../../loops/stopwatch.ts";
import { Feed } from "./feed.ts";
import { BATCH, isLong, LONG_BATCH, makeFrame, segmentHeader } from "./frames.ts";

/** Frames come from the kernel into a guest's ring. They are in the kernel's queue before the clock starts. */
export function receive(bytes: number, watch: Stopwatch): () => number {
  const segments = isLong(bytes);
  const backend = tapBackend({ name: "ours0", vnetHeader: segments });
  const { funcs, driverOf } = observed(backend);
  const guest = benchGuest(funcs, { ...USUAL, bytes, segments }, watch);
  const feed = new Feed(backend.interfaceName, makeFrame(bytes), segments ? segmentHeader() : undefined);
  const count = segments ? LONG_BATCH : BATCH - 1;
  return () => {
    feed.send(count);
    const before = backend.stats().framesIn;
    const card = driverOf();
    watch.start();
    // A look takes as many as its budget, and the last finds nothing.
    for (let looks = segments ? 1 : 3; looks > 0; looks--) backend.rawPoll(card);
    watch.stop();
    const came = backend.stats().framesIn - before;
    if (came !== count) throw new Error(`a batch of ${count} frames answered ${came}`);
    guest.reapReceive(count);
    return count;
  };
}

/** The backend, and the card that it was given to. */
function observed(backend: TapBackend): { funcs: RawIfaceFuncs; driverOf: () => EthDriver } {
  let card: EthDriver | null = null;
  const funcs: RawIfaceFuncs = {
    ...backend,
    lowLevelInit: (driver) => {
      card = driver;
      return backend.lowLevelInit(driver);
    },
  };
  const driverOf = (): EthDriver => {
    if (card === null) throw new Error("a card calls lowLevelInit");
    return card;
  };
  return { funcs, driverOf };
}
