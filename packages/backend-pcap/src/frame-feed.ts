import { CaptureReader, type CaptureReaderOptions } from "./capture-reader.ts";
import type { CapturedFrame } from "./captured-frame.ts";
import { type ByteSource, type PieceIterator, piecesOf } from "./read-capture.ts";

/** Once through a capture, frame by frame, without waiting as long as its pieces are there. */
export class FrameFeed {
  /** What the source threw, or a `PcapFormatError`: the feed ends there. Null where there was nothing. */
  error: unknown = null;
  /** Whether there are no more frames. */
  ended = false;
  readonly #reader: CaptureReader;
  readonly #onReady: () => void;
  #pieces: PieceIterator | null = null;
  #frame: CapturedFrame | null = null;
  #waiting = false;

  /**
   * @param open opens the capture; called at once
   * @param onReady called when there is more, after `peek` answered null without an end
   */
  constructor(open: () => ByteSource | Promise<ByteSource>, options: CaptureReaderOptions, onReady: () => void) {
    this.#reader = new CaptureReader(options);
    this.#onReady = onReady;
    this.#attempt(() => {
      const source = open();
      if (isPromise(source)) this.#wait(source, (opened) => this.#start(opened));
      else this.#start(source);
    });
  }

  /** The next frame, which stays that until `shift`. Null where there is none yet, or none any more. */
  peek(): CapturedFrame | null {
    while (this.#frame === null && !this.ended && !this.#waiting) {
      this.#attempt(() => {
        this.#frame = this.#reader.next();
        if (this.#frame === null) this.#fetch();
      });
    }
    return this.#frame;
  }

  /** The frame is done with. */
  shift(): void {
    this.#frame = null;
  }

  /** There is no more interest: the source is closed. */
  cancel(): void {
    this.ended = true;
    this.#frame = null;
    this.#closeSource();
  }

  #start(source: ByteSource): void {
    this.#pieces = piecesOf(source);
    if (this.ended) this.#closeSource();
  }

  #fetch(): void {
    const pieces = this.#pieces;
    if (pieces === null) {
      this.ended = true;
      return;
    }
    const next = pieces.next();
    if (isPromise(next)) this.#wait(next, (result) => this.#take(result));
    else this.#take(next);
  }

  #take(result: IteratorResult<Uint8Array>): void {
    if (!result.done) {
      this.#reader.push(result.value);
      return;
    }
    // All that there is was read, or is the start of something that is cut off: the reader says so.
    this.#pieces = null;
    this.#reader.end();
  }

  #wait<T>(promise: PromiseLike<T>, then: (value: T) => void): void {
    this.#waiting = true;
    const go = (task: () => void): void => {
      this.#waiting = false;
      this.#attempt(task);
      this.#onReady();
    };
    promise.then(
      (value) => go(() => then(value)),
      (error: unknown) =>
        go(() => {
          throw error;
        }),
    );
  }

  #attempt(task: () => void): void {
    try {
      task();
    } catch (error) {
      if (!this.ended) this.error = error;
      this.ended = true;
      this.#closeSource();
    }
  }

  #closeSource(): void {
    const pieces = this.#pieces;
    this.#pieces = null;
    try {
      const closed = pieces?.return?.();
      if (closed !== undefined && isPromise(closed)) closed.then(undefined, () => {});
    } catch {
      // It is not needed any more, and how it ends is nobody's concern.
    }
  }
}

/** Whatever can be waited for; not all of them are the host's own. */
function isPromise<T extends object>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return "then" in value;
}
