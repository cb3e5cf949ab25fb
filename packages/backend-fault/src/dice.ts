/** How many values `next` can give. */
const VALUES = 2 ** 32;

/** Odd, and its multiples spread evenly over 32 bits: the golden ratio. */
const STEP = 0x9e37_79b9;

/**
 * Random numbers that are the same for the same seed. A counter whose value is stirred: small, quick, and good enough
 * to be unfair to frames with. Not for secrets.
 */
export class Dice {
  #state: number;

  /**
   * @param seed 0 to 2^32 - 1
   * @param stream numbers of different streams have nothing to do with each other, so that a fault that is turned on
   * changes nothing about the others
   */
  constructor(seed: number, stream: number) {
    this.#state = stir(stir(seed) + Math.imul(stream + 1, STEP));
  }

  /** True with this probability, 0 to 1. */
  hit(probability: number): boolean {
    return this.#next() < probability * VALUES;
  }

  /** An integer from 0 up to `limit`, itself not included. */
  below(limit: number): number {
    return Math.floor((this.#next() / VALUES) * limit);
  }

  /** A number from 0 up to `limit`, itself not included. */
  upTo(limit: number): number {
    return (this.#next() / VALUES) * limit;
  }

  #next(): number {
    this.#state = (this.#state + STEP) | 0;
    return stir(this.#state);
  }
}

/** Every bit of the result hangs on every bit of `value`. */
function stir(value: number): number {
  let bits = value ^ (value >>> 16);
  bits = Math.imul(bits, 0x85eb_ca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
