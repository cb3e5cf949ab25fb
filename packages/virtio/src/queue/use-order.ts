const NOT_OUT = 0;
const OUT = 1;
const DONE = 2;

/**
 * With IN_ORDER a device uses buffers in the order in which they were made available (2.7.9, 2.8.8). A device's work
 * may end in another: chains that are done before their turn wait here.
 *
 * Each chain gets a used element of its own. 2.7.9 and 2.8.8 allow one element for a batch, but the elements that it
 * saves are those that say how much was written, and drivers look at each one's length when they receive.
 */
export class UseOrder {
  /** Chains that are out, in the order in which they were taken: a ring. */
  readonly #heads: Uint16Array;
  #first = 0;
  #count = 0;
  #waiting = 0;
  /** By head: NOT_OUT, OUT or DONE. */
  readonly #state: Uint8Array;
  /** By head: bytes written into the chain. */
  readonly #lengthBytes: Uint32Array;

  /** @param size entries of the queue: the most chains that can be out */
  constructor(size: number) {
    this.#heads = new Uint16Array(size);
    this.#state = new Uint8Array(size);
    this.#lengthBytes = new Uint32Array(size);
  }

  /** A chain was taken. No more of them are out than the queue has entries. */
  take(head: number): void {
    const at = this.#first + this.#count++;
    const size = this.#heads.length;
    this.#heads[at < size ? at : at - size] = head;
    this.#state[head] = OUT;
  }

  /**
   * `take` for many chains.
   * @param chains as `PlainChains.words` has them
   * @param index number of the first
   */
  takeRun(chains: Int32Array, index: number, count: number): void {
    const heads = this.#heads;
    const state = this.#state;
    const size = heads.length;
    let at = this.#first + this.#count;
    if (at >= size) at -= size;
    for (let i = 0; i < count; i++) {
      const head = (chains[((index + i) << 2) | 0] as number) & 0xffff;
      heads[at] = head;
      state[head] = OUT;
      if (++at === size) at = 0;
    }
    this.#count += count;
  }

  /**
   * Chains are done whose turn it is: they are out no longer.
   * @param chains as `Virtqueue.useRun` takes them
   * @returns how many of the first ones these are
   */
  pass(chains: Int32Array, count: number): number {
    const heads = this.#heads;
    const state = this.#state;
    const most = Math.min(count, this.#count);
    let first = this.#first;
    let passed = 0;
    for (; passed < most; passed++) {
      const head = chains[passed << 1] as number;
      if (heads[first] !== head || state[head] !== OUT) break;
      state[head] = NOT_OUT;
      if (++first === heads.length) first = 0;
    }
    this.#first = first;
    this.#count -= passed;
    return passed;
  }

  /** A chain is done. Ignored where it is not out. */
  finish(head: number, lengthBytes: number): void {
    if (this.#state[head] !== OUT) return;
    this.#state[head] = DONE;
    this.#waiting++;
    this.#lengthBytes[head] = lengthBytes;
  }

  /** The chain whose turn it is, if it is done; -1 otherwise. It is out no longer. */
  next(): number {
    if (this.#count === 0) return -1;
    const head = this.#heads[this.#first] as number;
    if (this.#state[head] !== DONE) return -1;
    this.#state[head] = NOT_OUT;
    this.#first = this.#first + 1 === this.#heads.length ? 0 : this.#first + 1;
    this.#count--;
    this.#waiting--;
    return head;
  }

  /** Bytes written into a chain that is done, or that `next` answered last. */
  lengthBytes(head: number): number {
    return this.#lengthBytes[head] as number;
  }

  /** How many chains are done and wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether a chain that is out is done and waits for its turn. */
  isDone(head: number): boolean {
    return this.#state[head] === DONE;
  }

  /** Forgets all chains. */
  clear(): void {
    this.#first = 0;
    this.#count = 0;
    this.#waiting = 0;
    this.#state.fill(NOT_OUT);
  }
}
