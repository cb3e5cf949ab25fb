import { type Backend, copyFrame, type EthDriver, type Frame, formatMac, type LinkInfo, TxResult } from "@vmmkit/ethif";
import { type Defer, nextTurn, ROUNDS_PER_TURN } from "./defer.ts";
import { Delivery } from "./delivery.ts";
import { FrameQueue } from "./frame-queue.ts";
import { checkInteger, HEADER_BYTES, LengthLimits, type LinkOptions, makeLink } from "./link.ts";

/** Options of `loopbackBackend`. */
export interface LoopbackOptions extends LinkOptions {
  /**
   * How many frames wait (`Enqueued`, still in the guest's own memory) while the guest has no room for them.
   * Those beyond are dropped (`Failed`) and counted. 0 drops at once. Default 256.
   */
  readonly queueFrames?: number;
  /** How many frames are gathered for one interrupt at most, 1 to 65536. Default 256. */
  readonly batchFrames?: number;
  /** How to go on in a later turn when the guest keeps answering from within its interrupt. Default: a timer of 0 ms. */
  readonly defer?: Defer;
}

/** What a loopback counted since it was made. */
export interface LoopbackStats {
  /** Frames and bytes that came back. */
  readonly frames: number;
  readonly bytes: number;
  /** Frames that had to wait for room. */
  readonly enqueued: number;
  /** Frames thrown away, by reason. */
  readonly dropped: {
    /** The queue was full, or the guest never offered room for a frame this long. */
    readonly noBuffers: number;
    /** Longer than the link carries. */
    readonly tooLong: number;
    /** Shorter than an Ethernet header. */
    readonly tooShort: number;
    /** Sent or still waiting when the backend was closed, or emptied by a reset of the card. */
    readonly closed: number;
  };
}

/** A loopback. */
export interface LoopbackBackend extends Backend {
  /** What it counted so far. */
  stats(): LoopbackStats;
}

/**
 * A backend where each frame comes back to the card that sent it, in order, copied once from the guest's transmit
 * buffers into its receive buffers. Nothing is allocated for a frame.
 * @throws TypeError, RangeError for an impossible option
 */
export function loopbackBackend(options: LoopbackOptions = {}): LoopbackBackend {
  const loopback = new Loopback(options);
  return {
    lowLevelInit: (driver) => loopback.init(driver),
    rawTx: (_driver, frame) => loopback.transmit(frame),
    rawTxFlush: () => loopback.flush(),
    rawPoll: () => loopback.flush(),
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => loopback.link.mac,
    printState: () => loopback.describe(),
    close: async () => loopback.close(),
    stats: () => loopback.stats(),
  };
}

class Loopback {
  readonly link: Required<LinkInfo>;
  readonly #limits: LengthLimits;
  readonly #delivery: Delivery;
  readonly #waiting: FrameQueue;
  readonly #defer: Defer;
  #closed = false;
  #flushing = false;
  #frames = 0;
  #bytes = 0;
  #enqueued = 0;
  #noBuffers = 0;
  #tooLong = 0;
  #tooShort = 0;
  #droppedClosed = 0;

  constructor(options: LoopbackOptions) {
    this.link = makeLink(options);
    this.#limits = new LengthLimits(this.link);
    this.#delivery = new Delivery(checkInteger("batchFrames", options.batchFrames ?? 256, 1, 65536));
    this.#waiting = new FrameQueue(checkInteger("queueFrames", options.queueFrames ?? 256, 0, 65536));
    this.#defer = options.defer ?? nextTurn;
  }

  init(driver: EthDriver): LinkInfo {
    this.#delivery.attach(driver);
    return this.link;
  }

  transmit(frame: Frame): TxResult {
    if (!this.#acceptable(frame)) return TxResult.Failed;
    // Behind frames that wait, so that none overtakes.
    if (this.#waiting.count === 0 && this.#echo(frame)) {
      if (this.#delivery.full) this.flush();
      return TxResult.Complete;
    }
    if (this.#waiting.push(frame)) {
      this.#enqueued++;
      return TxResult.Enqueued;
    }
    this.#noBuffers++;
    return TxResult.Failed;
  }

  /**
   * Gives out what was gathered and what can follow now. A call from within itself returns at once: the outer one
   * looks again after each batch, so nothing that happens meanwhile is missed.
   */
  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    let rounds = ROUNDS_PER_TURN;
    try {
      do this.#resume();
      while (this.#delivery.send() && --rounds > 0);
    } finally {
      this.#flushing = false;
    }
    if (rounds === 0) this.#defer(() => this.flush());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const callbacks = this.#delivery.driver?.callbacks;
    for (let frame = this.#waiting.shift(); frame !== null; frame = this.#waiting.shift()) {
      this.#droppedClosed++;
      callbacks?.txComplete(frame.cookie);
    }
    this.flush();
  }

  stats(): LoopbackStats {
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      enqueued: this.#enqueued,
      dropped: {
        noBuffers: this.#noBuffers,
        tooLong: this.#tooLong,
        tooShort: this.#tooShort,
        closed: this.#droppedClosed,
      },
    };
  }

  describe(): string {
    const dropped = this.#noBuffers + this.#tooLong + this.#tooShort + this.#droppedClosed;
    const state = this.#closed ? "closed" : `${this.#waiting.count} waiting`;
    return `loopback ${formatMac(this.link.mac)} mtu ${this.link.mtu}: ${this.#frames} frames, ${dropped} dropped, ${state}`;
  }

  #acceptable(frame: Frame): boolean {
    if (this.#closed) this.#droppedClosed++;
    else if (frame.totalBytes < HEADER_BYTES) this.#tooShort++;
    else if (this.#limits.exceeded(frame)) this.#tooLong++;
    else return true;
    return false;
  }

  /** Copies a frame into the guest's room for it. False where there is none. */
  #echo(frame: Frame): boolean {
    const room = this.#delivery.room(frame.totalBytes);
    if (room === null) return false;
    const copied = copyFrame(frame, room);
    this.#delivery.add(room, copied);
    this.#frames++;
    this.#bytes += copied;
    return true;
  }

  /** Lets waiting frames follow as long as there is room. */
  #resume(): void {
    for (let frame = this.#waiting.peek(); frame !== null; frame = this.#waiting.peek()) {
      if (frame.rangeCount === 0) this.#droppedClosed++;
      else if (!this.#echo(frame)) {
        if (!this.#delivery.neverFits() || this.#closed) return;
        this.#noBuffers++;
      }
      this.#waiting.shift();
      this.#delivery.driver?.callbacks.txComplete(frame.cookie);
    }
  }
}
