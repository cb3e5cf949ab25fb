import {
  type EthDriver,
  type Frame,
  type LinkInfo,
  parseMac,
  type RawIfaceFuncs,
  readFrame,
  TxResult,
  writeFrame,
} from "@vmmkit/ethif";

/** The address of every card under test. */
export const TEST_MAC: Uint8Array = parseMac("52:54:00:12:34:56");

/** A backend that keeps a copy of each frame, answers what it is told to, and delivers what it is given. */
export class TestBackend {
  readonly funcs: RawIfaceFuncs;
  /** Copies of the frames handed to `rawTx`. */
  readonly sent: Uint8Array[] = [];
  /** The frames answered `Enqueued`, until `finish`. */
  readonly kept: Frame[] = [];
  /** Arguments of `rawHandleIRQ`. */
  readonly irqs: number[] = [];
  /** Calls of `rawTx`, whether it kept a copy or not. */
  transmits = 0;
  polls = 0;
  flushes = 0;
  /** What `rawTx` answers; it may do more than that. */
  answer: (frame: Frame) => TxResult = () => TxResult.Complete;
  onPoll: () => void = () => {};
  onFlush: () => void = () => {};
  onIrq: (driver: EthDriver, irq: number) => void = (driver, irq) => driver.raiseIrq(irq);
  /** Whether `rawTx` copies frames. */
  copies = true;
  #driver: EthDriver | null = null;

  constructor(link: Partial<LinkInfo> = {}) {
    this.funcs = {
      lowLevelInit: (driver) => {
        this.#driver = driver;
        return { mac: TEST_MAC, mtu: 1500, ...link };
      },
      rawTx: (_driver, frame, cookie) => this.#transmit(frame, cookie),
      rawTxFlush: () => {
        this.flushes++;
        this.onFlush();
      },
      rawPoll: () => {
        this.polls++;
        this.onPoll();
      },
      rawHandleIRQ: (driver, irq) => {
        this.irqs.push(irq);
        this.onIrq(driver, irq);
      },
      getMac: () => TEST_MAC,
      printState: () => "test backend",
    };
  }

  /** The card. */
  get driver(): EthDriver {
    if (this.#driver === null) throw new Error("the card was not made yet");
    return this.#driver;
  }

  /** Whether `lowLevelInit` was called. */
  get initialised(): boolean {
    return this.#driver !== null;
  }

  /** Asks for room. */
  allocate(sizeBytes: number): Frame | null {
    return this.driver.callbacks.allocateRxBuf(sizeBytes);
  }

  /** Fills rooms and gives them back together. */
  complete(...pairs: readonly (readonly [Frame, Uint8Array])[]): void {
    for (const [frame, bytes] of pairs) writeFrame(frame, bytes);
    this.driver.callbacks.rxComplete(
      pairs.length,
      pairs.map(([frame]) => frame),
      pairs.map(([, bytes]) => bytes.length),
    );
  }

  /** Delivers one frame. False where there is no room. */
  deliver(bytes: Uint8Array, roomBytes: number = bytes.length): boolean {
    const frame = this.allocate(roomBytes);
    if (frame === null) return false;
    this.complete([frame, bytes]);
    return true;
  }

  /** Gives a room back unused. */
  giveBack(frame: Frame): void {
    this.driver.callbacks.rxComplete(1, [frame], [0]);
  }

  /** Is done with a frame that it kept: the oldest, or the one at `index`. */
  finish(index = 0): void {
    const [frame] = this.kept.splice(index, 1);
    if (frame === undefined) throw new Error(`no frame ${index} is kept`);
    this.driver.callbacks.txComplete(frame.cookie);
  }

  #transmit(frame: Frame, cookie: number): TxResult {
    this.transmits++;
    if (cookie !== frame.cookie) throw new Error(`cookie ${cookie}, but the frame says ${frame.cookie}`);
    if (this.copies) {
      const bytes = new Uint8Array(frame.totalBytes);
      readFrame(frame, bytes);
      this.sent.push(bytes);
    }
    const result = this.answer(frame);
    if (result === TxResult.Enqueued) this.kept.push(frame);
    return result;
  }
}
