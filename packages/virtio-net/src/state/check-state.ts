import { MAC_BYTES } from "@vmmkit/ethif";
import { type CoalescingParameters, MAX_COALESCING_USECS } from "../coalescing.ts";
import { MAC_TABLE_ENTRIES } from "../filter/mac-table.ts";
import type { ReceiveMode } from "../filter/receive-filter.ts";
import { VLAN_IDS } from "../filter/vlan-table.ts";
import { ALL_HASH_TYPES } from "../steering/packet-hash.ts";
import { RSS_TABLE_ENTRIES } from "../steering/rss-config.ts";
import { RSS_KEY_BYTES } from "../steering/toeplitz.ts";
import {
  type MacTableState,
  NET_STATE_VERSION,
  type NetDeviceState,
  type NetQueueState,
  type RssState,
} from "./net-state.ts";

const WORD = 0xffff_ffff;
const MODES: readonly ReceiveMode[] = ["promisc", "allmulti", "alluni", "nomulti", "nouni", "nobcast"];
/** Any field of any part of a state, of any type yet. */
type FieldName =
  | keyof NetDeviceState
  | keyof NetQueueState
  | keyof MacTableState
  | keyof RssState
  | keyof NetDeviceState["coalescing"]
  | keyof CoalescingParameters
  | ReceiveMode;
type Fields = { readonly [Name in FieldName]?: unknown };

/** What the state has to fit. */
export interface StateLimits {
  /** Queue pairs of the card. */
  readonly pairs: number;
  /** Queues of the card, the control queue included. */
  readonly queues: number;
}

/**
 * Checks a state from outside before any of it is used: whatever chooses a queue, an entry or an amount of memory later on
 * is in its range here.
 * @throws TypeError, RangeError naming the field
 */
export function checkState(state: unknown, limits: StateLimits): NetDeviceState {
  const fields = record("state", state);
  integer("version", fields.version, NET_STATE_VERSION, NET_STATE_VERSION);
  integer("status", fields.status, 0, 0xff);
  integer("isr", fields.isr, 0, 3);
  integer("featuresLow", fields.featuresLow, 0, WORD);
  integer("featuresHigh", fields.featuresHigh, 0, WORD);
  integers("mac", fields.mac, MAC_BYTES, MAC_BYTES, 0xff);
  flag("announce", fields.announce);
  integers("vlans", fields.vlans, VLAN_IDS / 32, VLAN_IDS / 32, WORD);
  const modes = record("modes", fields.modes);
  for (const mode of MODES) flag(`modes.${mode}`, modes[mode]);
  macTable("unicast", fields.unicast);
  macTable("multicast", fields.multicast);
  checkSteering(fields, limits.pairs);
  checkCoalescing(fields.coalescing, 2 * limits.pairs);
  const queues = list("queues", fields.queues, limits.queues, limits.queues);
  for (const [index, queue] of queues.entries()) if (queue !== null) checkQueue(`queues[${index}]`, queue);
  return state as NetDeviceState;
}

function checkQueue(name: string, queue: unknown): void {
  const fields = record(name, queue);
  integer(`${name}.size`, fields.size, 1, 32768);
  for (const area of ["descTable", "driverArea", "deviceArea"] as const) {
    integer(`${name}.${area}`, fields[area], 0, Number.MAX_SAFE_INTEGER);
  }
  integer(`${name}.base`, fields.base, 0, WORD);
  flag(`${name}.stopped`, fields.stopped);
}

function macTable(name: string, table: unknown): void {
  const fields = record(name, table);
  flag(`${name}.overflowed`, fields.overflowed);
  const bytes = integers(`${name}.bytes`, fields.bytes, 0, MAC_TABLE_ENTRIES * MAC_BYTES, 0xff);
  if (bytes.length % MAC_BYTES !== 0)
    throw new RangeError(`"${name}.bytes" expected six for each, got ${bytes.length}`);
}

function checkSteering(fields: Fields, pairs: number): void {
  integer("pairs", fields.pairs, 1, pairs);
  if (fields.hashing !== null) hash("hashing", record("hashing", fields.hashing));
  if (fields.rss === null) return;
  const rss = record("rss", fields.rss);
  hash("rss", rss);
  const table = integers("rss.table", rss.table, 1, RSS_TABLE_ENTRIES, pairs - 1);
  if ((table.length & (table.length - 1)) !== 0) {
    throw new RangeError(`"rss.table" expected a power of two of entries, got ${table.length}`);
  }
  integer("rss.unclassified", rss.unclassified, 0, pairs - 1);
  integer("rss.transmitPairs", rss.transmitPairs, 1, pairs);
}

function hash(name: string, fields: Fields): void {
  integer(`${name}.types`, fields.types, 0, ALL_HASH_TYPES);
  integers(`${name}.key`, fields.key, 0, RSS_KEY_BYTES, 0xff);
}

function checkCoalescing(value: unknown, queues: number): void {
  const fields = record("coalescing", value);
  parameters("coalescing.receive", fields.receive);
  parameters("coalescing.transmit", fields.transmit);
  const all = list("coalescing.queues", fields.queues, queues, queues);
  for (const [index, one] of all.entries()) parameters(`coalescing.queues[${index}]`, one);
}

function parameters(name: string, value: unknown): void {
  const fields = record(name, value);
  integer(`${name}.maxPackets`, fields.maxPackets, 0, WORD);
  integer(`${name}.maxUsecs`, fields.maxUsecs, 0, MAX_COALESCING_USECS);
}

function record(name: string, value: unknown): Fields {
  if (typeof value !== "object" || value === null) throw new TypeError(`"${name}" expected an object, got ${value}`);
  return value as Fields;
}

function list(name: string, value: unknown, min: number, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`"${name}" expected an array, got ${typeof value}`);
  integer(`${name}.length`, value.length, min, max);
  return value;
}

function integers(name: string, value: unknown, min: number, max: number, most: number): readonly unknown[] {
  const all = list(name, value, min, max);
  for (const [index, one] of all.entries()) integer(`${name}[${index}]`, one, 0, most);
  return all;
}

function integer(name: string, value: unknown, min: number, max: number): void {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected ${min} to ${max}, got ${String(value)}`);
  }
}

function flag(name: string, value: unknown): void {
  if (typeof value !== "boolean") throw new TypeError(`"${name}" expected true or false, got ${String(value)}`);
}
