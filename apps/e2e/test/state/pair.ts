import type { Hub } from "@vmmkit/backend-loopback";
import { CardGuest, type CardPlan } from "../support/card-guest.ts";
import { type WatchedBackend, watchAnnouncements } from "./announcements.ts";

/** Addresses of the two guests. */
export const ADDRESSES = { alice: "10.0.0.1", bob: "10.0.0.2" } as const;

/** Where alice leaves the MD5 of the file that she fetches, once she has all of it. */
export const SUM_FILE = "/tmp/sum";

/** Two guests on a hub: alice with a modern card and packed virtqueues, bob with a legacy one. */
export interface GuestPair {
  readonly alice: CardGuest;
  readonly bob: CardGuest;
  /** What carries alice's frames. */
  readonly wire: WatchedBackend;
}

/** Files of the state of each, for `joinPair`. */
export interface PairStates {
  readonly alice: Uint8Array;
  readonly bob: Uint8Array;
}

/** Boots both guests, or lets them go on from their states. */
export async function joinPair(hub: Hub, states?: PairStates): Promise<GuestPair> {
  const wire = watchAnnouncements(hub.port());
  const start = (name: keyof PairStates, plan: CardPlan): Promise<CardGuest> => {
    const state = states?.[name];
    return CardGuest.boot(name, [plan], state === undefined ? {} : { state });
  };
  const [alice, bob] = await Promise.all([
    start("alice", { backend: wire.backend, options: { transport: "transitional", packed: true } }),
    start("bob", { backend: hub.port() }),
  ]);
  return { alice, bob, wire };
}
