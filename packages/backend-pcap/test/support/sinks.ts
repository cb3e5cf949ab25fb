import type { ByteSink, Done } from "../../src/index.ts";

/** A sink that takes its time: each write waits until the test lets it go. */
export class SlowSink implements ByteSink {
  readonly written: Uint8Array[] = [];
  closed = false;
  #waiting: (() => void)[] = [];

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        this.written.push(bytes.slice());
        resolve();
      });
    });
  }

  close(): void {
    this.closed = true;
  }

  /** Lets the writes that wait go, and those that follow from that. */
  async release(): Promise<void> {
    while (this.#waiting.length > 0) {
      const [next] = this.#waiting.splice(0, 1);
      next?.();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.written.flatMap((piece) => [...piece]));
  }
}

/** A sink that fails when it is told to, at once or in a promise. Nothing of what it refuses is there. */
export class FailingSink implements ByteSink {
  failing = false;
  failClose = false;
  closed = false;
  readonly #later: boolean;
  readonly #pieces: Uint8Array[] = [];

  constructor(later: boolean) {
    this.#later = later;
  }

  write(bytes: Uint8Array): Done {
    if (this.failing) {
      if (this.#later) return Promise.reject(new Error("disk full"));
      throw new Error("disk full");
    }
    this.#pieces.push(bytes.slice());
  }

  close(): void {
    this.closed = true;
    if (this.failClose) throw new Error("close failed");
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#pieces.flatMap((piece) => [...piece]));
  }
}
