import type { Backend } from "@vmmkit/ethif";
import type { CaptureReaderOptions } from "./capture-reader.ts";
import type { CaptureWriter } from "./capture-writer.ts";
import type { CapturedFrame } from "./captured-frame.ts";
import type { LinkOptions } from "./link.ts";
import type { ByteSource } from "./read-capture.ts";
import { Replay } from "./replay-card.ts";
import type { Timer } from "./timer.ts";

/** Options of `replayBackend`. */
export interface ReplayOptions extends LinkOptions, CaptureReaderOptions {
  /** The capture, pcap or pcapng; or a function that opens it, called once for each time through. */
  readonly source: ByteSource | (() => ByteSource | Promise<ByteSource>);
  /**
   * How many times faster than captured, above 0. 1 keeps the capture's own pace, Infinity gives frames as fast as the
   * guest takes them. Default 1.
   */
  readonly speed?: number;
  /** Gaps between frames longer than this are made this long, in milliseconds. Default: none are. */
  readonly longestGapMs?: number;
  /**
   * How many times the capture is gone through, Infinity for no end. More than once needs a `source` that can be opened
   * again: a function, or a `Uint8Array`. Default 1.
   */
  readonly times?: number;
  /** Chooses frames: those that the card of the capture received, say, and not those that it sent. Default: all. */
  readonly filter?: (frame: CapturedFrame) => boolean;
  /** Gets what the guest sends. It stays the caller's to close. Default: that is counted and gone. */
  readonly sent?: CaptureWriter;
  /** Whether to start as soon as the guest takes frames. Default true; otherwise `start` does it. */
  readonly autoStart?: boolean;
  /** How to wait. Default: the host's timers. */
  readonly timer?: Timer;
}

/** How far a replay has come. */
export type ReplayState = "paused" | "running" | "ended" | "failed" | "closed";

/** What a replay counted since it was made. */
export interface ReplayStats {
  readonly state: ReplayState;
  /** What was wrong with the file or its source where `state` is "failed"; otherwise null. */
  readonly error: unknown;
  /** Frames and bytes that the guest was given. */
  readonly frames: number;
  readonly bytes: number;
  /** How many times the capture was gone through to its end. */
  readonly passes: number;
  /** Frames of the capture that the guest was not given, by reason. */
  readonly skipped: {
    /** The filter left them out. */
    readonly filtered: number;
    /** The capture has only their first bytes. */
    readonly truncated: number;
    /** They are of something else than Ethernet. */
    readonly notEthernet: number;
    /** Shorter than an Ethernet header. */
    readonly tooShort: number;
    /** Longer than the link carries. */
    readonly tooLong: number;
    /** The guest never offered room for a frame this long. */
    readonly noBuffers: number;
  };
  /** What the guest sent. */
  readonly sent: { readonly frames: number; readonly bytes: number };
}

/** A capture that is replayed. */
export interface ReplayBackend extends Backend {
  /** Starts, or goes on after `pause`: the next frame is due at once. */
  start(): void;
  /** Gives no more frames until `start`. */
  pause(): void;
  /** Fulfilled when there are no more frames to come: at the end, after an error, or when the backend is closed. */
  readonly ended: Promise<ReplayStats>;
  /** What was counted so far. */
  stats(): ReplayStats;
}

/**
 * A backend that gives a guest the frames of a capture. A guest that has no room makes the replay wait: no frame is
 * lost, and those behind it keep their distance. What the guest sends is counted, and captured if wanted; nobody
 * answers it. Check sequences at the end of frames, where the file says that there are, are left out.
 * @throws TypeError, RangeError for an impossible option
 */
export function replayBackend(options: ReplayOptions): ReplayBackend {
  const replay = new Replay(options);
  return {
    lowLevelInit: (driver) => replay.init(driver),
    rawTx: (_driver, frame) => replay.transmit(frame),
    rawPoll: () => replay.look(),
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => replay.link.mac,
    printState: () => replay.describe(),
    close: async () => replay.close(),
    start: () => replay.start(),
    pause: () => replay.pause(),
    ended: replay.ended,
    stats: () => replay.stats(),
  };
}
