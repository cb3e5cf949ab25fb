import type { QueueError } from "./errors.ts";
import type { QueueLayout } from "./layout.ts";
import type { QueueState } from "./queue-state.ts";
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
   * Where a queue has to `start` that goes on elsewhere once all chains that were taken have been given back, as
   * vhost-user's GET_VRING_BASE has it. Split: the index in the available ring of the next chain. Packed: bits 0 to 14
   * the slot of the next chain, bit 15 its wrap counter, and above 16 bits the same for the next used descriptor.
   */
  readonly base: number;
  /**
   * Starts the queue. Parts that are misaligned or outside guest memory stop it at once.
   * @param base where it goes on; without, from its beginning
   * @throws RangeError for a base that a queue of this format and size cannot have
   */
  start(layout: QueueLayout, base?: number): void;
  /**
   * Shows the guest what was given back, and answers all that the queue knows. The guest must not run until its memory
   * has been saved too.
   */
  save(): QueueState;
  /**
   * Checks a state from outside, whole, and changes nothing. `features` must have been set.
   * @throws QueueStateError for a state that this queue cannot have
   */
  check(state: QueueState): void;
  /**
   * Goes on where a queue of the same format and size was saved, over the same guest memory. `features` must have
   * been set. Chains that were out and not done are taken again by `pop`, before new ones, in their order.
   * @throws QueueStateError for a state that this queue cannot have; then nothing has changed
   */
  restore(state: QueueState): void;
  /** Forgets the layout and every position. What is given back after this goes nowhere. */
  reset(): void;
}
