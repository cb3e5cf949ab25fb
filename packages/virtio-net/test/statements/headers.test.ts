/* What VIRTIO 1.2 asks of a network device's headers and buffers (5.1.6.2 to 5.1.6.4), statement by statement. */
import { copyFrame, type Frame, TxResult, writeFrame } from "@vmmkit/ethif";
import {
  closePacket,
  GUEST_NET_FEATURES,
  GUEST_NET_OFFLOADS,
  makePacket,
  type NetHeader,
  type OpenPacket,
  readPacket,
} from "@vmmkit/guest-driver";
import * as virtio from "@vmmkit/virtio";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRig, type Rig, testFrame } from "../support/rig.ts";

const ALL = 63;
const CSUM = 0;
const GUEST_CSUM = 1;
const TSO4 = 7;
const TSO6 = 8;
const ECN = 9;
const UFO = 10;
const MRG_RXBUF = 15;
/** From 1.3. A driver that takes one of them alone gets neither's frames. */
const USO4 = 54;
const USO6 = 55;
/** What the driver takes, beside GUEST_CSUM: which `gso_type` each of them stands for (5.1.6.4.1). */
const LONG = { 1: [TSO4], 4: [TSO6], 3: [UFO], 5: [USO4, USO6] } as const;
const RSC_INFO = 4;
const payload = Uint8Array.from({ length: 5000 }, (_, i) => i * 7 + (i >> 8));
const TCP4 = makePacket({ version: 4, protocol: "tcp", payload, tcpOptions: 12 });
const TCP6 = makePacket({ version: 6, protocol: "tcp", payload, tcpOptions: 12 });
const UDP4 = makePacket({ version: 4, protocol: "udp", payload });
const UDP6 = makePacket({ version: 6, protocol: "udp", payload });
const SHORT = makePacket({ version: 4, protocol: "udp", payload: payload.slice(0, 101) });
const SHORT6 = makePacket({ version: 6, protocol: "tcp", payload: payload.slice(0, 300) });

/** What a backend may hand over: a packet, and the fields that go with it. */
interface Given {
  readonly bytes: Uint8Array;
  readonly fields: Partial<Frame>;
  /** Bytes of its headers. */
  readonly headerBytes: number;
}

function open(packet: OpenPacket, fields: Partial<Frame> = {}): Given {
  const { bytes, csumStart, csumOffset, headerBytes } = packet;
  const long = (fields.gsoType ?? 0) !== 0;
  const all = { flags: 1, csumStart, csumOffset, ...(long && { hdrLen: headerBytes, gsoSize: 1400 }), ...fields };
  return { bytes, fields: all, headerBytes };
}

const GIVEN: Record<string, Given> = {
  "a frame that asks for nothing": { bytes: testFrame(200), fields: {}, headerBytes: 0 },
  "an open checksum": open(SHORT),
  "an open checksum, IPv6": open(SHORT6),
  "a checksum that is known to be right": { bytes: closePacket(SHORT), fields: { flags: 2 }, headerBytes: 42 },
  "an open checksum, and flags that nobody knows": open(SHORT, { flags: 0xf9 }),
  "a right one, and RSC_INFO": { bytes: closePacket(SHORT), fields: { flags: 2 | RSC_INFO }, headerBytes: 42 },
  "TCP over IPv4": open(TCP4, { gsoType: 1 }),
  "TCP over IPv4 with ECN": open(TCP4, { gsoType: 0x81 }),
  "TCP over IPv6": open(TCP6, { gsoType: 4 }),
  "TCP over IPv6 with ECN": open(TCP6, { gsoType: 0x84 }),
  "UDP in fragments": open(UDP4, { gsoType: 3 }),
  "UDP in datagrams": open(UDP4, { gsoType: 5 }),
  "UDP over IPv6 in datagrams": open(UDP6, { gsoType: 5 }),
};

function deliver({ backend }: Rig, { bytes, fields }: Given): void {
  const room = backend.allocate(bytes.length);
  if (room === null) throw new Error("no room");
  Object.assign(room, fields);
  writeFrame(room, bytes);
  backend.driver.callbacks.rxComplete(1, [room], [bytes.length]);
}

interface Arrived {
  readonly bytes: Uint8Array;
  readonly header: NetHeader;
}

/** All frames that came, each with its header. */
function arrived({ driver, machine }: Rig): Arrived[] {
  const all: Arrived[] = [];
  machine.settle();
  for (let bytes = driver.receive(); bytes !== null; bytes = driver.receive()) {
    all.push({ bytes, header: { ...driver.rxHeader } });
    machine.settle();
  }
  return all;
}

describe("5.1.6.2.2 packet transmission", () => {
  const features = [...GUEST_NET_FEATURES, ...GUEST_NET_OFFLOADS];
  const guest = { features, tx: { bufferBytes: 65_600, buffers: 16 } };

  it.each([ALL, 0])(
    "5.1.6.2.2 flags that it does not know are ignored, for a backend that takes offloads %i",
    (txOffloads) => {
      const { driver, backend } = makeRig({ guest, link: { txOffloads } });
      const seen: object[] = [];
      backend.answer = ({ flags, gsoType, csumStart, csumOffset }) => {
        seen.push({ flags, gsoType, csumStart, csumOffset });
        return TxResult.Complete;
      };
      const { csumStart, csumOffset, bytes } = SHORT;
      for (const flags of [0, 0xfe, 1, 0xff]) {
        driver.send(flags & 1 ? bytes : closePacket(SHORT), { header: { flags, csumStart, csumOffset } });
      }
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[3]).toEqual(seen[2]);
      expect(backend.sent[1]).toEqual(backend.sent[0]);
      expect(backend.sent[3]).toEqual(backend.sent[2]);
      expect(readPacket(backend.sent[0] ?? bytes).transportChecksumGood).toBe(true);
      expect(readPacket(backend.sent[2] ?? bytes).transportChecksumGood).toBe(txOffloads === 0);
    },
  );

  it("5.1.6.2.2 without NEEDS_CSUM csum_start and csum_offset are not used, whatever they say", () => {
    const word = fc.nat(0xffff);
    fc.assert(
      fc.property(
        word,
        word,
        fc.constantFrom(0, 2, 4, 0xfe),
        fc.constantFrom(0, ALL),
        (csumStart, csumOffset, flags, txOffloads) => {
          const { driver, backend, card } = makeRig({ guest, link: { txOffloads }, machine: { memoryBytes: 4 << 20 } });
          backend.answer = (frame) => {
            expect([frame.flags, frame.gsoType, frame.csumStart, frame.csumOffset]).toEqual([0, 0, 0, 0]);
            return TxResult.Complete;
          };
          driver.send(testFrame(300), { header: { flags, csumStart, csumOffset } });
          expect(backend.sent).toEqual([testFrame(300)]);
          expect(card.counters.transmit.dropped).toMatchObject({ checksum: 0, segmentation: 0 });
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([4, 6] as const)(
    "5.1.6.2.2 a long UDP packet over IPv%i goes out as datagrams, or as it is where the backend takes USO",
    (version) => {
      const packet = version === 4 ? UDP4 : UDP6;
      const header = { flags: 1, csumStart: packet.csumStart, csumOffset: 6, gsoType: 5, gsoSize: 1400, hdrLen: 42 };
      const taken = makeRig({ transport: "modern", guest, link: { txOffloads: ALL } });
      expect(taken.driver.has(virtio.VIRTIO_NET_F_HOST_USO)).toBe(true);
      taken.backend.answer = ({ flags, gsoType, gsoSize, hdrLen }) => {
        expect({ flags, gsoType, gsoSize, hdrLen }).toEqual({
          ...{ flags: 1, gsoType: 5, gsoSize: 1400 },
          hdrLen: packet.headerBytes,
        });
        return TxResult.Complete;
      };
      taken.driver.send(packet.bytes, { header });
      expect(taken.backend.sent).toEqual([packet.bytes]);
      const { driver, backend } = makeRig({ transport: "modern", guest });
      driver.send(packet.bytes, { header });
      const parts = [0, 1400, 2800, 4200].map((at) => payload.slice(at, at + 1400));
      // What a program that sends each part by itself would have sent, but for the number that IPv4 packets carry.
      const wanted = parts.map((part, i) => {
        const id = 0x1234 + i;
        return closePacket(makePacket({ version, protocol: "udp", payload: part, id }));
      });
      expect(backend.sent).toEqual(wanted);
    },
  );

  it.each([true, false])("5.1.6.2.2 hdr_len is not relied on, with GUEST_HDRLEN (%s) as without", (known) => {
    const rig = () => {
      const chosen = features.filter((bit) => known || bit !== virtio.VIRTIO_NET_F_GUEST_HDRLEN);
      return makeRig({ transport: "modern", guest: { ...guest, features: chosen } });
    };
    const send = ({ driver, backend }: Rig, hdrLen: number) => {
      const { csumStart, csumOffset, bytes } = TCP4;
      driver.send(bytes, { header: { flags: 1, csumStart, csumOffset, gsoType: 1, gsoSize: 1400, hdrLen } });
      return backend.sent;
    };
    const wanted = send(rig(), TCP4.headerBytes);
    expect(wanted).toHaveLength(4);
    expect(wanted.every((frame) => readPacket(frame).transportChecksumGood)).toBe(true);
    for (const hdrLen of [0, 1, 14, 53, 65, 67, 5000, 0xffff]) expect(send(rig(), hdrLen)).toEqual(wanted);
  });

  it("5.1.6.4.1 what a guest says of its checksum, that it was found right, reaches no other guest", () => {
    const [alice, bob] = [makeRig({ guest, link: { txOffloads: ALL } }), makeRig({ guest, link: { rxOffloads: ALL } })];
    alice.backend.answer = (frame) => {
      const room = bob.backend.allocate(frame.totalBytes);
      if (room === null) throw new Error("no room");
      copyFrame(frame, room);
      room.copyOffloadsFrom(frame);
      bob.backend.driver.callbacks.rxComplete(1, [room], [frame.totalBytes]);
      return TxResult.Complete;
    };
    alice.driver.send(testFrame(200), { header: { flags: 2 } });
    expect(arrived(bob)).toMatchObject([{ bytes: testFrame(200), header: { flags: 0 } }]);
  });
});

describe("5.1.6.3.2, 5.1.6.4.1 receive buffers", () => {
  const shapes = fc.record({
    ring: fc.constantFrom("split" as const, "packed" as const),
    bufferBytes: fc.integer({ min: 60, max: 2000 }),
    pieceBytes: fc.constantFrom(33, 100, 5000),
    headerApart: fc.boolean(),
    lengths: fc.array(fc.integer({ min: 14, max: 1514 }), { minLength: 1, maxLength: 5 }),
  });

  it("5.1.6.4.1 num_buffers is how many buffers are used, all but the last of them full, and all are shown together", () => {
    fc.assert(
      fc.property(shapes, ({ ring, bufferBytes, pieceBytes, headerApart, lengths }) => {
        const rig = makeRig({
          transport: "modern",
          machine: { memoryBytes: 4 << 20 },
          guest: {
            features: [MRG_RXBUF],
            ring,
            interrupts: "off",
            rx: { bufferBytes, pieceBytes, headerApart, autoRefill: false },
            tx: { buffers: 1 },
          },
        });
        const { driver, backend, machine } = rig;
        driver.postReceive(256);
        const [rx] = driver.rings;
        for (const length of lengths) {
          const before = rx.usedCount();
          const frame = testFrame(length);
          if (!backend.deliver(frame, 1514)) return;
          const chains = Math.ceil((length + 12) / bufferBytes);
          expect(rx.usedCount() - before).toBe(chains);
          machine.settle();
        }
        const used: number[] = [];
        while (rx.popUsed() >= 0) used.push(rx.usedLength);
        for (const length of lengths) {
          const chains = Math.ceil((length + 12) / bufferBytes);
          const mine = used.splice(0, chains);
          expect(mine.slice(0, -1)).toEqual(new Array(chains - 1).fill(bufferBytes));
          expect(mine.reduce((sum, bytes) => sum + bytes, 0)).toBe(length + 12);
        }
        expect(used).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("5.1.6.3.2 num_buffers says in the first header over how many buffers the frame is spread", () => {
    for (const ring of ["split", "packed"] as const) {
      const rig = makeRig({ transport: "modern", guest: { features: [MRG_RXBUF], ring, rx: { bufferBytes: 100 } } });
      for (const [length, wanted] of [
        [14, 1],
        [88, 1],
        [89, 2],
        [188, 2],
        [189, 3],
        [1514, 16],
      ] as const) {
        rig.backend.deliver(testFrame(length), 1514);
        expect(arrived(rig)).toMatchObject([{ bytes: testFrame(length), header: { numBuffers: wanted } }]);
      }
    }
  });

  it("5.1.6.3.2 without MRG_RXBUF a frame has one chain, and num_buffers is 1", () => {
    for (const ring of ["split", "packed"] as const) {
      const rig = makeRig({ transport: "modern", guest: { features: [], ring } });
      for (const length of [14, 60, 1514]) {
        const before = rig.driver.counters.rxBuffers;
        rig.backend.deliver(testFrame(length));
        expect(arrived(rig)).toMatchObject([{ bytes: testFrame(length), header: { numBuffers: 1 } }]);
        expect(rig.driver.counters.rxBuffers).toBe(before + 1);
      }
    }
  });
});

describe("5.1.6.4.1 processing of incoming packets: no header says what the guest did not agree to", () => {
  const SETS: readonly (readonly number[])[] = [
    [],
    [GUEST_CSUM],
    [GUEST_CSUM, TSO4],
    [GUEST_CSUM, TSO6],
    [GUEST_CSUM, UFO],
    [GUEST_CSUM, TSO4, ECN],
    [GUEST_CSUM, TSO6, ECN],
    [GUEST_CSUM, TSO4, TSO6],
    [GUEST_CSUM, TSO4, TSO6, UFO],
    [GUEST_CSUM, USO4],
    [GUEST_CSUM, USO4, USO6],
    [GUEST_CSUM, TSO4, TSO6, ECN, UFO, USO4, USO6],
  ];
  const base = GUEST_NET_FEATURES;

  function check({ header, bytes }: Arrived, given: Given, agreed: readonly number[]): void {
    const { flags, gsoType, gsoSize, hdrLen, csumStart, csumOffset } = header;
    const kind = (gsoType & 0x7f) as keyof typeof LONG | 0;
    // Flags: none without GUEST_CSUM, and none but NEEDS_CSUM and DATA_VALID with it.
    expect(flags & ~(agreed.includes(GUEST_CSUM) ? 3 : 0)).toBe(0);
    // gso_type: what was agreed on, and NONE where nothing was.
    if (kind !== 0) expect(agreed).toEqual(expect.arrayContaining([...LONG[kind]]));
    if ((gsoType & 0x80) !== 0) expect([kind !== 0, agreed.includes(ECN)]).toEqual([true, true]);
    if (kind !== 0) {
      // A long frame has an open checksum, a length for its segments, and headers no longer than hdr_len.
      expect([flags & 1, gsoSize]).toEqual([1, 1400]);
      expect(hdrLen).toBeGreaterThanOrEqual(given.headerBytes);
    } else expect(bytes.length).toBeLessThanOrEqual(1514);
    if (given.headerBytes === 0) return;
    const fragment = readPacket(bytes).more || readPacket(bytes).fragmentOffset > 0;
    if ((flags & 1) !== 0) {
      // The sum of the pseudo header is in its place, so that summing up from csum_start completes it.
      const done = readPacket(closePacket({ bytes, csumStart, csumOffset }));
      expect(done.transportChecksumGood).toBe(true);
      expect(csumOffset).toBe(given.fields.csumOffset);
    } else if (!fragment) expect(readPacket(bytes).transportChecksumGood).toBe(true);
  }

  describe.each(SETS.map((agreed) => [agreed]))("a guest with %j", (agreed) => {
    it.each(Object.entries(GIVEN))("5.1.6.4.1 %s", (_what, given) => {
      for (const mergeable of [true, false]) {
        const features = base.filter((bit) => mergeable || bit !== MRG_RXBUF);
        const rig = makeRig({
          transport: "modern",
          link: { rxOffloads: ALL },
          machine: { memoryBytes: 4 << 20 },
          guest: { features: [...features, ...agreed], rx: { buffers: 32 }, tx: { buffers: 2 } },
        });
        deliver(rig, given);
        const frames = arrived(rig);
        expect(frames.length).toBeGreaterThan(0);
        for (const frame of frames) check(frame, given, agreed);
        const whole = frames.length === 1 && frames[0]?.header.gsoType === given.fields.gsoType;
        const kind = ((given.fields.gsoType ?? 0) & 0x7f) as keyof typeof LONG | 0;
        const ecn = ((given.fields.gsoType ?? 0) & 0x80) !== 0;
        // What the guest did agree to it gets, with ECN's bit where the frame has it.
        if (kind === 0) continue;
        const takes = LONG[kind].every((bit) => agreed.includes(bit)) && (!ecn || agreed.includes(ECN));
        expect(whole).toBe(takes);
      }
    });
  });

  it.each([
    ["without its checksum open", { flags: 0 }],
    ["without its checksum open, said to be right", { flags: 2 }],
    ["without a length for its segments", { gsoSize: 0 }],
  ])("5.1.6.4.1 a long frame %s is not what it says, and no guest gets it", (_what, wrong) => {
    for (const agreed of SETS) {
      const guest = { features: [...base, ...agreed] };
      const rig = makeRig({ transport: "modern", link: { rxOffloads: ALL }, guest });
      deliver(rig, open(TCP4, { gsoType: 1, ...wrong }));
      expect(arrived(rig)).toEqual([]);
      expect(rig.card.counters.receive.dropped.offload).toBe(1);
    }
  });

  it("5.1.6.4.1 DATA_VALID is said of a frame whose backend says so, and of no other", () => {
    const rig = makeRig({ link: { rxOffloads: ALL }, guest: { features: [...base, GUEST_CSUM, TSO4, TSO6] } });
    for (const given of Object.values(GIVEN)) {
      deliver(rig, given);
      for (const { header } of arrived(rig)) {
        expect([given.fields.flags, header.flags & 2]).toEqual([given.fields.flags, (given.fields.flags ?? 0) & 2]);
      }
    }
    expect(CSUM).toBe(virtio.VIRTIO_NET_F_CSUM);
  });
});
