/** Nothing where something is done already, otherwise the promise that it will be. */
export type Done = void | Promise<void>;

/**
 * Where a capture is written to: a file, a socket, memory. The writer of a `WritableStream` is one as it is
 * (`stream.getWriter()`); the Node half has one for files.
 */
export interface ByteSink {
  /**
   * Takes bytes. Answers nothing where it is done with them, otherwise a promise, and until that is settled the bytes
   * are the sink's. The next call comes after that.
   *
   * Throws or rejects where they could not be written. Then either none of them is there and a later call may
   * succeed, or all later calls fail too: what was written up to here stays a whole file.
   */
  write(bytes: Uint8Array): Done;
  /** All is written. */
  close(): Done;
}

/** A capture in memory: for tests, and for a browser that offers it as a download. */
export class MemorySink implements ByteSink {
  /** Whether the writer has closed it. */
  closed = false;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  write(bytes: Uint8Array): void {
    this.#pieces.push(bytes.slice());
    this.#length += bytes.length;
  }

  close(): void {
    this.closed = true;
  }

  /** All that was written, in one piece. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}
