import { type ControlData, le16 } from "../control/control-data.ts";
import { ALL_HASH_TYPES } from "./packet-hash.ts";
import { RSS_KEY_BYTES } from "./toeplitz.ts";

/** Most entries of an indirection table: `rss_max_indirection_table_length`, the least that a device may have. */
export const RSS_TABLE_ENTRIES = 128;

/** How packets are hashed: `struct virtio_net_hash_config` (VIRTIO 1.2, 5.1.6.5.6.4). */
export interface HashConfig {
  /** VIRTIO_NET_HASH_TYPE_*. */
  readonly types: number;
  /** 40 bytes at most. */
  readonly key: Uint8Array;
}

/** How packets are hashed and spread: `struct virtio_net_rss_config` (5.1.6.5.7.1). */
export interface RssConfig extends HashConfig {
  /** The receive queue, by pair, of each entry: a power of two of them. */
  readonly table: Uint16Array;
  /** Where packets without a hash go. */
  readonly unclassified: number;
  /** Transmit queues in use. */
  readonly transmitPairs: number;
}

/** Offset of the indirection table. */
const TABLE_AT = 8;

/**
 * Reads the data of VIRTIO_NET_CTRL_MQ_RSS_CONFIG. Each number that will choose a queue or an entry is checked here,
 * once, and is the device's from then on.
 * @param pairs how many queue pairs there are
 * @returns null where something is out of range, or the length is another than the parts make
 */
export function readRssConfig(data: ControlData, pairs: number): RssConfig | null {
  const types = data.u32(0);
  const entries = data.u16(4) + 1;
  const unclassified = data.u16(6);
  if (entries > RSS_TABLE_ENTRIES || (entries & (entries - 1)) !== 0 || unclassified >= pairs) return null;
  const table = readTable(data, entries);
  const transmitPairs = data.u16(TABLE_AT + 2 * entries);
  if (transmitPairs < 1 || transmitPairs > pairs || table.some((pair) => pair >= pairs)) return null;
  const key = readKey(data, types, TABLE_AT + 2 * entries + 2);
  return key === null ? null : { types, table, unclassified, transmitPairs, key };
}

/** Reads the data of VIRTIO_NET_CTRL_MQ_HASH_CONFIG. @returns null where it makes no sense */
export function readHashConfig(data: ControlData): HashConfig | null {
  const types = data.u32(0);
  for (let i = 0; i < 4; i++) if (data.u16(4 + 2 * i) !== 0) return null;
  const key = readKey(data, types, 12);
  return key === null ? null : { types, key };
}

function readTable(data: ControlData, entries: number): Uint16Array {
  const bytes = new Uint8Array(2 * entries);
  data.copy(TABLE_AT, bytes);
  return Uint16Array.from({ length: entries }, (_, i) => le16(bytes, 2 * i));
}

/** The length and the bytes of the key at `at`, which end the data. Without a key nothing can be hashed. */
function readKey(data: ControlData, types: number, at: number): Uint8Array | null {
  const length = data.u8(at);
  if (length > RSS_KEY_BYTES || (types & ~ALL_HASH_TYPES) !== 0 || (types !== 0 && length === 0)) return null;
  if (data.length !== at + 1 + length) return null;
  const key = new Uint8Array(length);
  data.copy(at + 1, key);
  return key;
}
