import type { Backend, EthDriver, RawIfaceFuncs } from "@vmmkit/ethif";
import type { DirectionStats } from "./counters.ts";
import { FaultCard } from "./fault-card.ts";
import type { FaultOptions } from "./options.ts";
import type { DirectionSettings, FaultChange, LinkSettings } from "./settings.ts";

/** What a backend with faults counted since it was made. */
export interface FaultStats {
  /** From the guest to the backend. */
  readonly tx: DirectionStats;
  /** From the backend to the guest. */
  readonly rx: DirectionStats;
  /** Whether the guest has a carrier: the cable is plugged in here, and the backend's link is up. */
  readonly linkUp: boolean;
  /** How often the link went down by itself (`disconnect`). */
  readonly disconnects: number;
}

/** All that may be changed, as it is now. */
export interface FaultState extends LinkSettings {
  readonly tx: DirectionSettings;
  readonly rx: DirectionSettings;
}

/** A backend with faults. */
export interface FaultBackend extends Backend {
  /** Where its random numbers started. Print it when a test fails: with it the same faults come again. */
  readonly seed: number;
  /**
   * Changes what is named, and leaves the rest as it is. Holds from the next frame on; frames that wait keep their
   * time, but meet the new rate limits.
   * @throws TypeError for a name that there is not, RangeError for an impossible value; nothing is changed then
   */
  set(change: FaultChange): void;
  /** The settings as they are now. */
  settings(): FaultState;
  /** Pulls the cable or plugs it in; the guest is told. Frames that wait at a cable that is pulled are lost. */
  setLink(up: boolean): void;
  /** What was counted so far. */
  stats(): FaultStats;
}

/**
 * Wraps a backend and does to its frames what bad networks do. Serves one card. Without a fault that is on, frames go
 * straight through and cost two additions more.
 * @param inner any backend. `close` closes it where it has such a function; one that has none keeps what it holds
 * @throws TypeError, RangeError for an impossible option
 */
export function faultBackend(inner: RawIfaceFuncs | Backend, options: FaultOptions = {}): FaultBackend {
  const card = new FaultCard(inner, options);
  return {
    seed: card.seed,
    lowLevelInit: (driver) => card.init(driver),
    rawTx: (_driver, frame, cookie) => card.tx.transmit(frame, cookie),
    rawTxFlush: () => card.flush(),
    rawPoll: (_driver, queue) => card.poll(queue),
    // A card that finds these takes it that the backend below acts on them.
    ...(inner.setQueuePairs && { setQueuePairs: (_driver: EthDriver, pairs: number) => card.setQueuePairs(pairs) }),
    ...(inner.setRxOffloads && { setRxOffloads: (_driver: EthDriver, bits: number) => card.setRxOffloads(bits) }),
    rawHandleIRQ: (_driver, irq) => card.interrupt(irq),
    getMac: () => card.getMac(),
    printState: () => card.describe(),
    close: () => card.close(),
    set: (change) => card.set(change),
    settings: () => card.settings(),
    setLink: (up) => card.link.plug(up),
    stats: () => card.stats(),
  };
}
