import { CHAIN_ERRORS, type ChainError } from "./errors.ts";

/** What happened on a queue since the device was made. Counts only grow; a reset by the guest leaves them. */
export class QueueCounters {
  /** Notifications from the guest. */
  notifications = 0;
  /** Interrupts asked for on behalf of this queue. */
  interrupts = 0;
  /** Chains taken from the available ring, refused ones included. */
  chains = 0;
  /** Chains given back with length 0, by cause. */
  readonly refused: Record<ChainError, number>;
  /** How often an error stopped the queue until the next reset. */
  stopped = 0;

  constructor() {
    const refused: Partial<Record<ChainError, number>> = {};
    for (const cause of CHAIN_ERRORS) refused[cause] = 0;
    this.refused = refused as Record<ChainError, number>;
  }
}
