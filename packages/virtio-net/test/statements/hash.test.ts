/*
 * Hashes as a guest sees them (VIRTIO 1.2, 5.1.6.4.3, 5.1.6.4.4, 5.1.6.5.7.3), against the values that Microsoft
 * published for receive-side scaling.
 */
import * as virtio from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { makeRig } from "../support/rig.ts";
import { makeStateRig } from "../support/state-rig.ts";

const KEY = Uint8Array.from(
  "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa".match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);
const PAIRS = 4;
const TABLE = Array.from({ length: 128 }, (_, i) => (i * 7) % PAIRS);

/** Source and destination with their ports, and the hashes of the addresses and of all. */
const V4: readonly (readonly [string, number, string, number, number, number])[] = [
  ["66.9.149.187", 2794, "161.142.100.80", 1766, 0x323e8fc2, 0x51ccc178],
  ["199.92.111.2", 14230, "65.69.140.83", 4739, 0xd718262a, 0xc626b0ea],
  ["24.19.198.95", 12898, "12.22.207.184", 38024, 0xd2d0a5de, 0x5c2b394a],
  ["38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xafc7327f],
  ["153.39.163.191", 44251, "202.188.127.2", 1303, 0x5d1809c5, 0x10e828a2],
];
const V6: readonly (readonly [string, number, string, number, number, number])[] = [
  ["3ffe250102001fff0000000000000007", 2794, "3ffe2501020000030000000000000001", 1766, 0x2cc18cd5, 0x40207d3d],
  ["3ffe0501000800000260 97fffe40efab", 14230, "ff020000000000000000000000000001", 4739, 0x0f0c461c, 0xdde51bbf],
  ["3ffe1900454500030200f8fffe2167cf", 44251, "fe800000000000000200f8fffe2167cf", 38024, 0x4b61e985, 0x02d1feef],
];
const TCP = 6;
const UDP = 17;

const hex = (text: string) => (text.replaceAll(" ", "").match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
const ports = (...numbers: number[]) => numbers.flatMap((port) => [port >> 8, port & 255]);

function packet(version: 4 | 6, protocol: number, [source, from, target, to]: (typeof V4)[number]): Uint8Array {
  const rest = [...ports(from, to), ...new Array(24).fill(0x5a)];
  const ip =
    version === 4
      ? [
          0x45,
          0,
          0,
          20 + rest.length,
          0,
          0,
          0,
          0,
          64,
          protocol,
          0,
          0,
          ...source.split(".").map(Number),
          ...target.split(".").map(Number),
        ]
      : [0x60, 0, 0, 0, 0, rest.length, protocol, 64, ...hex(source), ...hex(target)];
  const type = version === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  return Uint8Array.from([0x52, 0x54, 0, 0x12, 0x34, 0x56, 2, 0, 0, 0, 0, 9, ...type, ...ip, ...rest]);
}

/** Each packet with the hash and the report (5.1.6.4.4) that a card with these types has for it. */
function vectors(types: number): { frame: Uint8Array; hash: number; report: number }[] {
  const all: { frame: Uint8Array; hash: number; report: number }[] = [];
  for (const [version, list, first] of [
    [4, V4, 0],
    [6, V6, 3],
  ] as const) {
    for (const vector of list) {
      for (const [protocol, kind] of [
        [TCP, 1],
        [UDP, 2],
        [1, 0],
      ] as const) {
        const frame = packet(version, protocol, vector);
        const wanted = [kind, 0].find((at) => ((types >> (first + at)) & 1) === 1 && (at === kind || at === 0));
        if (wanted === undefined) all.push({ frame, hash: 0, report: 0 });
        else all.push({ frame, hash: wanted === 0 ? vector[4] : vector[5], report: first + wanted + 1 });
      }
    }
  }
  return all;
}

const TYPES = [0x3f, 0x09, 0x12, 0x36, 0x01, 0x20];

describe("5.1.6.5.7.3 RSS processing", () => {
  it.each(TYPES)(
    "5.1.6.5.7.3 the hash masked is the entry of the table, and what has none is unclassified: types %i",
    (types) => {
      const features = [virtio.VIRTIO_NET_F_CTRL_VQ, virtio.VIRTIO_NET_F_MQ, virtio.VIRTIO_NET_F_RSS];
      const { driver, backend } = makeStateRig({
        card: { queuePairs: PAIRS },
        guest: { features: [virtio.VIRTIO_F_VERSION_1, ...features], queuePairs: PAIRS },
      });
      for (const table of [TABLE, TABLE.slice(0, 32), [3], [1, 2]]) {
        const sent = driver.control.setRss({ hashTypes: types, table, unclassified: 2, maxTxVq: PAIRS, key: KEY });
        expect(sent).toBe(true);
        for (const { frame, hash, report } of vectors(types)) {
          backend.deliver(frame);
          const pairs = Array.from({ length: PAIRS }, (_, pair) => driver.receiveFrom(pair).length);
          const wanted = report === 0 ? 2 : table[hash % table.length];
          expect(pairs).toEqual(Array.from({ length: PAIRS }, (_, pair) => (pair === wanted ? 1 : 0)));
        }
      }
    },
  );
});

describe("5.1.6.4.4 hash reporting", () => {
  const HASH = [virtio.VIRTIO_NET_F_CTRL_VQ, virtio.VIRTIO_NET_F_HASH_REPORT];
  const RINGS = ["split", "packed"] as const;
  const CASES = RINGS.flatMap((ring) => TYPES.map((types) => [ring, types] as const));

  it.each(CASES)("5.1.6.4.4 a modern driver reads value and type in the header: %s, types %i", (ring, types) => {
    const { driver, backend, machine } = makeRig({
      transport: "modern",
      card: { with: ["HASH_REPORT"] },
      guest: { features: [...HASH, virtio.VIRTIO_NET_F_MRG_RXBUF], ring, rx: { bufferBytes: 40 } },
    });
    expect(driver.has(virtio.VIRTIO_NET_F_HASH_REPORT)).toBe(true);
    expect(driver.control.setHash(types, KEY)).toBe(true);
    for (const { frame, hash, report } of vectors(types)) {
      backend.deliver(frame);
      machine.settle();
      expect(driver.receiveAll()).toEqual([frame]);
      expect([driver.rxHeader.hashValue, driver.rxHeader.hashReport]).toEqual([hash, report]);
    }
  });

  it("5.1.6.4.4 with RSS both: the value in the header is the one that chose the queue", () => {
    const features = [...HASH, virtio.VIRTIO_NET_F_MQ, virtio.VIRTIO_NET_F_RSS, virtio.VIRTIO_F_VERSION_1];
    const card = { queuePairs: PAIRS, with: ["HASH_REPORT"] } as const;
    const { driver, backend } = makeStateRig({ card, guest: { features, queuePairs: PAIRS } });
    driver.control.setRss({ hashTypes: 0x3f, table: TABLE, maxTxVq: PAIRS, key: KEY });
    for (const { frame, hash, report } of vectors(0x3f)) {
      backend.deliver(frame);
      const pair = TABLE[hash % TABLE.length] ?? -1;
      expect(driver.receiveFrom(pair)).toEqual([frame]);
      expect(driver.headerFrom(pair)).toMatchObject({ hashValue: hash, hashReport: report });
    }
  });
});
