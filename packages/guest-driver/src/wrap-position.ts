/** A position in a packed ring and its wrap counter (VIRTIO 1.2, 2.8.1), which together count over two rounds. */
export class WrapPosition {
  readonly #size: number;
  /** From 0 to twice the size: the first round has wrap counter 1. */
  #at = 0;

  /** The start of a ring of `size` slots. */
  constructor(size: number) {
    this.#size = size;
  }

  get slot(): number {
    return this.#at < this.#size ? this.#at : this.#at - this.#size;
  }

  get wrap(): number {
    return this.#at < this.#size ? 1 : 0;
  }

  /** Goes to where another one is, in the same ring. */
  copy(other: WrapPosition): void {
    this.#at = other.#at;
  }

  /** Moves by some slots, backwards where they are negative. */
  advance(slots: number): void {
    const rounds = 2 * this.#size;
    this.#at = (((this.#at + slots) % rounds) + rounds) % rounds;
  }

  /**
   * Whether a slot with that wrap counter is among those that were passed lately (2.8.10).
   * @param from how many slots back the passage began
   * @param to how many slots back it ended
   */
  passed(slot: number, wrap: number, from: number, to: number): boolean {
    if (slot >= this.#size) return false;
    const rounds = 2 * this.#size;
    let back = (this.#at - (wrap === 1 ? slot : this.#size + slot) + rounds) % rounds;
    while (back <= to) back += rounds;
    return back <= from;
  }
}
