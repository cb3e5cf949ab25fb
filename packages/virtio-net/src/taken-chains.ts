/** Room for chains at first: a frame takes one, or with MRG_RXBUF some. */
const FIRST_CHAINS = 2;

/** The chains of a frame's room, in order: for each the name under which it was taken, and its room in bytes. */
export class TakenChains {
  count = 0;
  /** Two words for each. */
  #words: Uint32Array = new Uint32Array(2 * FIRST_CHAINS);

  /** There are none. */
  clear(): void {
    this.count = 0;
  }

  /** Adds a chain at the end. */
  push(head: number, roomBytes: number): void {
    const at = 2 * this.count++;
    if (at >= this.#words.length) this.#grow();
    this.#words[at] = head;
    this.#words[at + 1] = roomBytes;
  }

  /** There is this one alone. */
  pushAlone(head: number, roomBytes: number): void {
    const words = this.#words;
    this.count = 1;
    words[0] = head;
    words[1] = roomBytes;
  }

  /** The name of chain number `index`. */
  headOf(index: number): number {
    return this.#words[2 * index] as number;
  }

  /** Its room in bytes. */
  roomOf(index: number): number {
    return this.#words[2 * index + 1] as number;
  }

  #grow(): void {
    const words = new Uint32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
  }
}
