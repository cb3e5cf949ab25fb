import {
  type EthDriver,
  type Frame,
  parseMac,
  type RawIfaceFuncs,
  readFrame,
  TxResult,
  writeFrame,
} from "@vmmkit/ethif";
import { frameNumber, TestCard, testFrame } from "@vmmkit/ethif-compliance";
import { type FaultBackend, type FaultOptions, faultBackend } from "../../src/index.ts";
import { HandClock } from "./hand-clock.ts";

const MAC = parseMac("02:00:00:00:00:01");
const PEER = parseMac("02:00:00:00:00:02");

/** A backend that remembers what it was sent, and answers as the test says. */
export class Recorder implements RawIfaceFuncs {
  /** Frames that were sent. */
  readonly sent: Uint8Array[] = [];
  /** Frames kept (`answer` Enqueued) and not completed. */
  readonly kept: Frame[] = [];
  answer: TxResult = TxResult.Complete;
  linkUp = true;
  flushes = 0;
  polls = 0;
  closed = 0;
  /** Runs inside `rawTx`. */
  onSend: (() => void) | null = null;
  driver: EthDriver | null = null;

  readonly lowLevelInit: RawIfaceFuncs["lowLevelInit"] = (driver) => {
    this.driver = driver;
    return { mac: MAC, mtu: 1500, linkUp: this.linkUp };
  };
  readonly rawTx: RawIfaceFuncs["rawTx"] = (_driver, frame) => {
    const { answer } = this;
    if (answer !== TxResult.Failed) {
      const bytes = new Uint8Array(frame.totalBytes);
      readFrame(frame, bytes);
      this.sent.push(bytes);
    }
    if (answer === TxResult.Enqueued) this.kept.push(frame);
    this.onSend?.();
    return answer;
  };
  readonly rawTxFlush = (): void => {
    this.flushes++;
  };
  readonly rawPoll = (): void => {
    this.polls++;
  };
  readonly rawHandleIRQ: RawIfaceFuncs["rawHandleIRQ"] = (driver, irq) => driver.raiseIrq(irq);
  readonly getMac = (): Uint8Array => MAC;
  readonly printState = (): string => "recorder";
  readonly close = async (): Promise<void> => {
    this.closed++;
    this.completeAll();
  };

  /** Completes what was kept. */
  completeAll(): void {
    for (const frame of this.kept.splice(0)) this.driver?.callbacks.txComplete(frame.cookie);
  }

  /** Brings frames to the card in one batch. Answers how many found room. */
  deliver(...messages: readonly Uint8Array[]): number {
    const callbacks = this.driver?.callbacks;
    const frames: Frame[] = [];
    const lengths: number[] = [];
    for (const message of messages) {
      const room = callbacks?.allocateRxBuf(message.length) ?? null;
      if (room === null) continue;
      frames.push(room);
      lengths.push(writeFrame(room, message));
    }
    if (frames.length > 0) callbacks?.rxComplete(frames.length, frames, lengths);
    return frames.length;
  }
}

/** A card, a backend with faults, and a recorder below it, with time that stands still. */
export class Bench {
  readonly clock = new HandClock();
  readonly recorder = new Recorder();
  readonly backend: FaultBackend;
  readonly card: TestCard;
  #number = 0;

  constructor(options: FaultOptions = {}, rooms = 64, prepare: (recorder: Recorder) => void = () => {}) {
    prepare(this.recorder);
    this.backend = faultBackend(this.recorder, { seed: 1, clock: this.clock, ...options });
    this.card = new TestCard(this.backend, { memoryBytes: 8 << 20 });
    this.card.init();
    if (rooms > 0) this.card.post(rooms, [1600]);
  }

  /** A frame with the next number. */
  frame(size = 60): Uint8Array {
    return testFrame({ to: PEER, from: MAC, size, number: this.#number++ });
  }

  /** The guest sends frames of this size, and flushes. Answers what `rawTx` answered. */
  send(count = 1, size = 60): TxResult[] {
    const results = Array.from({ length: count }, () => this.card.transmit(this.frame(size)));
    this.card.flush();
    return results;
  }

  /** The network brings frames of this size, each by itself. */
  bring(count = 1, size = 60): void {
    for (let i = 0; i < count; i++) this.recorder.deliver(this.frame(size));
  }

  /** Numbers of the frames that the backend was sent since this was asked last. */
  sent(): number[] {
    return this.recorder.sent.splice(0).map(frameNumber);
  }

  /** Numbers of the frames that the guest received since this was asked last. */
  received(): number[] {
    return this.card.received.splice(0).map(frameNumber);
  }

  /** What goes in direction `tx` or `rx`: sends `count` frames there. */
  push(direction: "tx" | "rx", count = 1, size = 60): void {
    if (direction === "tx") this.send(count, size);
    else this.bring(count, size);
  }

  /** Numbers of the frames that came out at the end of a direction. */
  out(direction: "tx" | "rx"): number[] {
    return direction === "tx" ? this.sent() : this.received();
  }

  /** What came out at the end of a direction. */
  bytesOut(direction: "tx" | "rx"): Uint8Array[] {
    return (direction === "tx" ? this.recorder.sent : this.card.received).splice(0);
  }
}

/** Both directions, for tests that do the same with each. */
export const DIRECTIONS = ["tx", "rx"] as const;

/** Numbers from 0 up. */
export function numbers(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}
