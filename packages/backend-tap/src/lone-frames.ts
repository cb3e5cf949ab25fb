/** More frames than these in a look are a stream: the second may be the answer to what the first was answered with. */
const FEW = 2;
/** So many looks in a row that found few frames make it likely that the next one does. */
const ROW = 4;
/** So many frames are then taken without looking for a second one. */
const SKIPS = 15;

/**
 * Knows whether to look for a second frame behind the first. Where frames come one by one, as when somebody waits for
 * the answer to each, that look finds nothing and costs a system call. A wrong guess costs no more: the descriptor is
 * reported as ready again.
 */
export class LoneFrames {
  #row = 0;
  #skips = 0;

  /** A frame was read. True where there will hardly be another now. */
  guess(): boolean {
    if (this.#skips === 0) return false;
    this.#skips--;
    return true;
  }

  /** A look ended that was not cut short. @param found how many frames there were */
  looked(found: number): void {
    this.#row = found > 0 && found <= FEW ? this.#row + 1 : 0;
    if (this.#row >= ROW) this.#skips = SKIPS;
  }
}
