import {
  type EthDriver,
  Frame,
  type LinkInfo,
  type RawIfaceCallbacks,
  type RawIfaceFuncs,
  readFrame,
  TxResult,
} from "@vmmkit/ethif";
import { ComplianceError } from "./compliance-error.ts";
import { isTestFrame } from "./test-frames.ts";
import { TestMemory } from "./test-memory.ts";

/** An Ethernet header. */
const SHORTEST_FRAME = 14;

/** Options of a `TestCard`. */
export interface TestCardOptions {
  /** The guest's memory in bytes. Default 4 MiB. */
  readonly memoryBytes?: number;
  /** Call each of the backend's functions without `this`. Default false. */
  readonly detached?: boolean;
  /** Whether the wire carries frames of others too, to be left out. Default false. */
  readonly noise?: boolean;
}

/**
 * A card to test a backend with. Its guest is the test. It notes every breach of the contract: frames completed
 * twice or never lent, bytes written outside of ranges or too late, calls at forbidden times. `verify` throws at
 * the first.
 */
export class TestCard {
  /** The card as the backend sees it. */
  readonly driver: EthDriver;
  /** What the backend said in `lowLevelInit`. */
  link: LinkInfo | null = null;
  /** Frames received, oldest first; taken out by the test. Without those too short to be any. */
  readonly received: Uint8Array[] = [];
  /** How often `rxComplete` brought frames. */
  rxBatches = 0;
  /** Interrupts asked for. */
  readonly irqs: number[] = [];
  /** Changes of the carrier. */
  readonly linkChanges: boolean[] = [];
  /** Cookies that came back through `txComplete`. */
  completed = 0;
  /** Set when the backend is closed: from then on it may call nothing. */
  closed = false;
  /** Runs inside `rxComplete`, after the frames were taken: a guest that acts from within its interrupt. */
  onInterrupt: (() => void) | null = null;
  readonly #funcs: RawIfaceFuncs;
  readonly #memory: TestMemory;
  readonly #breaches: string[] = [];
  /** Frames out for transmission, by cookie. */
  readonly #lent = new Map<number, Frame>();
  readonly #posted: Frame[] = [];
  readonly #rooms = new Set<Frame>();
  readonly #pool: Frame[] = [];
  readonly #noise: boolean;
  #nextCookie = 0;
  #transmitting = -1;
  #wantsRoom = false;
  #quiet = false;

  constructor(funcs: RawIfaceFuncs, options: TestCardOptions = {}) {
    this.#funcs = options.detached === true ? detached(funcs) : funcs;
    this.#noise = options.noise ?? false;
    this.#memory = new TestMemory(options.memoryBytes ?? 4 << 20);
    const callbacks: RawIfaceCallbacks = {
      txComplete: (cookie) => this.#txComplete(cookie),
      allocateRxBuf: (sizeBytes) => this.#allocateRxBuf(sizeBytes),
      allocateRxBufs: (count, frames, lengths) => this.#allocateRxBufs(count, frames, lengths),
      rxComplete: (count, frames, lengths) => this.#rxComplete(count, frames, lengths),
      linkChange: (up) => {
        this.#called("linkChange");
        this.linkChanges.push(up);
      },
    };
    this.driver = { name: "test card", callbacks, funcs, ethData: null, raiseIrq: (irq) => this.irqs.push(irq) };
  }

  /** Frames that the backend keeps (`Enqueued`). */
  get lent(): number {
    return this.#lent.size;
  }

  /** Rooms that the backend has and did not give back. */
  get roomsOut(): number {
    return this.#rooms.size;
  }

  /** Rooms posted that the backend has not taken. */
  get roomsPosted(): number {
    return this.#posted.length;
  }

  /** Calls `lowLevelInit`, as making a card does. */
  init(): LinkInfo {
    this.#quiet = true;
    this.link = this.#funcs.lowLevelInit(this.driver);
    this.#quiet = false;
    return this.link;
  }

  /**
   * Hands a frame to the backend, in ranges of the given lengths; what they do not cover is the last range.
   * @param rangeLengths default: one range
   */
  transmit(bytes: Uint8Array, rangeLengths: readonly number[] = []): TxResult {
    const frame = this.#frame(this.#nextCookie++);
    this.#lay(frame, bytes.length, rangeLengths);
    let done = 0;
    for (let i = 0; i < frame.rangeCount; i++) {
      const length = frame.length[i] ?? 0;
      this.#memory.write(frame.offset[i] ?? 0, bytes.subarray(done, done + length));
      done += length;
    }
    return this.#hand(frame);
  }

  /** All that was transmitted may go now. */
  flush(): void {
    this.#funcs.rawTxFlush?.(this.driver);
  }

  /** The backend is to look for work. */
  poll(): void {
    this.#funcs.rawPoll(this.driver);
  }

  /** Posts buffers of ranges of these lengths, and polls where the backend had found too few. */
  post(count: number, rangeLengths: readonly number[]): void {
    const total = rangeLengths.reduce((sum, length) => sum + length, 0);
    for (let i = 0; i < count; i++) {
      const frame = this.#frame(-1);
      this.#lay(frame, total, rangeLengths);
      for (let r = 0; r < frame.rangeCount; r++) this.#memory.open(frame.offset[r] ?? 0, frame.length[r] ?? 0);
      this.#posted.push(frame);
    }
    if (!this.#wantsRoom) return;
    this.#wantsRoom = false;
    this.poll();
  }

  /** The guest resets its card: frames that the backend holds become empty, buffers posted are forgotten. */
  reset(): void {
    for (const frame of [...this.#lent.values(), ...this.#rooms, ...this.#posted]) this.#empty(frame);
    this.#posted.length = 0;
  }

  /** Notes a breach that a test found. */
  breach(message: string): void {
    this.#breaches.push(message);
  }

  /** @throws ComplianceError for the first breach there was */
  verify(): void {
    const [first] = this.#breaches;
    if (first !== undefined) throw new ComplianceError(first);
    this.#memory.verify();
  }

  #hand(frame: Frame): TxResult {
    const { cookie } = frame;
    const before = this.#transmitting;
    this.#lent.set(cookie, frame);
    this.#transmitting = cookie;
    const result = this.#funcs.rawTx(this.driver, frame, cookie);
    this.#transmitting = before;
    if (result === TxResult.Enqueued) return result;
    if (result !== TxResult.Complete && result !== TxResult.Failed) this.breach(`rawTx answered ${String(result)}`);
    if (this.#lent.delete(cookie)) this.#takeBack(frame);
    return result;
  }

  #txComplete(cookie: number): void {
    this.#called("txComplete");
    const frame = this.#lent.get(cookie);
    if (frame === undefined || cookie === this.#transmitting) {
      const why = frame === undefined ? "that is not out" : "before rawTx answered for it";
      this.breach(`txComplete for cookie ${cookie} ${why}`);
      throw new RangeError(`"cookie" expected a frame that is out, got ${cookie}`);
    }
    this.#lent.delete(cookie);
    this.completed++;
    this.#takeBack(frame);
  }

  #allocateRxBuf(sizeBytes: number): Frame | null {
    this.#called("allocateRxBuf");
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1)
      this.breach(`allocateRxBuf was asked for ${sizeBytes} bytes`);
    const frame = this.#posted[0];
    if (frame === undefined || frame.totalBytes < sizeBytes) {
      this.#wantsRoom = true;
      return null;
    }
    this.#posted.shift();
    this.#rooms.add(frame);
    return frame;
  }

  #allocateRxBufs(count: number, frames: Frame[], lengths: readonly number[]): number {
    for (let i = 0; i < count; i++) {
      const frame = this.#allocateRxBuf(lengths[i] ?? Number.NaN);
      if (frame === null) return i;
      frames[i] = frame;
    }
    return count;
  }

  #rxComplete(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    this.#called("rxComplete");
    let delivered = 0;
    const unused: Frame[] = [];
    for (let i = 0; i < count; i++) {
      const frame = this.#room(frames[i], lengths[i]);
      const length = lengths[i] ?? 0;
      if (length > 0) {
        delivered++;
        this.#receive(frame, length);
      } else if (frame.rangeCount > 0) unused.push(frame);
      if (length > 0 || frame.rangeCount === 0) this.#takeBack(frame);
    }
    this.#posted.unshift(...unused);
    if (delivered === 0) return;
    this.rxBatches++;
    this.onInterrupt?.();
  }

  #receive(frame: Frame, length: number): void {
    const bytes = new Uint8Array(length);
    readFrame(frame, bytes);
    if (this.#noise ? isTestFrame(bytes) : length >= SHORTEST_FRAME) this.received.push(bytes);
  }

  /** The room that comes back, once it is certain that it was out and can hold that much. */
  #room(frame: Frame | undefined, length: number | undefined): Frame {
    if (frame === undefined || !this.#rooms.delete(frame)) {
      this.breach("rxComplete for a frame that is not out");
      throw new RangeError('"frames" expected frames that are out');
    }
    if (length === undefined || !Number.isSafeInteger(length) || length < 0 || length > frame.totalBytes) {
      this.breach(`rxComplete with ${length} bytes in a room of ${frame.totalBytes}`);
      throw new RangeError(`"lengths" expected at most ${frame.totalBytes}, got ${length}`);
    }
    return frame;
  }

  #called(name: string): void {
    if (this.#quiet) this.breach(`${name} was called from within lowLevelInit`);
    if (this.closed) this.breach(`${name} was called after the backend was closed`);
  }

  #frame(cookie: number): Frame {
    const frame = this.#pool.pop() ?? new Frame();
    frame.clear();
    frame.cookie = cookie;
    return frame;
  }

  #lay(frame: Frame, total: number, rangeLengths: readonly number[]): void {
    let left = total;
    for (const wanted of [...rangeLengths, left]) {
      const length = Math.min(wanted, left);
      if (length > 0) frame.push(this.#memory.bytes, this.#memory.take(length), length);
      left -= length;
    }
  }

  /** The frame's bytes are poisoned, and the object is used for another frame soon. */
  #takeBack(frame: Frame): void {
    this.#empty(frame);
    frame.cookie = -1;
    this.#pool.push(frame);
  }

  #empty(frame: Frame): void {
    for (let i = 0; i < frame.rangeCount; i++) this.#memory.close(frame.offset[i] ?? 0, frame.length[i] ?? 0);
    frame.clear();
  }
}

function detached(funcs: RawIfaceFuncs): RawIfaceFuncs {
  const { lowLevelInit, rawTx, rawTxFlush, rawPoll, rawHandleIRQ, getMac, printState } = funcs;
  return {
    lowLevelInit: (driver) => lowLevelInit(driver),
    rawTx: (driver, frame, cookie) => rawTx(driver, frame, cookie),
    rawTxFlush: (driver) => rawTxFlush?.(driver),
    rawPoll: (driver) => rawPoll(driver),
    rawHandleIRQ: (driver, irq) => rawHandleIRQ(driver, irq),
    getMac: (driver) => getMac(driver),
    printState: (driver) => printState(driver),
  };
}
