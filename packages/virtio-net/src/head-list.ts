/** Heads of descriptor chains, first in, first out, in a ring made once. */
export class HeadList {
  readonly #heads: Uint16Array;
  #first = 0;
  #count = 0;

  /** @param capacity the most heads that can be in it: a queue's size */
  constructor(capacity: number) {
    this.#heads = new Uint16Array(capacity);
  }

  get length(): number {
    return this.#count;
  }

  push(head: number): void {
    this.#heads[(this.#first + this.#count) % this.#heads.length] = head;
    this.#count++;
  }

  /** The oldest head, or -1. */
  shift(): number {
    if (this.#count === 0) return -1;
    const head = this.#heads[this.#first] as number;
    this.#first = (this.#first + 1) % this.#heads.length;
    this.#count--;
    return head;
  }

  clear(): void {
    this.#count = 0;
  }
}
