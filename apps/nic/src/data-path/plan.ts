import type { LineSpec } from "../backend-spec.ts";
import { type CardConfig, hubMtu, type NicConfig, type Waiting } from "../config.ts";

/** What one data path is to do. Plain data, as it may be in another process. */
export interface DataPathConfig {
  readonly cards: readonly CardConfig[];
  readonly uplinks: readonly LineSpec[];
  /** The MTU of the hub between its cards. */
  readonly mtu: number;
  readonly waiting: Waiting;
  readonly spinUs: number;
}

/** A data path for each card that has a backend to itself, and one for the hub with all that is on it. */
export function planDataPaths({ cards, uplinks, spinUs }: NicConfig): DataPathConfig[] {
  const onHub = cards.filter(({ backend }) => backend.kind === "hub");
  const mtu = hubMtu(cards);
  const plan = cards
    .filter((card) => !onHub.includes(card))
    .map((card): DataPathConfig => ({ cards: [card], uplinks: [], mtu, waiting: card.waiting, spinUs }));
  const [first] = onHub;
  if (first === undefined && uplinks.length === 0) return plan;
  return [...plan, { cards: onHub, uplinks, mtu, waiting: first?.waiting ?? "adaptive", spinUs }];
}
