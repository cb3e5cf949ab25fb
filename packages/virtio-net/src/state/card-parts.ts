import { MAC_BYTES } from "@vmmkit/ethif";
import type { VirtioState } from "@vmmkit/virtio";
import type { Coalescing } from "../coalescing.ts";
import type { MacTable } from "../filter/mac-table.ts";
import type { ReceiveFilter } from "../filter/receive-filter.ts";
import type { NetConfig } from "../net-config.ts";
import type { HashConfig } from "../steering/rss-config.ts";
import type { Steering } from "../steering/steering.ts";
import type { HashState, MacTableState, NetDeviceState } from "./net-state.ts";

/** What the control queue sets of a card. */
export interface CardParts {
  readonly config: NetConfig;
  readonly filter: ReceiveFilter;
  readonly steering: Steering;
  readonly coalescing: Coalescing;
  /** Queue pairs of the card. */
  readonly pairs: number;
}

/** The fields of a state that these parts fill. */
export type CardPartsState = Omit<NetDeviceState, keyof VirtioState | "version" | "guestOffloads">;

/** What is set now. */
export function saveParts({ config, filter, steering, coalescing, pairs }: CardParts): CardPartsState {
  const { rss, hashing } = steering;
  return {
    mtu: config.mtu,
    mac: [...config.mac],
    announce: config.announce,
    modes: { ...filter.modes },
    unicast: saveTable(filter.unicast),
    multicast: saveTable(filter.multicast),
    vlans: [...filter.vlans.words],
    pairs: rss === null ? steering.receivePairs : 1,
    rss: rss === null ? null : { ...rss, table: [...rss.table], key: [...rss.key] },
    hashing: hashing === null ? null : { types: hashing.types, key: [...hashing.key] },
    coalescing: {
      receive: coalescing.direction(0),
      transmit: coalescing.direction(1),
      queues: Array.from({ length: 2 * pairs }, (_, queue) => coalescing.get(queue)),
    },
  };
}

/** Sets all parts to what a state says that was checked. They have been reset before. */
export function restoreParts({ config, filter, steering, coalescing }: CardParts, state: CardPartsState): void {
  config.setMac(Uint8Array.from(state.mac));
  config.setAnnounce(state.announce);
  const { promisc, allmulti, alluni, nomulti, nouni, nobcast } = state.modes;
  Object.assign(filter.modes, { promisc, allmulti, alluni, nomulti, nouni, nobcast });
  restoreTable(filter.unicast, state.unicast);
  restoreTable(filter.multicast, state.multicast);
  filter.vlans.load(state.vlans);
  if (state.hashing !== null) steering.setHash(hashConfig(state.hashing));
  steering.setPairs(state.pairs);
  if (state.rss !== null) {
    const { table, unclassified, transmitPairs } = state.rss;
    steering.setRss({ ...hashConfig(state.rss), table: Uint16Array.from(table), unclassified, transmitPairs });
  }
  const { receive, transmit, queues } = state.coalescing;
  coalescing.setDirection(0, copy(receive));
  coalescing.setDirection(1, copy(transmit));
  for (const [queue, parameters] of queues.entries()) coalescing.setQueue(queue, copy(parameters));
}

function saveTable(table: MacTable): MacTableState {
  return { overflowed: table.overflowed, bytes: [...table.bytes] };
}

function restoreTable(table: MacTable, { overflowed, bytes }: MacTableState): void {
  if (overflowed) table.set(Number.POSITIVE_INFINITY, new Uint8Array(0));
  else table.set(bytes.length / MAC_BYTES, Uint8Array.from(bytes));
}

function hashConfig({ types, key }: HashState): HashConfig {
  return { types, key: Uint8Array.from(key) };
}

function copy({ maxPackets, maxUsecs }: { maxPackets: number; maxUsecs: number }) {
  return { maxPackets, maxUsecs };
}
