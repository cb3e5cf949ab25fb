/** Batches of a round that are kept; a round of more ends early. */
const MAX_BATCHES = 1 << 18;
const CALIBRATION_PAIRS = 20_001;

/**
 * Times the device's share of each batch: what runs between `start` and `stop`. The driver's share, filling and
 * emptying rings, stays outside. A round's figure is the median of its batches, so that a batch in which another
 * process had the processor does not count for a thousand.
 */
export class Stopwatch {
  readonly #took = new Float64Array(MAX_BATCHES);
  /** Whether it looks at the clock at all: each look leaves a number on the heap. */
  running = true;
  #count = 0;
  #start = 0;
  #sum = 0;
  /** Pairs of looks in this turn: one for each card. */
  #pairs = 0;
  /** What the two looks at the clock cost, in nanoseconds. */
  readonly #overheadNs: number;

  constructor() {
    for (let i = 0; i < CALIBRATION_PAIRS; i++) {
      this.start();
      this.stop();
      this.#took[i] = this.#sum;
      this.#sum = 0;
    }
    this.#overheadNs = middle(this.#took.subarray(0, CALIBRATION_PAIRS)) * 1e6;
  }

  start(): void {
    if (this.running) this.#start = performance.now();
  }

  stop(): void {
    if (!this.running) return;
    this.#sum += performance.now() - this.#start;
    this.#pairs++;
  }

  /**
   * Runs turns for a time.
   * @param turn answers how many frames went through; always the same number, with as many pairs of looks
   * @param batches how many turns at least, however long they take
   * @returns nanoseconds per frame
   */
  round(turn: () => number, milliseconds: number, batches = 1): number {
    this.#count = 0;
    let frames = 0;
    const end = performance.now() + milliseconds;
    while ((performance.now() < end || this.#count < batches) && this.#count < MAX_BATCHES) {
      this.#sum = 0;
      this.#pairs = 0;
      frames = turn();
      this.#took[this.#count++] = this.#sum;
    }
    return (middle(this.#took.subarray(0, this.#count)) * 1e6 - this.#pairs * this.#overheadNs) / frames;
  }
}

function middle(values: Float64Array): number {
  return values.sort()[values.length >>> 1] ?? Number.NaN;
}
