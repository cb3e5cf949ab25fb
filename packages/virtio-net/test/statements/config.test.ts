/* What VIRTIO 1.2 asks of a network device's features (2.2.2) and configuration (2.5.2, 5.1.4.1), statement by statement. */
import * as virtio from "@vmmkit/virtio";
import type { VirtioNetFeature } from "@vmmkit/virtio-net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRig, type Rig, type RigOptions, testFrame } from "../support/rig.ts";
import { TEST_MAC, TestBackend } from "../support/test-backend.ts";

const TRANSPORTS = ["legacy", "modern", "msix"] as const;

/** 5.1.3.1, by the numbers that stand there (52 to 55 by 1.3's): a feature, and those of which it needs one. */
const REQUIRES: readonly (readonly [feature: number, oneOf: readonly number[]])[] = [
  [7, [1]],
  [8, [1]],
  [9, [7, 8]],
  [10, [1]],
  [11, [0]],
  [12, [0]],
  [13, [11, 12]],
  [14, [0]],
  [18, [17]],
  [19, [17]],
  [21, [17]],
  [22, [17]],
  [23, [17]],
  [52, [17]],
  [53, [17]],
  [54, [1]],
  [55, [1]],
  [56, [0]],
  [60, [17]],
  [61, [11, 12]],
];

/** Names of features that can be left out, of every kind. */
const NAMES: readonly VirtioNetFeature[] = [
  ...(["CSUM", "GUEST_CSUM", "GUEST_TSO4", "GUEST_TSO6", "GUEST_ECN", "GUEST_UFO", "HOST_TSO4", "HOST_TSO6"] as const),
  ...(["HOST_ECN", "HOST_UFO", "HOST_USO", "CTRL_VQ", "CTRL_RX", "CTRL_VLAN", "GUEST_ANNOUNCE", "MQ", "RSS"] as const),
  ...(["CTRL_MAC_ADDR", "MRG_RXBUF", "MTU", "STATUS", "GUEST_USO4", "GUEST_USO6", "GUEST_HDRLEN"] as const),
];

const has = (bits: ReadonlySet<number>, [, oneOf]: (typeof REQUIRES)[number]) => oneOf.some((bit) => bits.has(bit));

/** Features without those that lack what they need. */
function sound(bits: Iterable<number>): Set<number> {
  const left = new Set(bits);
  for (let size = -1; size !== left.size; ) {
    size = left.size;
    for (const rule of REQUIRES) if (!has(left, rule)) left.delete(rule[0]);
  }
  return left;
}

function offered({ driver }: Rig): Set<number> {
  const bits = new Set<number>();
  for (const word of [0, 1]) {
    const features = driver.transport.readDeviceFeatures(word);
    for (let bit = 0; bit < 32; bit++) if (((features >>> bit) & 1) === 1) bits.add(32 * word + bit);
  }
  return bits;
}

const FRAME = testFrame(200);
FRAME.set(TEST_MAC);

function expectTraffic({ driver, backend, machine }: Rig): void {
  backend.sent.length = 0;
  expect(driver.send(FRAME)).toBe(true);
  expect(backend.sent).toEqual([FRAME]);
  expect(backend.deliver(FRAME)).toBe(true);
  machine.settle();
  expect(driver.receiveAll()).toEqual([FRAME]);
}

/** A card with all that there is to see in its configuration. */
const RICH: RigOptions = {
  link: { mtu: 9000 },
  card: { queuePairs: 4, speed: { mbps: 25_000, duplex: "half" }, with: ["HASH_REPORT"] },
  start: false,
};

describe("2.2.2 feature bits", () => {
  it("2.2.2 none is offered that requires one that is not, whatever is left out and whatever the backend can do", () => {
    const options = fc.record({
      without: fc.subarray([...NAMES]),
      offloads: fc.nat(63),
      back: fc.nat(63),
      softwareOffloads: fc.boolean(),
      queuePairs: fc.constantFrom(1, 2),
      rxQueueSize: fc.constantFrom(2, 64, 256),
      withExtra: fc.boolean(),
    });
    fc.assert(
      fc.property(options, ({ without, offloads, back, softwareOffloads, queuePairs, rxQueueSize, withExtra }) => {
        const rig = makeRig({
          transport: "modern",
          machine: { memoryBytes: 1 << 16 },
          link: { txOffloads: offloads, rxOffloads: back },
          card: { without, softwareOffloads, queuePairs, rxQueueSize, with: withExtra ? ["HASH_REPORT"] : [] },
          start: false,
        });
        const bits = offered(rig);
        expect(sound(bits)).toEqual(bits);
      }),
    );
  });

  it.each(TRANSPORTS)("2.2.2 any sound subset is accepted, and accepted again after a reset: %s", (transport) => {
    const first = makeRig({ transport, card: { queuePairs: 2 }, start: false });
    const all = [...offered(first)];
    fc.assert(
      fc.property(fc.subarray(all), (chosen) => {
        const features = [...sound(chosen)];
        const rig = makeRig({
          transport,
          machine: { memoryBytes: 4 << 20 },
          card: { queuePairs: 2, rxQueueSize: 64, txQueueSize: 16 },
          guest: { features, rx: { buffers: 8 }, tx: { buffers: 4 } },
        });
        for (let life = 0; life < 3; life++) {
          for (const bit of all) {
            const wanted = features.includes(bit) || (bit === virtio.VIRTIO_F_VERSION_1 && transport !== "legacy");
            expect([bit, rig.card.emul.state.hasFeature(bit)]).toEqual([bit, wanted]);
          }
          expectTraffic(rig);
          // The driver throws where FEATURES_OK does not stay.
          rig.driver.start();
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("2.5.2 device configuration space", () => {
  it.each(TRANSPORTS)(
    "2.5.2 every field can be read ahead of FEATURES_OK, of features on offer too: %s",
    (transport) => {
      const { driver } = makeRig({ ...RICH, transport });
      const read = () => ({
        mac: driver.readMac(),
        status: driver.transport.readConfig(6, 2),
        pairs: driver.transport.readConfig(8, 2),
        mtu: driver.transport.readConfig(10, 2),
        speed: driver.transport.readConfig(12, 4),
        duplex: driver.transport.readConfig(16, 1),
        keySize: driver.transport.readConfig(17, 1),
        tableLength: driver.transport.readConfig(18, 2),
        hashTypes: driver.transport.readConfig(20, 4),
      });
      const early = { mac: TEST_MAC, status: 1, pairs: 4, mtu: 9000 };
      const late = { speed: 25_000, duplex: 0, keySize: 40, tableLength: 128, hashTypes: 0x1ff };
      // The legacy interface offers no feature beyond bit 31, and the others' fields are theirs.
      const all = transport === "legacy" ? early : { ...early, ...late };
      for (const status of [0, 1, 3]) {
        if (status > 0) driver.transport.writeStatus(status);
        expect(driver.transport.readStatus()).toBe(status);
        expect(read()).toMatchObject(all);
      }
    },
  );
});

describe("5.1.4.1 device configuration layout", () => {
  it.each([1, 2, 37, 256])(
    "5.1.4.1 max_virtqueue_pairs is what the card has, between 1 and 0x8000: %i",
    (queuePairs) => {
      const { driver } = makeRig({ transport: "modern", card: { queuePairs }, start: false });
      expect(driver.transport.readConfig(8, 2)).toBe(queuePairs);
      expect(offered(makeRig({ transport: "modern", card: { queuePairs }, start: false })).has(22)).toBe(
        queuePairs > 1,
      );
    },
  );

  it.each([0, -1, 257, 0x8001, 1.5, Number.NaN])("5.1.4.1 no card has %s pairs", (queuePairs) => {
    expect(() => makeRig({ card: { queuePairs } })).toThrow('"queuePairs"');
  });

  it.each([68, 576, 1280, 1500, 9000, 65_535])("5.1.4.1 mtu is the link's, from 68 to 65535: %i", (mtu) => {
    const { driver } = makeRig({ link: { mtu } });
    expect([driver.has(virtio.VIRTIO_NET_F_MTU), driver.transport.readConfig(10, 2)]).toEqual([true, mtu]);
  });

  it.each([0, 67, 65_536, 1500.5, -1])("5.1.4.1 no card has a link with an MTU of %s", (mtu) => {
    expect(() => makeRig({ link: { mtu } })).toThrow('"mtu"');
  });

  it("5.1.4.1 mtu stays what it is: across resets, other carriers and backends, and writes of the driver", () => {
    for (const transport of TRANSPORTS) {
      const { driver, card, machine } = makeRig({ transport, link: { mtu: 1400 } });
      const said: number[] = [];
      const look = () => said.push(driver.transport.readConfig(10, 2));
      look();
      driver.transport.writeConfig(10, 2, 9000);
      look();
      card.setLink(false);
      look();
      card.setLink(true);
      card.setBackend(new TestBackend({ mtu: 9000 }).funcs);
      look();
      expect(() => card.setBackend(new TestBackend({ mtu: 1399 }).funcs)).toThrow('"mtu"');
      look();
      card.announce();
      machine.settle();
      driver.start();
      look();
      driver.reset();
      look();
      expect(said).toEqual(new Array(7).fill(1400));
    }
  });

  it("5.1.4.1 with MTU, transmitted frames up to it go out as they are, in one piece", () => {
    for (const transport of TRANSPORTS) {
      for (const mtu of [68, 1280, 1500, 65_535]) {
        const guest = {
          features: [virtio.VIRTIO_NET_F_MTU, virtio.VIRTIO_F_ANY_LAYOUT],
          tx: { bufferBytes: 65_553, buffers: 3 },
        };
        const rig = makeRig({ transport, link: { mtu }, guest: { ...guest, rx: { buffers: 2 } } });
        const tagged = testFrame(mtu + 18);
        tagged.set([0x81, 0x00], 12);
        for (const frame of [testFrame(14), testFrame(mtu + 14), tagged]) {
          expect(rig.driver.send(frame)).toBe(true);
          expect(rig.backend.sent.at(-1)).toEqual(frame);
        }
        expect(rig.backend.transmits).toBe(3);
      }
    }
  });

  it("5.1.4.1 rss_max_key_size is 40 and rss_max_indirection_table_length 128, with RSS and with HASH_REPORT", () => {
    for (const card of [{ queuePairs: 2 }, { with: ["HASH_REPORT"] }] as const) {
      const { driver } = makeRig({ transport: "modern", card, start: false });
      expect(driver.offers(virtio.VIRTIO_NET_F_RSS) || driver.offers(virtio.VIRTIO_NET_F_HASH_REPORT)).toBe(true);
      expect([driver.transport.readConfig(17, 1), driver.transport.readConfig(18, 2)]).toEqual([40, 128]);
    }
  });

  it.each([
    // Half is 0 and full is 1, as Linux and QEMU have it; in 1.2 these two have changed places.
    [undefined, false, 0xffff_ffff, 0xff],
    [{ mbps: 0 }, true, 0, 0xff],
    [{ mbps: 10_000, duplex: "full" }, true, 10_000, 1],
    [{ mbps: 0x7fff_ffff, duplex: "half" }, true, 0x7fff_ffff, 0],
  ] as const)("5.1.4.1 speed and duplex of %o", (speed, offers, mbps, duplex) => {
    const { driver } = makeRig({ transport: "modern", ...(speed && { card: { speed } }), start: false });
    expect(driver.offers(virtio.VIRTIO_NET_F_SPEED_DUPLEX)).toBe(offers);
    expect([driver.transport.readConfig(12, 4), driver.transport.readConfig(16, 1)]).toEqual([mbps, duplex]);
  });

  it.each([-1, 0x8000_0000, 1.5])("5.1.4.1 no card has a speed of %s Mbit/s", (mbps) => {
    expect(() => makeRig({ card: { speed: { mbps } } })).toThrow('"speed.mbps"');
  });
});
