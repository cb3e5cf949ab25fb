import { Hub, type HubPort } from "@vmmkit/backend-loopback";
import { type EthDriver, Frame, type RawIfaceFuncs, readFrame, TxResult } from "@vmmkit/ethif";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { expect, it, onTestFinished } from "vitest";
import { Cable } from "../../src/data-path/cable.ts";

const MTU = 1500;

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
  const cable = new Cable("cable", left.port(), right.port(), MTU);
  onTestFinished(() => cable.close());
  const [one, other] = [new Station(left.port()), new Station(right.port())];
  const said = Array.from({ length: 1000 }, (_, i) => `frame ${i}`);
  for (const text of said) one.say(text);
  other.say("answer");
  expect(other.heard).toEqual(said);
  expect(one.heard).toEqual(["answer"]);
  expect(cable.counts()).toEqual([
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
  const cable = new Cable("cable", hub.port(), slow, MTU);
  onTestFinished(() => cable.close());
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
  const cable = new Cable("cable", hub.port(), deaf, MTU);
  onTestFinished(() => cable.close());
  const station = new Station(hub.port());
  for (let i = 0; i < 300; i++) station.say("x");
  expect(cable.counts()[0]).toEqual({ frames: 300, bytes: 18_000, failed: 300 });
});
