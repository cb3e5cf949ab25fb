/** Bytes of the longest input: two IPv6 addresses and two ports. */
const INPUT_BYTES = 36;
/** Bytes of a key that can matter: a window of 32 bits for each bit of the input. Also the longest key that is taken. */
export const RSS_KEY_BYTES: number = INPUT_BYTES + 4;

/**
 * The Toeplitz hash: for each bit of the input that is 1, from the first on, the 32 bits of the key that start at the same
 * place, all of them XORed. With a table for each byte of the input it takes one step a byte.
 */
export class Toeplitz {
  /** At 256 * i + b: what byte b at place i contributes. */
  readonly #table = new Uint32Array(INPUT_BYTES * 256);

  /** @param key up to 40 bytes; a shorter one ends in zeros */
  setKey(key: Uint8Array): void {
    const table = this.#table;
    for (let place = 0; place < INPUT_BYTES; place++) {
      const base = place * 256;
      table[base] = 0;
      for (let bit = 0; bit < 8; bit++) {
        // Bit 7 of a byte comes first. Each value is a smaller one and its highest bit.
        const value = 1 << bit;
        const window = keyWindow(key, place, 7 - bit);
        for (let low = 0; low < value; low++) table[base + value + low] = (table[base + low] ?? 0) ^ window;
      }
    }
  }

  /** Hashes on: `count` bytes from `at` on are the input's bytes from `place` on. @returns 32 bits, without sign */
  update(hash: number, place: number, bytes: Uint8Array, at: number, count: number): number {
    const table = this.#table;
    let result = hash;
    for (let i = 0; i < count; i++) result ^= table[(place + i) * 256 + (bytes[at + i] as number)] as number;
    return result >>> 0;
  }
}

/** 32 bits of the key from bit `shift` of byte `place` on, bit 0 being the first. */
function keyWindow(key: Uint8Array, place: number, shift: number): number {
  const byte = (i: number): number => key[place + i] ?? 0;
  const word = (byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3);
  return shift === 0 ? word >>> 0 : ((word << shift) | (byte(4) >>> (8 - shift))) >>> 0;
}
