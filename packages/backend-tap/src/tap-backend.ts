import type { Backend, EthDriver } from "@vmmkit/ethif";
import type { TapStats } from "./counters.ts";
import { ALL_OFFLOADS } from "./offloads.ts";
import { checkInteger, checkOptions, type TapOptions } from "./options.ts";
import { TapCard } from "./tap-card.ts";

/** A card's way to a TAP interface of the host. */
export interface TapBackend extends Backend {
  /** The interface's name: the one that the kernel chose where `name` was a pattern. It follows when it is renamed. */
  readonly interfaceName: string;
  /** Bytes of the virtio-net header that frames carry on the way to the kernel: 0, 10 or 12. */
  readonly vnetHeaderBytes: number;
  /**
   * The guest uses this many queue pairs from now on: the kernel spreads flows over as many of `queues`. One at the
   * start.
   */
  setQueuePairs(driver: EthDriver, pairs: number): void;
  /**
   * Says what the kernel may leave to the guest from now on, as a guest makes known what it can take. Nothing at the
   * start.
   * @param offloads bits of `Offload`
   * @returns the bits that the kernel agreed to; 0 without `vnetHeader`
   * @throws RangeError for other bits
   */
  setRxOffloads(driver: EthDriver, offloads: number): number;
  /** What was counted so far. */
  stats(): TapStats;
}

/**
 * The backend of a card on a TAP interface. The interface is opened at once; frames flow from `lowLevelInit` on.
 *
 * The carrier is there while the interface is up. Where it is deleted, the link is down until there is an interface of
 * that name again. Nothing that the host does to the interface stops the card.
 * @throws TypeError, RangeError for an impossible option; PosixError with what to do about it where the interface
 * cannot be had; UnsupportedPlatformError
 */
export function tapBackend(options: TapOptions = {}): TapBackend {
  const card = new TapCard(checkOptions(options));
  return {
    get interfaceName() {
      return card.name;
    },
    vnetHeaderBytes: card.headerBytes,
    lowLevelInit: (driver) => card.init(driver),
    rawTx: (_driver, frame) => card.transmit(frame),
    rawTxFlush: () => card.flush(),
    rawPoll: (_driver, queue) => card.poll(queue),
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => card.mac,
    printState: () => card.describe(),
    setQueuePairs: (_driver, pairs) => card.setQueuePairs(checkInteger("pairs", pairs, 1, 0x7fff)),
    setRxOffloads: (_driver, offloads) => card.setRxOffloads(checkInteger("offloads", offloads, 0, ALL_OFFLOADS)),
    stats: () => card.counters.snapshot(),
    close: async () => card.close(),
  };
}
