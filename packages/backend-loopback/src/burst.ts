import { copyFrame, Frame, type FrameMemory } from "@vmmkit/ethif";
import type { HubSide } from "./hub-side.ts";

/** Memory for the frames: a batch of full ones, as a guest sends them. */
const BURST_BYTES = 0x4_0000;
/** Each starts on a multiple of this, as guests' buffers do, so that they are copied in wide words. */
const ALIGN_BYTES = 64;
/** As many as a queue looks ahead. */
const MOST_FRAMES = 128;

/** Copies of frames, in order, each with the port that it came from and the one that it goes to, if that is one. */
export class Burst {
  count = 0;
  readonly #memory: FrameMemory = { bytes: new Uint8Array(BURST_BYTES), gpa: 0, hostAddress: 0 };
  #usedBytes = 0;
  readonly #frames: Frame[] = [];
  readonly #from: HubSide[] = [];
  readonly #to: (HubSide | null)[] = [];

  /** Copies a frame to the end. False where there is no room for it. @param to null: to all but `from` */
  add(from: HubSide, frame: Frame, to: HubSide | null): boolean {
    const { count } = this;
    const at = this.#usedBytes;
    const length = frame.totalBytes;
    if (count === MOST_FRAMES || at + length > BURST_BYTES) return false;
    const copy = this.#frameAt(count);
    copy.place(this.#memory, at, length);
    copyFrame(frame, copy);
    this.#from[count] = from;
    this.#to[count] = to;
    this.#usedBytes = Math.min(BURST_BYTES, (at + length + ALIGN_BYTES - 1) & -ALIGN_BYTES);
    this.count = count + 1;
    return true;
  }

  /** Frame number `index` if it goes to a port, otherwise null. */
  frameFor(side: HubSide, index: number): Frame | null {
    const to = this.#to[index];
    const goes = to === null ? this.#from[index] !== side : to === side;
    return goes ? (this.#frames[index] ?? null) : null;
  }

  clear(): void {
    this.count = 0;
    this.#usedBytes = 0;
  }

  #frameAt(index: number): Frame {
    let frame = this.#frames[index];
    if (frame === undefined) {
      frame = new Frame();
      this.#frames[index] = frame;
    }
    return frame;
  }
}
