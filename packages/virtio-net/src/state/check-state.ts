import { MAC_BYTES } from "@vmmkit/ethif";
import { VIRTIO_NET_F_MTU } from "@vmmkit/virtio";
import { stateFlag, stateInteger, stateIntegers, stateList, stateRecord } from "@vmmkit/vm";
import { MAX_COALESCING_USECS } from "../coalescing.ts";
import { hasBit } from "../feature-dependencies.ts";
import { MAC_TABLE_ENTRIES } from "../filter/mac-table.ts";
import type { ReceiveMode } from "../filter/receive-filter.ts";
import { VLAN_IDS } from "../filter/vlan-table.ts";
import { receiveOffloads } from "../offload/offload-features.ts";
import { ALL_HASH_TYPES } from "../steering/packet-hash.ts";
import { RSS_TABLE_ENTRIES } from "../steering/rss-config.ts";
import { RSS_KEY_BYTES } from "../steering/toeplitz.ts";
import { NET_STATE_VERSION, type NetDeviceState } from "./net-state.ts";

const WORD = 0xffff_ffff;
const MODES: readonly ReceiveMode[] = ["promisc", "allmulti", "alluni", "nomulti", "nouni", "nobcast"];

/** What the state has to fit. */
export interface StateLimits {
  /** Queue pairs of the card. */
  readonly pairs: number;
  /** What its configuration says. */
  readonly mtu: number;
}

/**
 * Checks what a state from outside says of the card's parts, before any of it is used: whatever chooses an entry or an
 * amount of memory later on is in its range here. What `DeviceState` has of it, `DeviceState.prepare` checks.
 * @throws TypeError, RangeError naming the field
 */
export function checkState(state: unknown, limits: StateLimits): NetDeviceState {
  const { version, mac, announce, vlans, modes, unicast, multicast, coalescing, ...rest } = stateRecord("state", state);
  stateInteger("version", version, NET_STATE_VERSION, NET_STATE_VERSION);
  stateIntegers("mac", mac, MAC_BYTES, MAC_BYTES, 0xff);
  stateFlag("announce", announce);
  stateIntegers("vlans", vlans, VLAN_IDS / 32, VLAN_IDS / 32, WORD);
  const flags = stateRecord("modes", modes);
  for (const mode of MODES) stateFlag(`modes.${mode}`, flags[mode]);
  checkMacTable("unicast", unicast);
  checkMacTable("multicast", multicast);
  checkSteering(rest, limits.pairs);
  checkCoalescing(coalescing, 2 * limits.pairs);
  checkPromises(rest, limits.mtu);
  return state as NetDeviceState;
}

/** What the guest was promised, and agreed to. */
function checkPromises(fields: Readonly<Record<string, unknown>>, own: number): void {
  const { featuresLow, featuresHigh, guestOffloads, mtu } = fields;
  const features = {
    low: stateInteger("featuresLow", featuresLow, 0, WORD),
    high: stateInteger("featuresHigh", featuresHigh, 0, WORD),
  };
  const agreed = receiveOffloads(features);
  const offloads = stateInteger("guestOffloads", guestOffloads, 0, WORD);
  if ((offloads & ~agreed) !== 0) {
    throw new RangeError(`"guestOffloads" expected some of ${agreed}, got ${offloads}`);
  }
  const isPromised = hasBit(features, VIRTIO_NET_F_MTU);
  stateInteger("mtu", mtu, isPromised ? own : 0, isPromised ? own : 0xffff);
}

function checkMacTable(name: string, table: unknown): void {
  const { overflowed, bytes } = stateRecord(name, table);
  stateFlag(`${name}.overflowed`, overflowed);
  const { length } = stateIntegers(`${name}.bytes`, bytes, 0, MAC_TABLE_ENTRIES * MAC_BYTES, 0xff);
  if (length % MAC_BYTES !== 0) throw new RangeError(`"${name}.bytes" expected six for each, got ${length}`);
}

function checkSteering(fields: Readonly<Record<string, unknown>>, pairs: number): void {
  const { pairs: inUse, hashing, rss } = fields;
  stateInteger("pairs", inUse, 1, pairs);
  if (hashing !== null) checkHash("hashing", stateRecord("hashing", hashing));
  if (rss === null) return;
  const { table, unclassified, transmitPairs, ...hash } = stateRecord("rss", rss);
  checkHash("rss", hash);
  const { length } = stateIntegers("rss.table", table, 1, RSS_TABLE_ENTRIES, pairs - 1);
  if ((length & (length - 1)) !== 0) {
    throw new RangeError(`"rss.table" expected a power of two of entries, got ${length}`);
  }
  stateInteger("rss.unclassified", unclassified, 0, pairs - 1);
  stateInteger("rss.transmitPairs", transmitPairs, 1, pairs);
}

function checkHash(name: string, { types, key }: { readonly types?: unknown; readonly key?: unknown }): void {
  stateInteger(`${name}.types`, types, 0, ALL_HASH_TYPES);
  stateIntegers(`${name}.key`, key, 0, RSS_KEY_BYTES, 0xff);
}

function checkCoalescing(value: unknown, queues: number): void {
  const { receive, transmit, queues: all } = stateRecord("coalescing", value);
  checkParameters("coalescing.receive", receive);
  checkParameters("coalescing.transmit", transmit);
  for (const [index, one] of stateList("coalescing.queues", all, queues).entries()) {
    checkParameters(`coalescing.queues[${index}]`, one);
  }
}

function checkParameters(name: string, value: unknown): void {
  const { maxPackets, maxUsecs } = stateRecord(name, value);
  stateInteger(`${name}.maxPackets`, maxPackets, 0, WORD);
  stateInteger(`${name}.maxUsecs`, maxUsecs, 0, MAX_COALESCING_USECS);
}
