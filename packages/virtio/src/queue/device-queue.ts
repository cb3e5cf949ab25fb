import type { QueueError } from "./errors.ts";
import type { QueueLayout } from "./layout.ts";
import type { QueueFeatures, Virtqueue } from "./virtqueue.ts";

/** A virtqueue as the state of a device holds it: to be placed, started and reset by a transport. */
export interface DeviceQueue extends Virtqueue {
  /** Set when the driver is done negotiating, before the first chain is taken. */
  features: QueueFeatures;
  /** Called once when the queue stops. */
  onStop: ((error: QueueError) => void) | null;
  /** Where the guest put the queue's parts, null before it did. */
  readonly layout: QueueLayout | null;
  /**
   * Where a queue has to `start` that goes on with what this one did not take, 16 bits. Split: the index in both rings.
   * Packed: the slot, and the wrap counter in bit 15. Means something once every chain that was taken has been given back.
   */
  readonly base: number;
  /**
   * Starts the queue. Parts that are misaligned or outside guest memory stop it at once.
   * @param base where it goes on; without it at its beginning
   */
  start(layout: QueueLayout, base?: number): void;
  /** Forgets the layout and every position. What is given back after this goes nowhere. */
  reset(): void;
}
