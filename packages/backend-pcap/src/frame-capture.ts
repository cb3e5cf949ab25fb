import { type Frame, readFrame } from "@vmmkit/ethif";
import { type CaptureWriter, FrameDirection, type FrameStamp } from "./capture-writer.ts";
import { checkInteger } from "./check.ts";
import type { CaptureClock } from "./clock.ts";
import { LONGEST_SNAP_LENGTH } from "./pcap-format.ts";

/** How many bytes of a frame a filter is shown. */
const HEAD_BYTES = 128;

/**
 * Chooses frames.
 * @param head the first 128 bytes of the frame, zeros behind a shorter one; used again for the next
 * @param lengthBytes the frame's length
 * @param direction which way it goes
 * @returns whether it is to be captured
 */
export type FrameFilter = (head: Uint8Array, lengthBytes: number, direction: FrameDirection) => boolean;

/** What of a card's frames is captured. */
export interface CaptureSettings {
  /** How many bytes of each frame are kept at most. Default: as many as the interface's snap length. */
  readonly snapLength?: number;
  /** Frames of one direction alone. Default: both. */
  readonly direction?: FrameDirection;
  /** Chooses frames. One that throws ends the capture, and nothing else. Default: all. */
  readonly filter?: FrameFilter;
}

/** What was counted of a card's frames while the capture was on. */
export interface FrameCaptureStats {
  /** Frames that the writer took. */
  readonly captured: number;
  /** Frames that the settings left out. */
  readonly filtered: number;
  /** Frames that the writer could not take. */
  readonly dropped: number;
  /** What ended the capture: the filter's error; null where there was none. */
  readonly error: unknown;
}

/** The frames of one card on their way into a capture. */
export class FrameCapture {
  /** Asked for each frame. */
  on = false;
  readonly #writer: CaptureWriter;
  readonly #clock: CaptureClock;
  readonly #stamp: Stamp;
  readonly #head: Uint8Array = new Uint8Array(HEAD_BYTES);
  #direction: FrameDirection = FrameDirection.Unknown;
  #filter: FrameFilter | null = null;
  #captured = 0;
  #filtered = 0;
  #dropped = 0;
  #error: unknown = null;

  constructor(writer: CaptureWriter, interfaceId: number, clock: CaptureClock) {
    this.#writer = writer;
    this.#clock = clock;
    this.#stamp = new Stamp(interfaceId);
  }

  /** Takes settings. @throws RangeError for an impossible one */
  configure(settings: CaptureSettings): void {
    const { snapLength = LONGEST_SNAP_LENGTH } = settings;
    this.#stamp.snapLength = checkInteger("snapLength", snapLength, 1, LONGEST_SNAP_LENGTH);
    this.#direction = settings.direction ?? FrameDirection.Unknown;
    this.#filter = settings.filter ?? null;
  }

  /** Captures from now on, with these settings or those that there are. */
  start(settings?: CaptureSettings): void {
    if (settings !== undefined) this.configure(settings);
    this.on = true;
  }

  stop(): void {
    this.on = false;
  }

  /** The guest sends a frame. */
  sent(frame: Frame): void {
    this.#clock.read();
    this.#take(frame, frame.totalBytes, FrameDirection.Outbound);
  }

  /** The guest is about to receive frames: the arguments of `rxComplete`. */
  received(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    this.#clock.read();
    for (let i = 0; i < count; i++) {
      const frame = frames[i];
      const length = lengths[i] ?? 0;
      // Room that goes back unused, or that a reset of the card has emptied, is no frame.
      if (frame !== undefined && length > 0 && length <= frame.totalBytes) {
        this.#take(frame, length, FrameDirection.Inbound);
      }
    }
  }

  stats(): FrameCaptureStats {
    return { captured: this.#captured, filtered: this.#filtered, dropped: this.#dropped, error: this.#error };
  }

  describe(): string {
    return `capture ${this.on ? "on" : "off"}, ${this.#captured} frames, ${this.#dropped} dropped`;
  }

  #take(frame: Frame, lengthBytes: number, direction: FrameDirection): void {
    if (!this.#wanted(frame, lengthBytes, direction)) {
      this.#filtered++;
      return;
    }
    const stamp = this.#stamp;
    stamp.seconds = this.#clock.seconds;
    stamp.nanoseconds = this.#clock.nanoseconds;
    stamp.lengthBytes = lengthBytes;
    stamp.direction = direction;
    if (this.#writer.addFrame(stamp, frame)) this.#captured++;
    else this.#dropped++;
  }

  #wanted(frame: Frame, lengthBytes: number, direction: FrameDirection): boolean {
    if (this.#direction !== FrameDirection.Unknown && this.#direction !== direction) return false;
    const filter = this.#filter;
    if (filter === null) return true;
    const head = this.#head;
    const known = Math.min(lengthBytes, readFrame(frame, head));
    if (known < HEAD_BYTES) head.fill(0, known);
    try {
      return filter(head, lengthBytes, direction);
    } catch (error) {
      this.#error ??= error;
      this.on = false;
      return false;
    }
  }
}

/** One object for all frames. */
class Stamp implements FrameStamp {
  seconds = 0;
  nanoseconds = 0;
  lengthBytes = 0;
  readonly interfaceId: number;
  direction: FrameDirection = FrameDirection.Unknown;
  snapLength: number = LONGEST_SNAP_LENGTH;

  constructor(interfaceId: number) {
    this.interfaceId = interfaceId;
  }
}
