import type { Backend } from "@vmmkit/ethif";
import { LiveCard } from "./live-card.ts";
import type { LiveStats } from "./live-counters.ts";
import { checkFilter, checkOptions, type LiveOptions } from "./live-options.ts";

/** A card's way to an interface of the host, through libpcap. */
export interface LiveBackend extends Backend {
  /**
   * Chooses the frames that the guest gets from now on; "" is all.
   * @throws LiveCaptureError for an expression that makes no sense; the one before stays
   */
  setFilter(filter: string): void;
  /** What was counted so far. */
  stats(): LiveStats;
}

/**
 * The backend of a card that shares an interface of the host, as if both hung on one cable: through libpcap, for
 * reading and writing, beside the host's own network stack. The interface is opened at once.
 *
 * The carrier is the interface's. Where the interface is deleted the link is down until there is one of that name again.
 * @throws TypeError, RangeError for an impossible option; LiveCaptureError where libpcap refuses the interface or the
 * filter; UnsupportedPlatformError where there is no libpcap
 */
export function liveBackend(options: LiveOptions): LiveBackend {
  const card = new LiveCard(checkOptions(options));
  return {
    lowLevelInit: (driver) => card.init(driver),
    rawTx: (_driver, frame) => card.transmit(frame),
    rawPoll: () => card.poll(),
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => card.mac,
    printState: () => card.describe(),
    setFilter: (filter) => card.setFilter(checkFilter(filter)),
    stats: () => card.stats(),
    close: async () => card.close(),
  };
}
