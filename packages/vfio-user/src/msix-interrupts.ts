import { EventFd, type Fd } from "@vmmkit/posix";

/** MSI-X vectors, each signalled through a descriptor of its own. The client keeps the table and the masks. */
export class MsixInterrupts {
  readonly #vectors: (EventFd | null)[];
  /** Vectors that were signalled while there was nobody to tell. */
  readonly #pending: boolean[];

  /** @param count of the vectors that the function has */
  constructor(count: number) {
    this.#vectors = new Array<EventFd | null>(count).fill(null);
    this.#pending = new Array<boolean>(count).fill(false);
  }

  /** How many vectors there are. */
  get count(): number {
    return this.#vectors.length;
  }

  /** The device signals. */
  signal(vector: number): void {
    const bell = this.#vectors[vector];
    if (bell === undefined) return;
    if (bell === null) this.#pending[vector] = true;
    else bell.signal();
  }

  /** Where a vector is signalled from now on; null for nowhere. What was missed is made up for. */
  setTrigger(vector: number, fd: Fd | null): void {
    this.#vectors[vector]?.close();
    const bell = fd === null ? null : new EventFd(fd);
    this.#vectors[vector] = bell;
    if (bell === null || this.#pending[vector] !== true) return;
    this.#pending[vector] = false;
    bell.signal();
  }

  /** The device was reset: what was missed is of no interest any more. */
  forget(): void {
    this.#pending.fill(false);
  }

  /** Lets go of all descriptors and forgets what was missed. */
  clear(): void {
    for (const bell of this.#vectors) bell?.close();
    this.#vectors.fill(null);
    this.#pending.fill(false);
  }
}
