import { afterMicroseconds } from "./later.ts";

/** When the guest is told of frames that came or went. */
export interface CoalescingParameters {
  /** After so many of them. */
  readonly maxPackets: number;
  /** Or so many microseconds after the first. */
  readonly maxUsecs: number;
}

/** At once. */
const AT_ONCE: CoalescingParameters = { maxPackets: 0, maxUsecs: 0 };
/** Longest delay that is taken: a guest that asks for more would wait in vain for minutes. */
export const MAX_COALESCING_USECS = 1_000_000;

/** A queue's interrupts. */
class Moderator {
  parameters = AT_ONCE;
  /** Frames that were counted when the guest was last told. */
  told = 0;
  /** Ends the timer that runs, null where none does. */
  cancel: (() => void) | null = null;
}

/**
 * Coalescing of interrupts (VIRTIO 1.3, 5.1.6.5.9): a queue's guest is told after so many frames, or so long after the
 * first of them, whichever comes first. With either parameter 0, as after a reset, it is told at once.
 */
export class Coalescing {
  readonly #queues: readonly Moderator[];
  readonly #frames: (queue: number) => number;
  readonly #interrupt: (queue: number) => void;
  readonly #tell: readonly (() => void)[];
  /** By parity of the queue's number: what was last set for a whole direction. */
  readonly #directions: [CoalescingParameters, CoalescingParameters] = [AT_ONCE, AT_ONCE];

  /**
   * @param queues how many receive and transmit queues there are
   * @param frames how many frames a queue has carried so far
   * @param interrupt interrupts the guest for a queue, if it wants that
   */
  constructor(queues: number, frames: (queue: number) => number, interrupt: (queue: number) => void) {
    this.#queues = Array.from({ length: queues }, () => new Moderator());
    this.#tell = this.#queues.map((_, queue) => () => this.#fire(queue));
    this.#frames = frames;
    this.#interrupt = interrupt;
  }

  /** Whether the interrupt for a queue is to wait. A timer sees to it that it comes. */
  holds(queue: number): boolean {
    const moderator = this.#queues[queue];
    if (moderator === undefined || !waits(moderator.parameters)) return false;
    const fresh = this.#frames(queue) - moderator.told;
    if (fresh === 0) return moderator.cancel !== null;
    if (fresh >= moderator.parameters.maxPackets) {
      this.#settle(moderator, queue);
      return false;
    }
    moderator.cancel ??= afterMicroseconds(moderator.parameters.maxUsecs, this.#tell[queue] as () => void);
    return true;
  }

  /** The parameters of a queue. */
  get(queue: number): CoalescingParameters {
    return this.#queues[queue]?.parameters ?? AT_ONCE;
  }

  /** What was last set for all receive queues (0) or all transmit queues (1). */
  direction(parity: number): CoalescingParameters {
    return this.#directions[parity === 0 ? 0 : 1];
  }

  /** Sets a whole direction: receive queues have even numbers. @returns false where the delay is too long */
  setDirection(parity: number, parameters: CoalescingParameters): boolean {
    if (parameters.maxUsecs > MAX_COALESCING_USECS) return false;
    this.#directions[parity === 0 ? 0 : 1] = parameters;
    for (let queue = parity; queue < this.#queues.length; queue += 2) this.#set(queue, parameters);
    return true;
  }

  /** Sets one queue. @returns false where the delay is too long */
  setQueue(queue: number, parameters: CoalescingParameters): boolean {
    if (parameters.maxUsecs > MAX_COALESCING_USECS) return false;
    this.#set(queue, parameters);
    return true;
  }

  /** A queue was taken away: what is placed there next has its direction's parameters. */
  queueReset(queue: number): void {
    const moderator = this.#queues[queue];
    if (moderator === undefined) return;
    moderator.cancel?.();
    moderator.cancel = null;
    moderator.parameters = this.direction(queue & 1);
    moderator.told = this.#frames(queue);
  }

  /** The guest reset the device: all parameters are 0. */
  reset(): void {
    this.#directions.fill(AT_ONCE);
    for (let queue = 0; queue < this.#queues.length; queue++) this.queueReset(queue);
  }

  /** Who waits by the old parameters may have waited enough by the new. */
  #set(queue: number, parameters: CoalescingParameters): void {
    const moderator = this.#queues[queue];
    if (moderator === undefined) return;
    const waited = moderator.cancel !== null;
    if (!waited) moderator.told = this.#frames(queue);
    moderator.parameters = parameters;
    if (!waited) return;
    const enough = this.#frames(queue) - moderator.told >= parameters.maxPackets;
    if (enough || !waits(parameters)) this.#fire(queue);
  }

  #fire(queue: number): void {
    const moderator = this.#queues[queue];
    if (moderator === undefined) return;
    this.#settle(moderator, queue);
    this.#interrupt(queue);
  }

  #settle(moderator: Moderator, queue: number): void {
    moderator.told = this.#frames(queue);
    moderator.cancel?.();
    moderator.cancel = null;
  }
}

/** Whether anybody waits: with either parameter 0 nobody does. */
function waits({ maxPackets, maxUsecs }: CoalescingParameters): boolean {
  return maxPackets !== 0 && maxUsecs !== 0;
}
