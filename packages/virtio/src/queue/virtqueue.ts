import type { QueueError } from "./errors.ts";
import type { PlainChains } from "./plain-chains.ts";
import type { RangeList } from "./range-list.ts";

/** `pop` found no chain. */
export const QUEUE_EMPTY = -1;
/** `pop` met the error that stopped the queue; see `error`. */
export const QUEUE_STOPPED = -2;

/** `pop` took a chain that was refused. It has been given back and counted; there may be more. */
export const QUEUE_REFUSED = -3;

/** What the driver and the device agreed on, as far as a queue is concerned. */
export interface QueueFeatures {
  /** VIRTIO_F_INDIRECT_DESC. */
  readonly indirect: boolean;
  /** VIRTIO_F_EVENT_IDX. */
  readonly eventIdx: boolean;
  /** VIRTIO_F_IN_ORDER. Default false. */
  readonly inOrder?: boolean;
}

/**
 * A virtqueue as a device sees it, whatever its format: take chains, give them back, and settle who wants to be
 * told. Nothing here throws for what the guest wrote.
 *
 * A batch of work is: `begin`; then `pop` and `addUsed` as often as needed; then `publish`, and an interrupt if
 * `needsInterrupt`.
 */
export interface Virtqueue {
  /** Entries, as the guest sees them. */
  readonly size: number;
  /** Whether the guest has told where the rings are. */
  readonly ready: boolean;
  /** What stopped the queue, null while it works. */
  readonly error: QueueError | null;

  /** Starts a batch: finds the rings again if guest memory changed. False where the queue is not ready or stopped. */
  begin(): boolean;

  /**
   * Takes the next chain that the guest made available and walks it. All its descriptors have to point the same way.
   * A chain that is refused is given back by the queue itself, with length 0, and counted.
   *
   * @param writable true for device-writable descriptors, false for device-readable ones
   * @param headBytes how many bytes at the chain's start go to `head` and not to `body`: a device's header
   * @param head cleared, then filled; shorter than `headBytes` where the chain is
   * @param body filled behind what it already has
   * @returns the chain's name, below `size`: the index of its head, or the buffer id of a packed virtqueue. Or
   * QUEUE_EMPTY, QUEUE_REFUSED or QUEUE_STOPPED
   */
  pop(writable: boolean, headBytes: number, head: RangeList, body: RangeList): number;

  /** Chains that `lookAhead` found. None any more once `pop` has taken one, or memory changed. */
  readonly ahead: PlainChains;

  /**
   * Looks at the next chains as long as they are of the usual kind: `headBytes` of head and then a body, in one
   * descriptor or in one each, or in a table of such, in the memory where the last chain was. With device-readable ones,
   * a head has to start with two bytes of 0. They are in `ahead` then, and none was taken. `pop` takes all others, and
   * would take these with the same result.
   * @param limit how many at most
   * @returns how many; 0 where `pop` has to look, QUEUE_EMPTY where the guest has made none available
   */
  lookAhead(writable: boolean, headBytes: number, limit: number): number;

  /**
   * Takes the next chain, which is number `index` of those that were looked at.
   * @returns its name, or QUEUE_EMPTY where `pop` has to look after all
   */
  takeAhead(index: number): number;

  /**
   * `takeAhead` for the next `count` chains, of which the first is number `index`. Their names are in `ahead`. What is
   * told so, of chains that were handed on meanwhile, has to be told before anything else happens to the queue.
   */
  takeRun(index: number, count: number): void;

  /**
   * Takes the next `count` chains, of which the first is number `index`, and gives them back with length 0.
   * @returns how many; fewer where `pop` has to look at the next one after all
   */
  useAhead(index: number, count: number): number;

  /**
   * Takes the next chain, of which device-readable descriptors come first and device-writable ones behind them
   * (2.7.4.2): a command and its answer. Either part may be missing. Otherwise as `pop`.
   * @param readable cleared, then filled
   * @param writable cleared, then filled
   * @returns the index of the chain's head, QUEUE_EMPTY, QUEUE_REFUSED or QUEUE_STOPPED
   */
  popMixed(readable: RangeList, writable: RangeList): number;

  /**
   * Walks a chain again that `pop` answered before and that was not given back yet.
   * @returns false where it is refused now, as the guest changed it; it has been given back
   */
  walk(headIndex: number, writable: boolean, headBytes: number, head: RangeList, body: RangeList): boolean;

  /**
   * Gives a chain back; the guest sees it after `publish`, and with IN_ORDER not before those that were taken before
   * it. Ignored where no chain is out, as when the guest reset the queue meanwhile.
   * @param lengthBytes how many bytes were written into the chain, from its start
   */
  addUsed(headIndex: number, lengthBytes: number): void;

  /**
   * `addUsed` for many chains at once.
   * @param chains two words for each: its name, and how many bytes were written into it
   */
  useRun(chains: Int32Array, count: number): void;

  /** With IN_ORDER: how many chains were given back and wait for one that was taken before them. Otherwise 0. */
  readonly waiting: number;

  /** Shows the guest what `addUsed` gave back. */
  publish(): void;

  /** Whether the guest wants an interrupt for what was published since this was last asked. */
  needsInterrupt(): boolean;

  /**
   * Chains the guest made available and `pop` did not take yet. Stops the queue where the guest's index is absurd; 0
   * where the queue is not ready or stopped.
   */
  available(): number;

  /** Asks the guest to keep its notifications to itself. A hint. */
  disableNotify(): void;

  /**
   * Asks the guest to notify only when about `count` more chains are available than were taken: so many entries of a
   * split queue, or so many descriptors of a packed one. A hint; without EVENT_IDX the same as `disableNotify`.
   * @param count 1 to the queue's size
   */
  notifyAfter(count: number): void;

  /**
   * Asks the guest to notify when it makes a chain available.
   * @returns true where it did so before it could know: look once more
   */
  enableNotify(): boolean;
}
