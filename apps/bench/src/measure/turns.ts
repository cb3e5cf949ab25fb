import type { Contender } from "./contender.ts";

/** How long contenders are measured. */
export interface Turns {
  /** How many rounds count. */
  readonly rounds: number;
  /** Milliseconds of each. */
  readonly roundMs: number;
  /** Milliseconds before the first round, in each contender: for the engine's compilers. */
  readonly warmUpMs: number;
}

/** What the long and the short form take. */
export const LONG: Turns = { rounds: 9, roundMs: 60, warmUpMs: 500 };
export const SHORT: Turns = { rounds: 5, roundMs: 30, warmUpMs: 300 };

/**
 * Measures contenders side by side: their rounds take turns, so a slow spell of the machine meets all of them. One that
 * stands in several places has a turn at each.
 * @returns the rounds of each, in the order of `contenders`
 */
export async function takeTurns(contenders: readonly Contender[], turns: Turns): Promise<number[][]> {
  // In two halves: the engine throws code away while types are still settling, and makes it anew.
  const once = new Set(contenders);
  for (let half = 0; half < 2; half++) for (const each of once) await each.ask(`warm ${turns.warmUpMs / 2}`);
  const rounds: number[][] = contenders.map(() => []);
  for (let round = 0; round < turns.rounds; round++) {
    for (const [i, contender] of contenders.entries()) rounds[i]?.push(await contender.round(turns.roundMs));
  }
  return rounds;
}
