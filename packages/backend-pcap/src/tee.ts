import type { Backend, EthDriver, RawIfaceCallbacks, RawIfaceFuncs } from "@vmmkit/ethif";
import type { CaptureWriter, InterfaceInit } from "./capture-writer.ts";
import { type CaptureClock, SystemClock } from "./clock.ts";
import { type CaptureSettings, FrameCapture, type FrameCaptureStats } from "./frame-capture.ts";

/** Options of `pcapTee`. */
export interface PcapTeeOptions extends CaptureSettings {
  /** Where the frames go. It may serve several tees; closing the tee does not close it. */
  readonly writer: CaptureWriter;
  /** How the capture is to call this card. Default: an interface without a name. */
  readonly interface?: InterfaceInit;
  /** Whether to capture from the start. Default true. */
  readonly capturing?: boolean;
  /** What time it is. Default: the host's time. */
  readonly clock?: CaptureClock;
}

/** A backend whose frames are captured as they pass. */
export interface PcapTee extends Backend {
  /** Whether frames are captured now. */
  readonly capturing: boolean;
  /**
   * Captures from now on.
   * @param settings replace those that there were
   */
  startCapture(settings?: CaptureSettings): void;
  /** Captures no more. What was captured stays the writer's. */
  stopCapture(): void;
  /** What was counted since the tee was made. */
  captureStats(): FrameCaptureStats;
}

/**
 * Wraps a backend: what its card sends and receives passes unchanged, and a writer gets a copy. Frames are captured as
 * the guest hands them over and before it gets them; one that the backend refuses is in the capture too, and one with
 * offloads is as the guest left it: its checksum open, its segments not yet cut.
 *
 * Off, it costs a test of one field for each frame.
 * @throws TypeError, RangeError for an impossible option
 */
export function pcapTee(backend: RawIfaceFuncs & Partial<Backend>, options: PcapTeeOptions): PcapTee {
  const interfaceId = options.writer.addInterface(options.interface);
  const capture = new FrameCapture(options.writer, interfaceId, options.clock ?? new SystemClock());
  if (options.capturing ?? true) capture.start(options);
  else capture.configure(options);
  /** The card as the backend below sees it. */
  let lower: EthDriver | null = null;
  const { rawTx, rawTxFlush, setQueuePairs, setRxOffloads } = backend;
  return {
    lowLevelInit(driver) {
      lower = observedDriver(driver, capture);
      return backend.lowLevelInit(lower);
    },
    rawTx(driver, frame, cookie) {
      if (capture.on) capture.sent(frame);
      return rawTx(lower ?? driver, frame, cookie);
    },
    ...(rawTxFlush !== undefined && { rawTxFlush: (driver: EthDriver) => rawTxFlush(lower ?? driver) }),
    rawPoll: (driver, queue) => backend.rawPoll(lower ?? driver, queue),
    ...(setQueuePairs !== undefined && {
      setQueuePairs: (driver: EthDriver, pairs: number) => setQueuePairs(lower ?? driver, pairs),
    }),
    ...(setRxOffloads !== undefined && {
      setRxOffloads: (driver: EthDriver, offloads: number) => setRxOffloads(lower ?? driver, offloads),
    }),
    rawHandleIRQ: (driver, irq) => backend.rawHandleIRQ(lower ?? driver, irq),
    getMac: (driver) => backend.getMac(lower ?? driver),
    printState: (driver) => `${backend.printState(lower ?? driver)}; ${capture.describe()}`,
    async close() {
      await backend.close?.();
    },
    get capturing() {
      return capture.on;
    },
    startCapture: (settings) => capture.start(settings),
    stopCapture: () => capture.stop(),
    captureStats: () => capture.stats(),
  };
}

/** A card that shows what it receives to a capture first. */
function observedDriver(driver: EthDriver, capture: FrameCapture): EthDriver {
  const upper = driver.callbacks;
  const callbacks: RawIfaceCallbacks = {
    // The card's own functions where there is nothing to see: each call of a wrapper would be in the way of a frame.
    txComplete: upper.txComplete,
    allocateRxBuf: upper.allocateRxBuf,
    ...(upper.allocateRxBufs === undefined ? {} : { allocateRxBufs: upper.allocateRxBufs }),
    rxComplete(count, frames, lengths) {
      if (capture.on) capture.received(count, frames, lengths);
      upper.rxComplete(count, frames, lengths);
    },
    linkChange: upper.linkChange,
  };
  return {
    name: driver.name,
    callbacks,
    funcs: driver.funcs,
    get ethData() {
      return driver.ethData;
    },
    set ethData(data: unknown) {
      driver.ethData = data;
    },
    raiseIrq: (irq) => driver.raiseIrq(irq),
  };
}
