import { Hub, type HubPort } from "@vmmkit/backend-loopback";
import { type EthDriver, Frame, Offload, type RawIfaceFuncs, readFrame, TxResult, writeFrame } from "@vmmkit/ethif";
import { makePacket, type OpenPacket, readPacket } from "@vmmkit/guest-driver";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { expect, it, onTestFinished } from "vitest";
import { Cable, CableEnd } from "../../src/data-path/cable.ts";

const MTU = 1500;

function cable(one: RawIfaceFuncs, other: RawIfaceFuncs): Cable {
  return new Cable(new CableEnd("one", one, MTU), new CableEnd("other", other, MTU));
}

/** A station on a hub's port. */
class Station {
  readonly heard: string[] = [];
  readonly #port: HubPort;
  readonly #driver: EthDriver;

  constructor(port: HubPort) {
    this.#port = port;
    this.#driver = {
      name: port.name,
      funcs: port,
      ethData: null,
      callbacks: {
        txComplete: () => {},
        allocateRxBuf: (sizeBytes) => frameOf(new Uint8Array(sizeBytes)),
        rxComplete: (count, frames, lengths) => {
          for (let i = 0; i < count; i++) {
            const bytes = new Uint8Array(lengths[i] ?? 0);
            readFrame(frames[i] ?? new Frame(), bytes);
            this.heard.push(new TextDecoder().decode(bytes.subarray(14)).replaceAll("\0", ""));
          }
        },
        linkChange: () => {},
      },
      raiseIrq: () => {},
    };
    port.lowLevelInit(this.#driver);
  }

  /** Broadcasts a text. */
  say(text: string): void {
    const bytes = new Uint8Array(60);
    bytes.fill(0xff, 0, 6);
    bytes.set(this.#port.getMac(this.#driver), 6);
    bytes.set(new TextEncoder().encode(text), 14);
    this.#port.rawTx(this.#driver, frameOf(bytes), 0);
    this.#port.rawTxFlush?.(this.#driver);
  }
}

function frameOf(bytes: Uint8Array): Frame {
  const frame = new Frame();
  frame.push(bytes, 0, bytes.length);
  frame.cookie = 0;
  return frame;
}

it("two hubs are one: what is said on one is heard on the other, many times over", () => {
  const [left, right] = [new Hub({ offloads: 0 }), new Hub({ offloads: 0 })];
  const joined = cable(left.port(), right.port());
  onTestFinished(() => joined.close());
  const [one, other] = [new Station(left.port()), new Station(right.port())];
  const said = Array.from({ length: 1000 }, (_, i) => `frame ${i}`);
  for (const text of said) one.say(text);
  other.say("answer");
  expect(other.heard).toEqual(said);
  expect(one.heard).toEqual(["answer"]);
  expect(joined.counts()).toEqual([
    { frames: 1000, bytes: 60_000, failed: 0 },
    { frames: 1, bytes: 60, failed: 0 },
  ]);
});

it("where the other end takes its time, room runs out and comes back, and nothing is lost", () => {
  const waiting: number[] = [];
  let card: EthDriver | null = null;
  const slow: RawIfaceFuncs = {
    ...virtioNetDefaultBackend(),
    rawTx: (driver, _frame, cookie) => {
      card = driver;
      waiting.push(cookie);
      return TxResult.Enqueued;
    },
  };
  const hub = new Hub({ offloads: 0 });
  const joined = cable(hub.port(), slow);
  onTestFinished(() => joined.close());
  const station = new Station(hub.port());
  for (let i = 0; i < 600; i++) station.say(`frame ${i}`);
  expect(waiting.length).toBe(256);
  const driver = card as EthDriver | null;
  let done = 0;
  for (; waiting.length > 0; done++) driver?.callbacks.txComplete(waiting.pop() ?? -1);
  expect(done).toBe(600);
});

it("what the other end does not take is counted", () => {
  const hub = new Hub({ offloads: 0 });
  const deaf: RawIfaceFuncs = { ...virtioNetDefaultBackend(), rawTx: () => TxResult.Failed };
  const joined = cable(hub.port(), deaf);
  onTestFinished(() => joined.close());
  const station = new Station(hub.port());
  for (let i = 0; i < 300; i++) station.say("x");
  expect(joined.counts()[0]).toEqual({ frames: 300, bytes: 18_000, failed: 300 });
});

/** A backend that has these offloads, and notes what it is to send and what it may leave to others. */
function line(txOffloads: number, rxOffloads: number) {
  const sent: [bytes: number, flags: number, gsoType: number, gsoSize: number][] = [];
  const frames: Uint8Array[] = [];
  const told: number[] = [];
  let card: EthDriver | null = null;
  const funcs: RawIfaceFuncs = {
    ...virtioNetDefaultBackend(),
    lowLevelInit: (driver) => {
      card = driver;
      return { mac: new Uint8Array(6), mtu: MTU, txOffloads, rxOffloads };
    },
    setRxOffloads: (_driver, offloads) => void told.push(offloads),
    rawTx: (_driver, frame) => {
      const { totalBytes, flags, gsoType, gsoSize } = frame;
      sent.push([totalBytes, flags, gsoType, gsoSize]);
      const bytes = new Uint8Array(totalBytes);
      readFrame(frame, bytes);
      frames.push(bytes);
      return TxResult.Complete;
    },
  };
  /** A frame comes. False where there is no room for it. */
  const come = (lengthBytes: number, gsoSize: number): boolean => {
    const room = card?.callbacks.allocateRxBuf(lengthBytes) ?? null;
    if (room === null) return false;
    const at = room.offset[0] ?? 0;
    room.bytes[0]?.fill(0xff, at, at + 6);
    if (gsoSize > 0) Object.assign(room, { flags: 1, gsoType: 1, gsoSize });
    card?.callbacks.rxComplete(1, [room], [lengthBytes]);
    return true;
  };
  /** A packet of TCP comes, to be cut. */
  const comeAs = ({ bytes, csumStart, csumOffset }: OpenPacket, gsoSize: number): boolean => {
    const room = card?.callbacks.allocateRxBuf(bytes.length) ?? null;
    if (room === null) return false;
    writeFrame(room, bytes);
    Object.assign(room, { flags: 1, gsoType: gsoSize > 0 ? 1 : 0, gsoSize, csumStart, csumOffset });
    card?.callbacks.rxComplete(1, [room], [bytes.length]);
    return true;
  };
  return { funcs, sent, frames, told, come, comeAs };
}

it("a line that takes what the hub has gets frames as they are, long ones and open checksums, and gives them so", () => {
  const [tap, other] = [line(63, 63), line(63, 63)];
  const hub = new Hub();
  for (const { funcs } of [tap, other]) {
    const joined = cable(hub.port(), funcs);
    onTestFinished(() => joined.close());
  }
  expect([tap.told, other.told]).toEqual([[63], [63]]);
  // More than there is room for at a time: rooms are used again, and are as good as new.
  for (let i = 0; i < 200; i++) {
    expect(tap.come(65_500, 1448)).toBe(true);
    expect(tap.come(60, 0)).toBe(true);
  }
  expect(other.sent.length).toBe(400);
  expect(other.sent.slice(-2)).toEqual([
    [65_500, 1, 1, 1448],
    [60, 0, 0, 0],
  ]);
  expect(tap.sent).toEqual([]);
});

it("a line is told to leave no more than the hub takes", () => {
  const tap = line(Offload.Csum, 63);
  const joined = cable(new Hub({ offloads: Offload.Csum }).port(), tap.funcs);
  onTestFinished(() => joined.close());
  expect(tap.told).toEqual([Offload.Csum]);
  expect(tap.come(MTU + 14, 0)).toBe(true);
});

it("a line that does not take them gets segments with their checksums, and the others still what they take", () => {
  const [tap, plain, sums] = [line(63, 63), line(0, 0), line(Offload.Csum, 0)];
  const hub = new Hub();
  for (const { funcs } of [tap, plain, sums]) {
    const joined = cable(hub.port(), funcs);
    onTestFinished(() => joined.close());
  }
  const packet = makePacket({ version: 4, protocol: "tcp", payload: new Uint8Array(20_000).fill(3) });
  for (let i = 0; i < 100; i++) expect(tap.comeAs(packet, 1448)).toBe(true);
  for (const { sent, frames } of [plain, sums]) {
    expect(sent.length).toBe(1400);
    expect(new Set(sent.map(([, flags, gsoType]) => flags + gsoType))).toEqual(new Set([0]));
    const packets = frames.slice(-14).map(readPacket);
    expect(packets.every(({ transportChecksumGood }) => transportChecksumGood)).toBe(true);
    expect(packets.reduce((sum, { payload }) => sum + payload.length, 0)).toBe(20_000);
  }
});

it("what cannot be cut is counted as failed", () => {
  const [tap, plain] = [line(63, 63), line(0, 0)];
  const hub = new Hub();
  const ends = [tap, plain].map(({ funcs }) => cable(hub.port(), funcs));
  for (const joined of ends) onTestFinished(() => joined.close());
  expect(tap.come(9000, 1448)).toBe(true);
  expect(plain.sent).toEqual([]);
  expect(ends[1]?.counts()[0]).toEqual({ frames: 1, bytes: 9000, failed: 1 });
});

it("where a line that takes no long frames takes its time, frames wait in order, and nothing is lost", () => {
  const waiting: number[] = [];
  const [tap, slow] = [line(63, 63), line(0, 0)];
  let card: EthDriver | null = null;
  const funcs: RawIfaceFuncs = {
    ...slow.funcs,
    rawTx: (driver, frame, cookie) => {
      card = driver;
      slow.funcs.rawTx(driver, frame, cookie);
      waiting.push(cookie);
      return TxResult.Enqueued;
    },
  };
  const hub = new Hub();
  const ends = [tap.funcs, funcs].map((one) => cable(hub.port(), one));
  for (const joined of ends) onTestFinished(() => joined.close());
  const packet = makePacket({ version: 4, protocol: "tcp", payload: new Uint8Array(20_000).fill(3) });
  const short = makePacket({ version: 4, protocol: "tcp", payload: Uint8Array.of(1) });
  for (let i = 0; i < 30; i++) {
    expect(tap.comeAs(packet, 1448)).toBe(true);
    expect(tap.comeAs(short, 0)).toBe(true);
  }
  expect(waiting.length).toBeLessThanOrEqual(256);
  const driver = card as EthDriver | null;
  while (waiting.length > 0) driver?.callbacks.txComplete(waiting.shift() ?? -1);
  const lengths = slow.frames.map((bytes) => readPacket(bytes).payload.length);
  const each = [...Array.from({ length: 13 }, () => 1448), 20_000 - 13 * 1448, 1];
  expect(lengths).toEqual(Array.from({ length: 30 }, () => each).flat());
  expect(slow.frames.every((bytes) => readPacket(bytes).transportChecksumGood)).toBe(true);
  expect(ends[1]?.counts()[0].failed).toBe(0);
});
