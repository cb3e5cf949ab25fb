import type { DirectionCounters, LossCause } from "./counters.ts";
import { Dice } from "./dice.ts";
import type { HeldFrame } from "./held-frame.ts";
import type { DirectionSettings } from "./settings.ts";

/** How many streams of random numbers a direction has. */
const STREAMS = 6;

/** Decides what happens to frames. Each fault has dice of its own, thrown only where it is on. */
export class Fate {
  /** For the places of bits. */
  readonly bitDice: Dice;
  readonly #counters: DirectionCounters;
  readonly #dropDice: Dice;
  readonly #duplicateDice: Dice;
  readonly #corruptDice: Dice;
  readonly #reorderDice: Dice;
  readonly #delayDice: Dice;

  /** @param index 0, 1, …: directions with the same seed are to differ */
  constructor(seed: number, index: number, counters: DirectionCounters) {
    const dice = (stream: number): Dice => new Dice(seed, index * STREAMS + stream);
    this.#counters = counters;
    this.#dropDice = dice(0);
    this.#duplicateDice = dice(1);
    this.#corruptDice = dice(2);
    this.bitDice = dice(3);
    this.#reorderDice = dice(4);
    this.#delayDice = dice(5);
  }

  /** Why the next frame is lost, or null. */
  lossOf(settings: DirectionSettings, waiting: number): LossCause | null {
    if (settings.drop > 0 && this.#dropDice.hit(settings.drop)) return "fault";
    return waiting >= settings.queueFrames ? "overflow" : null;
  }

  /** Marks a frame that is not lost, and sets how many milliseconds from now on it may go. */
  mark(held: HeldFrame, settings: DirectionSettings, nowMs: number): void {
    held.corrupt = settings.corrupt > 0 && this.#corruptDice.hit(settings.corrupt);
    held.duplicate = settings.duplicate > 0 && this.#duplicateDice.hit(settings.duplicate);
    held.dueMs = nowMs + this.#delayOf(settings);
  }

  /** How many frames are to overtake the next one; 0 where it keeps its place. */
  overtakersOf(settings: DirectionSettings): number {
    const { reorder, reorderFrames } = settings;
    if (reorder === 0 || !this.#reorderDice.hit(reorder)) return 0;
    this.#counters.reordered++;
    return 1 + this.#reorderDice.below(reorderFrames);
  }

  #delayOf(settings: DirectionSettings): number {
    const { delay, delayMs, jitterMs } = settings;
    if (delayMs + jitterMs === 0 || delay === 0 || !this.#delayDice.hit(delay)) return 0;
    this.#counters.delayed++;
    return jitterMs > 0 ? delayMs + this.#delayDice.upTo(jitterMs) : delayMs;
  }
}
