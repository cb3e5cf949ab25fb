import { type EthDriver, type Frame, formatMac, type LinkInfo, TxResult, writeFrame } from "@vmmkit/ethif";
import { CaptureReader } from "./capture-reader.ts";
import type { CapturedFrame } from "./captured-frame.ts";
import { checkInteger } from "./check.ts";
import { SystemClock } from "./clock.ts";
import { Delivery } from "./delivery.ts";
import { FrameCapture } from "./frame-capture.ts";
import { FrameFeed } from "./frame-feed.ts";
import { HEADER_BYTES, longestFrame, makeLink } from "./link.ts";
import { Pace } from "./pace.ts";
import { LINKTYPE_ETHERNET } from "./pcap-format.ts";
import type { ReplayOptions, ReplayState, ReplayStats } from "./replay.ts";
import { ReplayCounters } from "./replay-counters.ts";
import { checkSource, type OpenSource } from "./replay-source.ts";
import { hostTimer, type Timer } from "./timer.ts";

/** Frames that one interrupt stands for at most. */
const BATCH_FRAMES = 256;
/** Frames of a capture that one turn of the event loop looks at: a long file is not to keep it. */
const FRAMES_PER_TURN = 4096;

/** What `replayBackend` is made of. */
export class Replay {
  readonly link: LinkInfo;
  readonly ended: Promise<ReplayStats>;
  readonly #options: ReplayOptions;
  readonly #open: OpenSource;
  readonly #times: number;
  readonly #timer: Timer;
  readonly #pace: Pace;
  readonly #longest: number;
  readonly #capture: FrameCapture | null;
  readonly #delivery: Delivery = new Delivery(BATCH_FRAMES);
  readonly #counters: ReplayCounters = new ReplayCounters();
  #resolveEnded: (stats: ReplayStats) => void = () => {};
  #state: ReplayState;
  #error: unknown = null;
  #feed: FrameFeed | null = null;
  /** Whether this time through the capture gave the guest a frame. */
  #useful = false;
  /** The next frame was due when the guest had no room for it. */
  #starved = false;
  #looking = false;
  #wakeUp: unknown = null;

  constructor(options: ReplayOptions) {
    const { speed = 1, longestGapMs = Number.POSITIVE_INFINITY, times = 1, sent } = options;
    if (!(speed > 0)) throw new RangeError(`"speed" expected a number above 0, got ${speed}`);
    if (!(longestGapMs >= 0)) throw new RangeError(`"longestGapMs" expected a number from 0 on, got ${longestGapMs}`);
    if (times !== Number.POSITIVE_INFINITY) checkInteger("times", times, 1, Number.MAX_SAFE_INTEGER);
    // Refuses impossible options now, and not when the first feed is made.
    new CaptureReader(options);
    this.link = makeLink(options);
    this.#longest = longestFrame(this.link);
    this.#options = options;
    this.#open = checkSource(options.source, times);
    this.#times = times;
    this.#timer = options.timer ?? hostTimer;
    this.#pace = new Pace(speed, longestGapMs);
    this.#state = (options.autoStart ?? true) ? "running" : "paused";
    this.#capture = sent === undefined ? null : new FrameCapture(sent, sent.addInterface(), new SystemClock());
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  init(driver: EthDriver): LinkInfo {
    this.#delivery.attach(driver);
    this.#wake(0);
    return this.link;
  }

  transmit(frame: Frame): TxResult {
    const { totalBytes } = frame;
    if (this.#state === "closed" || totalBytes < HEADER_BYTES || totalBytes > this.#longest) return TxResult.Failed;
    this.#counters.sentFrames++;
    this.#counters.sentBytes += totalBytes;
    this.#capture?.sent(frame);
    return TxResult.Complete;
  }

  start(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.look();
  }

  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#pace.forget();
    this.#sleepOn();
  }

  /** Gives the guest what is due. A call from within itself returns at once: the outer one looks again. */
  look(): void {
    if (this.#looking || this.#delivery.driver === null || this.#state !== "running") return;
    this.#looking = true;
    let budget = FRAMES_PER_TURN;
    try {
      do budget = this.#gather(budget);
      while (this.#delivery.send() && budget > 0 && this.#state === "running");
    } finally {
      this.#looking = false;
    }
    if (budget === 0) this.#wake(0);
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#finish("closed");
    this.#delivery.send();
  }

  stats(): ReplayStats {
    return this.#counters.snapshot(this.#state, this.#error);
  }

  describe(): string {
    const { frames, skipped, sentFrames } = this.#counters;
    const counts = `${frames} frames given, ${skipped} skipped, ${sentFrames} taken`;
    return `replay ${formatMac(this.link.mac)} mtu ${this.link.mtu}: ${this.#state}, ${counts}`;
  }

  /** Fills a batch. Answers what is left of the budget. */
  #gather(budget: number): number {
    let left = budget;
    while (left > 0 && !this.#delivery.full && this.#state === "running") {
      const frame = this.#next();
      if (frame === null) break;
      if (this.#wanted(frame) && !this.#give(frame)) break;
      this.#feed?.shift();
      left--;
    }
    return left;
  }

  /** The next frame of the capture, or of its next time through. */
  #next(): CapturedFrame | null {
    for (;;) {
      this.#feed ??= new FrameFeed(this.#open, this.#options, () => this.look());
      const frame = this.#feed.peek();
      if (frame !== null || !this.#feed.ended) return frame;
      if (!this.#startAgain(this.#feed.error)) return null;
    }
  }

  /** After the end of the capture. False where that was the last time through. */
  #startAgain(error: unknown): boolean {
    this.#feed = null;
    if (error !== null) {
      this.#finish("failed", error);
      return false;
    }
    this.#counters.passes++;
    // A capture that has nothing to give would be gone through again and again without end.
    if (this.#counters.passes >= this.#times || !this.#useful) {
      this.#finish("ended");
      return false;
    }
    this.#useful = false;
    this.#pace.again();
    return true;
  }

  /** Whether a frame is one to give; counts those that are not. */
  #wanted(frame: CapturedFrame): boolean {
    const counters = this.#counters;
    const length = frame.lengthBytes - frame.fcsBytes;
    if (frame.linkType !== LINKTYPE_ETHERNET) counters.notEthernet++;
    else if (!this.#chosen(frame)) counters.filtered++;
    else if (frame.bytes.length < frame.lengthBytes) counters.truncated++;
    else if (length < HEADER_BYTES) counters.tooShort++;
    else if (length > this.#longest) counters.tooLong++;
    else return true;
    return false;
  }

  #chosen(frame: CapturedFrame): boolean {
    try {
      return this.#options.filter?.(frame) ?? true;
    } catch (error) {
      this.#finish("failed", error);
      return false;
    }
  }

  /** Gives a frame, or gives it up. False where it has to wait. */
  #give(frame: CapturedFrame): boolean {
    const now = this.#timer.now();
    const due = this.#pace.due(frame, now);
    if (due > now) {
      this.#wake(due - now);
      return false;
    }
    const length = frame.lengthBytes - frame.fcsBytes;
    const room = this.#delivery.room(length);
    if (room === null) {
      this.#starved = true;
      if (!this.#delivery.neverFits() || this.#state !== "running") return false;
      this.#counters.noBuffers++;
    } else {
      this.#delivery.add(room, writeFrame(room, frame.bytes.subarray(0, length)));
      this.#counters.frames++;
      this.#counters.bytes += length;
      this.#useful = true;
    }
    // Where the guest made the replay wait, the frames that follow keep their distance.
    this.#pace.passed(frame, this.#starved ? now : due);
    this.#starved = false;
    return true;
  }

  #finish(state: "ended" | "failed" | "closed", error: unknown = null): void {
    const over = this.#state === "ended" || this.#state === "failed";
    this.#state = state;
    this.#error ??= error;
    this.#sleepOn();
    this.#feed?.cancel();
    if (!over) this.#resolveEnded(this.stats());
  }

  #wake(delayMs: number): void {
    this.#sleepOn();
    this.#wakeUp = this.#timer.set(() => {
      this.#wakeUp = null;
      this.look();
    }, delayMs);
  }

  #sleepOn(): void {
    if (this.#wakeUp !== null) this.#timer.clear(this.#wakeUp);
    this.#wakeUp = null;
  }
}
