const TWO_32 = 0x1_0000_0000;

/** How many chains were taken before one, as a record has it: 64 bits, of which 53 are used, in two words from `at` on. */
export function readCounter(words: Uint32Array, at: number): number {
  return (words[at + 1] as number) * TWO_32 + (words[at] as number);
}

/** See `readCounter`. */
export function writeCounter(words: Uint32Array, at: number, counter: number): void {
  words[at] = counter;
  words[at + 1] = Math.floor(counter / TWO_32);
}
