import { type Backend, copyFrame, type EthDriver, type Frame, formatMac, type LinkInfo, TxResult } from "@vmmkit/ethif";
import { ChannelCounters, type ChannelStats } from "./channel-counters.ts";
import { type Defer, nextTurn, ROUNDS_PER_TURN } from "./defer.ts";
import { Delivery } from "./delivery.ts";
import { EndState, type FrameChannel } from "./frame-channel.ts";
import { FrameQueue } from "./frame-queue.ts";
import { checkInteger, HEADER_BYTES, LengthLimits, type LinkOptions, makeLink } from "./link.ts";

/** Options of `channelBackend`. */
export interface ChannelBackendOptions extends LinkOptions {
  /**
   * How many frames wait (`Enqueued`, still in the guest's own memory) while the channel is full. Those beyond are
   * dropped (`Failed`) and counted. Default 256.
   */
  readonly queueFrames?: number;
  /** How many frames are gathered for one interrupt at most, 1 to 65536. Default 256. */
  readonly batchFrames?: number;
  /** How to go on in a later turn when there is much to do. Default: a timer of 0 ms. */
  readonly defer?: Defer;
}

/** A card's way into a frame channel. */
export interface ChannelBackend extends Backend {
  /**
   * Looks for frames and for space. The doorbell does that too, but its messages wait for the event loop to turn:
   * an emulator that keeps its thread busy calls this between its time slices. It costs next to nothing when there
   * is nothing to do.
   */
  poll(): void;
  /** What was counted so far. */
  stats(): ChannelStats;
}

/**
 * The backend of a card whose frames go to another thread: to a `Hub` there (`Hub.join`), or to another card that
 * has the channel's other end. What the guest has no room for stays in the channel; when the channel is full, the
 * guest's frames wait where they are. Nothing is allocated for a frame.
 *
 * The carrier is gone when the other end is closed or its thread has ended.
 * @param end this thread's end; the backend takes it over and closes it
 * @throws TypeError, RangeError for an impossible option; Error where the end is in use
 */
export function channelBackend(end: FrameChannel, options: ChannelBackendOptions = {}): ChannelBackend {
  const card = new ChannelCard(end, options);
  return {
    lowLevelInit: (driver) => card.init(driver),
    rawTx: (_driver, frame) => card.transmit(frame),
    rawTxFlush: () => end.flush(),
    rawPoll: () => card.look(),
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => card.link.mac,
    printState: () => card.describe(),
    close: async () => card.close(),
    poll: () => card.look(),
    stats: () => card.counters.snapshot(),
  };
}

class ChannelCard {
  readonly link: Required<LinkInfo>;
  readonly counters: ChannelCounters = new ChannelCounters();
  readonly #end: FrameChannel;
  readonly #limits: LengthLimits;
  readonly #delivery: Delivery;
  readonly #waiting: FrameQueue;
  readonly #defer: Defer;
  #linkUp: boolean;
  #closed = false;
  #looking = false;

  constructor(end: FrameChannel, options: ChannelBackendOptions) {
    this.#end = end;
    this.#linkUp = end.peer === EndState.Up;
    this.link = makeLink(options);
    this.#limits = new LengthLimits(this.link);
    this.#delivery = new Delivery(checkInteger("batchFrames", options.batchFrames ?? 256, 1, 65536));
    this.#waiting = new FrameQueue(checkInteger("queueFrames", options.queueFrames ?? 256, 0, 65536));
    this.#defer = options.defer ?? nextTurn;
    end.listen(() => this.look());
  }

  init(driver: EthDriver): LinkInfo {
    this.#delivery.attach(driver);
    this.#linkUp = this.#end.peer === EndState.Up;
    // Frames may be there already, whose doorbell was rung when there was no card.
    this.#defer(() => this.look());
    return { ...this.link, linkUp: this.#linkUp };
  }

  transmit(frame: Frame): TxResult {
    if (!this.#acceptable(frame)) return TxResult.Failed;
    // Behind frames that wait, so that none overtakes.
    if (this.#waiting.count === 0 && this.#put(frame)) return TxResult.Complete;
    if (this.#waiting.push(frame)) {
      this.counters.enqueued++;
      return TxResult.Enqueued;
    }
    this.counters.noSpace++;
    return TxResult.Failed;
  }

  /**
   * Does all that can be done now, both ways. A call from within itself returns at once: the outer one looks again
   * after each batch. It leaves only after asking to be woken and looking once more.
   */
  look(): void {
    if (this.#looking || this.#closed || this.#delivery.driver === null) return;
    this.#looking = true;
    let rounds = ROUNDS_PER_TURN;
    try {
      while (this.#lookOnce() && --rounds > 0);
    } finally {
      this.#looking = false;
    }
    if (rounds === 0) this.#defer(() => this.look());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dropWaiting();
    this.#end.close();
    this.#delivery.send();
  }

  describe(): string {
    const { framesOut, framesIn, dropped } = this.counters;
    const state = this.#closed ? "closed" : this.#linkUp ? "link up" : "link down";
    const frames = `${framesOut} frames out, ${framesIn} in, ${dropped} dropped, ${this.#waiting.count} waiting`;
    return `channel ${formatMac(this.link.mac)} mtu ${this.link.mtu}: ${state}, ${frames}`;
  }

  #acceptable(frame: Frame): boolean {
    if (this.#closed) this.counters.closed++;
    else if (!this.#linkUp) this.counters.linkDown++;
    else if (frame.totalBytes < HEADER_BYTES) this.counters.tooShort++;
    else if (this.#limits.exceeded(frame)) this.counters.tooLong++;
    else return true;
    return false;
  }

  #put(frame: Frame): boolean {
    if (!this.#end.put(frame) && !(this.#end.askForSpace(frame.totalBytes) && this.#end.put(frame))) return false;
    this.counters.framesOut++;
    this.counters.bytesOut += frame.totalBytes;
    return true;
  }

  /** Once all that there is. True where it has to be done again. */
  #lookOnce(): boolean {
    // Asked before the ring is read: what a side left that is gone by then is read first.
    const peer = this.#end.peer;
    this.#resume();
    const starved = this.#receive();
    const sent = this.#delivery.send();
    if (this.#closed) return this.#delivery.send();
    if (this.#end.corrupt) this.#giveUp();
    if (sent) return true;
    // A guest without room is what is waited for then, not the doorbell.
    if (!starved && !this.#end.rest()) return true;
    this.#followPeer(peer);
    return false;
  }

  /** Lets waiting frames follow as long as there is space. */
  #resume(): void {
    if (this.#waiting.count === 0) return;
    for (let frame = this.#waiting.peek(); frame !== null; frame = this.#waiting.peek()) {
      if (frame.rangeCount === 0) this.counters.closed++;
      else if (!this.#put(frame)) break;
      this.#waiting.shift();
      this.#delivery.driver?.callbacks.txComplete(frame.cookie);
    }
    this.#end.flush();
  }

  /** Fills the guest's room from the channel. True where the guest has too little of it. */
  #receive(): boolean {
    let starved = false;
    for (let frame = this.#end.peek(); frame !== null && !this.#delivery.full; frame = this.#end.peek()) {
      if (frame.totalBytes < HEADER_BYTES) this.counters.tooShort++;
      else if (this.#limits.exceeded(frame)) this.counters.tooLong++;
      else if (!this.#deliver(frame)) {
        starved = !this.#delivery.neverFits();
        if (starved || this.#closed) break;
        this.counters.noBuffers++;
      }
      this.#end.consume();
    }
    this.#end.release();
    return starved;
  }

  #deliver(frame: Frame): boolean {
    const room = this.#delivery.room(frame.totalBytes);
    if (room === null) return false;
    const copied = copyFrame(frame, room);
    this.#delivery.add(room, copied);
    this.counters.framesIn++;
    this.counters.bytesIn += copied;
    return true;
  }

  /** The other side's link came or went, or it is gone. */
  #followPeer(peer: EndState): void {
    const up = peer === EndState.Up && !this.#end.corrupt;
    if (up === this.#linkUp) return;
    this.#linkUp = up;
    if (!up) this.#dropWaiting();
    this.#delivery.driver?.callbacks.linkChange(up);
  }

  /** The ring makes no sense: nothing that comes from there is believed any more. */
  #giveUp(): void {
    if (this.counters.corrupt > 0) return;
    this.counters.corrupt++;
    this.#end.close();
  }

  #dropWaiting(): void {
    for (let frame = this.#waiting.shift(); frame !== null; frame = this.#waiting.shift()) {
      if (this.#closed) this.counters.closed++;
      else this.counters.linkDown++;
      this.#delivery.driver?.callbacks.txComplete(frame.cookie);
    }
  }
}
