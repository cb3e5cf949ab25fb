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
  /** Starts the queue from its beginning. Parts that are misaligned or outside guest memory stop it at once. */
  start(layout: QueueLayout): void;
  /** Forgets the layout and every position. What is given back after this goes nowhere. */
  reset(): void;
}
