/* Guests of every kind meet on one hub, and none gets a frame that it did not agree to (VIRTIO 1.2, 5.1.6.4.1). */
import { Hub } from "@vmmkit/backend-loopback";
import {
  closePacket,
  GUEST_NET_FEATURES,
  GUEST_NET_OFFLOADS,
  GuestMachine,
  GuestNetDriver,
  type GuestNetOptions,
  makePacket,
  type NetHeader,
  type OpenPacket,
  type PacketSpec,
  readPacket,
} from "@vmmkit/guest-driver";
import { IoPortType } from "@vmmkit/ioport";
import { commonMakeVirtioNet } from "@vmmkit/virtio-net";
import { describe, expect, it } from "vitest";

const GUEST_CSUM = 1;
const MRG_RXBUF = 15;
const CSUM = 0;
/** The features that let a guest send or take one kind of long frame. */
const HOST = { 1: 11, 4: 12, 3: 14 } as const;
const GUEST = { 1: 7, 4: 8, 3: 10 } as const;
const LINE = 11;
const EVERYTHING = [...GUEST_NET_FEATURES, ...GUEST_NET_OFFLOADS];

const KINDS: Record<string, GuestNetOptions> = {
  "all offloads": { features: EVERYTHING },
  "all but MRG_RXBUF": { features: EVERYTHING.filter((bit) => bit !== MRG_RXBUF) },
  "checksums alone": { features: [...GUEST_NET_FEATURES, CSUM, GUEST_CSUM] },
  "transmit alone": { features: [...GUEST_NET_FEATURES, CSUM, ...Object.values(HOST)] },
  "receive alone": { features: [...GUEST_NET_FEATURES, GUEST_CSUM, ...Object.values(GUEST)] },
  "no offloads": { features: GUEST_NET_FEATURES },
  "nothing at all": { features: [] },
};

interface Station {
  readonly machine: GuestMachine;
  readonly driver: GuestNetDriver;
}

function station(hub: Hub, guest: GuestNetOptions): Station {
  const machine = new GuestMachine({ memoryBytes: 32 << 20 });
  const { vm, pci, ioport } = machine;
  const window = { start: 0, end: 0, size: 32 };
  commonMakeVirtioNet(vm, pci, ioport, window, IoPortType.Free, 1, LINE, hub.port());
  const driver = GuestNetDriver.probe(machine.ports, machine.ram, {
    ...guest,
    interrupts: "acknowledge",
    tx: { bufferBytes: 65_600, buffers: 32 },
  });
  machine.onLine(LINE, () => driver.onInterrupt());
  driver.start();
  return { machine, driver };
}

interface Arrived {
  readonly bytes: Uint8Array;
  readonly header: NetHeader;
}

/** Takes all frames, each with its header. */
function receiveAll({ machine, driver }: Station): Arrived[] {
  const all: Arrived[] = [];
  for (;;) {
    machine.settle();
    const bytes = driver.receive();
    if (bytes === null) return all;
    all.push({ bytes, header: { ...driver.rxHeader } });
  }
}

/** What a guest sends: one long frame if it may, otherwise as many as it takes. */
function send({ driver }: Station, spec: PacketSpec, gsoType: 1 | 3 | 4, gsoSize: number): void {
  if (driver.has(HOST[gsoType])) {
    const packet = makePacket(spec);
    driver.send(packet.bytes, { header: { ...open(packet), gsoType, gsoSize, hdrLen: packet.headerBytes } });
    return;
  }
  for (let at = 0; at < spec.payload.length; at += gsoSize) {
    const packet = makePacket({
      ...spec,
      payload: spec.payload.slice(at, at + gsoSize),
      sequence: (spec.sequence ?? 1000) + at,
    });
    if (driver.has(CSUM)) driver.send(packet.bytes, { header: open(packet) });
    else driver.send(closePacket(packet));
  }
}

function open({ csumStart, csumOffset }: OpenPacket): Partial<NetHeader> {
  return { flags: 1, csumStart, csumOffset };
}

/** Whether a guest agreed to a frame, and the frame is right. */
function expectAgreed({ driver }: Station, { bytes, header }: Arrived): void {
  if (header.flags !== 0) expect(driver.has(GUEST_CSUM)).toBe(true);
  if (header.gsoType === 0) expect(bytes.length).toBeLessThanOrEqual(1514);
  else expect(driver.has(GUEST[header.gsoType as 1 | 3 | 4])).toBe(true);
  const packet = readPacket(bytes);
  expect(packet.ipChecksumGood).toBe(true);
  const whole = packet.fragmentOffset === 0 && !packet.more;
  if (header.flags === 0 && whole) expect(packet.transportChecksumGood).toBe(true);
}

const payload = Uint8Array.from({ length: 20_001 }, (_, i) => i * 11 + (i >> 8));
const pairs = Object.entries(KINDS).flatMap(([from, a]) =>
  Object.entries(KINDS).map(([to, b]) => ({ from, to, a, b })),
);

describe.each(pairs)("from a guest with $from to one with $to", ({ a, b }) => {
  it.each([
    ["TCP over IPv4", 4, 1, 1460],
    ["TCP over IPv6", 6, 4, 1440],
  ] as const)("%s arrives whole, in frames that it agreed to", (_what, version, gsoType, gsoSize) => {
    const hub = new Hub();
    const [sender, receiver] = [station(hub, a), station(hub, b)];
    for (let burst = 0; burst < 2; burst++) {
      send(sender, { version, protocol: "tcp", payload }, gsoType, gsoSize);
      const arrived = receiveAll(receiver);
      for (const frame of arrived) expectAgreed(receiver, frame);
      const got = Buffer.concat(arrived.map(({ bytes }) => readPacket(bytes).payload));
      expect(got.equals(payload)).toBe(true);
      if (receiver.driver.has(GUEST[gsoType]) && sender.driver.has(HOST[gsoType])) expect(arrived).toHaveLength(1);
    }
    receiver.driver.verifyGuards();
    expect(hub.stats().ports.flatMap(({ dropped }) => Object.values(dropped))).toEqual(new Array(10).fill(0));
  });

  it("UDP arrives whole, fragmented where it has to be", () => {
    const hub = new Hub();
    const [sender, receiver] = [station(hub, a), station(hub, b)];
    const data = payload.slice(0, 8000);
    send(sender, { version: 4, protocol: "udp", payload: data }, 3, 1472);
    const arrived = receiveAll(receiver);
    for (const frame of arrived) expectAgreed(receiver, frame);
    const fragmented = arrived.length > 1 && readPacket(arrived[0]?.bytes ?? payload).more;
    const packets = arrived.map(({ bytes }) => readPacket(bytes));
    const got = Buffer.concat(packets.map((packet) => (fragmented ? packet.body : packet.payload)));
    expect(got.subarray(fragmented ? 8 : 0).equals(data)).toBe(true);
  });
});
