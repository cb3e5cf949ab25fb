/**
 * Random numbers from 0 up to 1 that are the same for the same seed, so that a failing run can be run again.
 * A 32-bit xorshift: good enough to shake a device with, for nothing else.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0 || 0x9e37_79b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** An integer from 0 up to `limit`, itself not included. */
export function randomBelow(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}
