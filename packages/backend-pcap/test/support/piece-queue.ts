/** Pieces of a file that come when the test says so. */
export class PieceQueue implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  /** Whether whoever took the pieces has closed it. */
  closed = false;
  readonly #pieces: (Uint8Array | Error | null)[] = [];
  #wake: () => void = () => {};

  push(piece: Uint8Array): void {
    this.#put(piece);
  }

  /** The file is over. */
  end(): void {
    this.#put(null);
  }

  /** Reading it fails. */
  fail(error: Error): void {
    this.#put(error);
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    while (this.#pieces.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const piece = this.#pieces.shift() ?? null;
    if (piece instanceof Error) throw piece;
    return piece === null ? { done: true, value: undefined } : { done: false, value: piece };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.closed = true;
    this.#wake();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #put(piece: Uint8Array | Error | null): void {
    this.#pieces.push(piece);
    this.#wake();
  }
}
