import { percentile } from "../measure/percentile.ts";
import { median } from "../section.ts";
import { sleep } from "./turn.ts";
import type { Wire } from "./wires.ts";

/** Pings of each card in turn. The guest has the same timers and the machine the same pace for either card's. */
const GROUP = 10;
const GAP_MS = 5;
/** No answer came in a second. */
const LOST_MS = 1000;

/** Times of the pings of one card, in groups: entry by entry the neighbours of the other card's. */
export type PingGroups = readonly (readonly number[])[];

/**
 * Pings the idle guest through both cards in turn, small group by small group.
 * @param groups how many for each card
 * @returns by card, in the order of `wires`
 */
export async function pingInTurns(wires: readonly Wire[], groups: number): Promise<PingGroups[]> {
  const times: number[][][] = wires.map(() => []);
  for (let group = 0; group < groups; group++) {
    for (const [i, wire] of turnsOf(wires, group)) times[i]?.push(await pingGroup(wire));
  }
  return times;
}

/** Whose turn it is, in a round: who is first in one is last in the next. */
export function turnsOf<T>(each: readonly T[], round: number): [number, T][] {
  const order = [...each.entries()];
  return round % 2 === 0 ? order : order.reverse();
}

/** The medians of the groups. */
export function medians(groups: PingGroups): number[] {
  return groups.map(median);
}

/** What `share` of all pings do not exceed. A group has too few for it. */
export function percentileOfAll(groups: PingGroups, share: number): number {
  return percentile(
    groups.flat().sort((a, b) => a - b),
    share,
  );
}

async function pingGroup({ peer }: Wire): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < GROUP; i++) {
    await sleep(GAP_MS);
    times.push((await peer.ping()) ?? LOST_MS);
  }
  return times;
}
