/*
 * Hashes as a guest sees them (VIRTIO 1.2, 5.1.6.4.3, 5.1.6.4.4, 5.1.6.5.7.3), against the values that Microsoft
 * published for receive-side scaling.
 */
import * as virtio from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { KEY, type PublishedHash, ports, V4, V6, v4, v6 } from "../support/published-hashes.ts";
import { makeRig } from "../support/rig.ts";
import { makeStateRig } from "../support/state-rig.ts";

const PAIRS = 4;
const TABLE = Array.from({ length: 128 }, (_, i) => (i * 7) % PAIRS);

const TCP = 6;
const UDP = 17;

function packet(version: 4 | 6, protocol: number, [source, from, target, to]: PublishedHash): Uint8Array {
  const rest = [...ports(from, to), ...new Array(24).fill(0x5a)];
  const ip =
    version === 4
      ? [0x45, 0, 0, 20 + rest.length, 0, 0, 0, 0, 64, protocol, 0, 0, ...v4(source), ...v4(target)]
      : [0x60, 0, 0, 0, 0, rest.length, protocol, 64, ...v6(source), ...v6(target)];
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
