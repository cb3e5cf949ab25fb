import type { Frame } from "./frame.ts";
import type { MacAddress } from "./mac.ts";

/** What became of a frame handed to `rawTx` (C original: `ETHIF_TX_*`, with its values). */
export const TxResult = {
  /** It could not be sent. Its buffers go back to the guest all the same, and a counter says so. */
  Failed: -1,
  /** The backend keeps the ranges and calls `txComplete(cookie)` when it is done with them. */
  Enqueued: 0,
  /** It was sent or copied. The buffers may go back to the guest now. */
  Complete: 1,
} as const;
export type TxResult = (typeof TxResult)[keyof typeof TxResult];

/** What a backend can do for the guest, or the guest for a backend: bits of `LinkInfo.txOffloads` and `rxOffloads`. */
export const Offload = {
  /** Frames with a checksum still to be filled in. */
  Csum: 1,
  /** TCP over IPv4 in segments longer than the MTU. */
  Tso4: 2,
  /** TCP over IPv6 in segments longer than the MTU. */
  Tso6: 4,
  /** TCP segments with ECN's CWR set. */
  Ecn: 8,
  /** UDP datagrams to be fragmented. */
  Ufo: 16,
  /** UDP in segments longer than the MTU. */
  Uso: 32,
} as const;

/** What carries the frames, as `lowLevelInit` tells it. The card offers the guest exactly this. */
export interface LinkInfo {
  /** The card's address. Six bytes, copied by the card. */
  readonly mac: MacAddress;
  /** Largest payload of a frame in bytes, Ethernet header not counted: 68 to 65535. */
  readonly mtu: number;
  /** What the guest may leave to the backend: bits of `Offload`. Default none. */
  readonly txOffloads?: number;
  /** What the backend may leave to the guest: bits of `Offload`. Default none. */
  readonly rxOffloads?: number;
  /** How many queue pairs the backend can tell apart, 1 to 32767. Default 1. */
  readonly queuePairs?: number;
  /** Whether the carrier is there at the start. Default true. */
  readonly linkUp?: boolean;
}

/**
 * Upwards: what a backend calls on its card (C original: `struct raw_iface_callbacks`). All of them are called on
 * the card's thread, without `this`, and none from within `lowLevelInit`.
 */
export interface RawIfaceCallbacks {
  /**
   * The backend is done with a frame it answered `Enqueued` for. Cookies come back in any order, each once.
   * @throws RangeError for a cookie that is not out
   */
  txComplete(cookie: number): void;

  /**
   * Asks for room for a frame, among the buffers that the guest has posted.
   * @param sizeBytes the frame's length, or the longest it can be where that is not known yet
   * @param queue number of the queue pair that the frame is for, as it came in. Left out, the card chooses once the
   * frame is complete, or has one pair alone
   * @returns a frame with at least `sizeBytes` bytes in its ranges; or null where the guest has not posted that much,
   * and then `rawPoll` is called when it has posted more. Several may be out at a time. Each is given back through
   * `rxComplete`.
   */
  allocateRxBuf(sizeBytes: number, queue?: number): Frame | null;

  /**
   * Asks for room for several frames at once: as if by `allocateRxBuf` for each in turn, up to the first that there is no
   * room for, for a seventh less of what a received frame costs. Optional; the function `allocateRxBufs` asks one by one
   * where a card lacks it.
   * @param count how many frames
   * @param frames gets the rooms, from index 0; the array stays the caller's
   * @param lengths per frame what `sizeBytes` is to `allocateRxBuf`
   * @param queue see `allocateRxBuf`
   * @returns how many there is room for
   * @throws RangeError for a length that no frame has; rooms for those before it are in `frames`, and out
   */
  allocateRxBufs?(count: number, frames: Frame[], lengths: readonly number[], queue?: number): number;

  /**
   * Gives frames to the guest, in this order, with one interrupt at most.
   * @param count how many entries of the arrays count
   * @param frames from `allocateRxBuf`, filled from their start; the arrays stay the caller's
   * @param lengths per frame the bytes filled; 0 gives the room back unused, to be handed out again
   * @throws RangeError for a frame that is not out, or a length beyond its room
   */
  rxComplete(count: number, frames: readonly Frame[], lengths: readonly number[]): void;

  /** The carrier came or went. The guest is told if it asked to be. */
  linkChange(up: boolean): void;
}

/** A card as its backend sees it (C original: `struct eth_driver`). */
export interface EthDriver {
  /** The card's name in messages. */
  readonly name: string;
  /** What the backend may call. */
  readonly callbacks: RawIfaceCallbacks;
  /** The functions the card was made with. */
  readonly funcs: RawIfaceFuncs;
  /** The backend's own data for this card; the card does not look at it. */
  ethData: unknown;
  /** Interrupts the guest through the card's own PCI interrupt: what `rawHandleIRQ` does unless it is overridden. */
  raiseIrq(irq: number): void;
}

/**
 * Downwards: what carries a card's frames (C original: `struct raw_iface_funcs`). The functions are called without
 * `this`, so the record may be spread and parts of it replaced. None of them throws for an error of the host: it
 * answers `Failed` or nothing, counts, and recovers.
 */
export interface RawIfaceFuncs {
  /** Called once, when the card is made. The backend keeps `driver`; frames may come and go from now on. */
  lowLevelInit(driver: EthDriver): LinkInfo;

  /**
   * Sends a frame. Its ranges lie in guest memory, and the guest may change them at any time: read each byte that
   * a decision hangs on once.
   * @param cookie names the frame in `txComplete`; always `frame.cookie`
   */
  rawTx(driver: EthDriver, frame: Frame, cookie: number): TxResult;

  /** The card has handed over all that it had: what `rawTx` gathered may go now. Optional. */
  rawTxFlush?(driver: EthDriver): void;

  /**
   * Look for work: the guest has posted buffers again after `allocateRxBuf` answered null, or the VMM says so.
   * @param queue number of the queue pair that has room again; left out for all
   */
  rawPoll(driver: EthDriver, queue?: number): void;

  /**
   * The guest uses this many queue pairs from now on, numbers 0 to `pairs` - 1 (a TAP attaches as many queues, no
   * frame is to wait on another). Optional. Called at the start of a driver and when it changes its mind. A guest may
   * send on other pairs nevertheless: such frames go out like any.
   */
  setQueuePairs?(driver: EthDriver, pairs: number): void;

  /**
   * The offloads that the guest takes from now on: bits of `Offload`, among those of `LinkInfo.rxOffloads`. Optional.
   * Called when a driver is ready, when it changes its mind, and with 0 when it is gone.
   */
  setRxOffloads?(driver: EthDriver, offloads: number): void;

  /**
   * The card wants to interrupt its guest. The default calls `driver.raiseIrq(irq)`.
   * @param irq which of the card's interrupts: the number of the queue, or -1 for a change of configuration
   */
  rawHandleIRQ(driver: EthDriver, irq: number): void;

  /** The card's address, six bytes; the caller does not keep them. */
  getMac(driver: EthDriver): MacAddress;

  /** The state of the backend in words, for people. */
  printState(driver: EthDriver): string;
}

/** A backend that holds something to be let go of. */
export interface Backend extends RawIfaceFuncs {
  /**
   * Stops carrying frames and frees what the backend holds. Frames it still has are completed first. A second call
   * does nothing; `rawTx` answers `Failed` from now on.
   */
  close(): Promise<void>;
}
