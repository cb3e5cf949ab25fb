import { Hub, loopbackBackend } from "@vmmkit/backend-loopback";
import { type Backend, type EthDriver, parseMac, type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";
import { PeerCard, TestCard, testBackend, testFrame } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import {
  type CaptureSettings,
  type CaptureWriter,
  FrameDirection,
  MemorySink,
  type PcapTee,
  pcapngWriter,
  pcapTee,
} from "../src/index.ts";
import { TestClock } from "./support/discard.ts";
import { type ReadFrame, readAll } from "./support/read-all.ts";

for (const capturing of [true, false]) {
  const state = capturing ? "capturing" : "off";
  const makeWriter = (): CaptureWriter => pcapngWriter({ sink: new MemorySink() });
  testBackend({
    name: `a tee around a loopback, ${state}`,
    topology: "echo",
    keeps: 256,
    setup: () => ({ backend: pcapTee(loopbackBackend(), { writer: makeWriter(), capturing }) }),
  });
  testBackend({
    name: `a tee around a hub's port, ${state}`,
    keeps: 200,
    setup: () => {
      const hub = new Hub();
      const port = hub.port();
      const peer = new PeerCard(hub.port());
      const setLink = (up: boolean): void => port.setLink(up);
      return { backend: pcapTee(port, { writer: makeWriter(), capturing }), peer: Object.assign(peer, { setLink }) };
    },
  });
}

const MAC = parseMac("02:00:00:00:00:01");

function frame(number: number, size = 60): Uint8Array {
  return testFrame({ to: MAC, from: MAC, size, number });
}

/** A card behind a tee around a loopback, and the capture. */
class Bench {
  readonly sink: MemorySink = new MemorySink();
  readonly writer: CaptureWriter = pcapngWriter({ sink: this.sink });
  readonly tee: PcapTee;
  readonly card: TestCard;
  readonly clock: TestClock = new TestClock();

  constructor(settings: CaptureSettings & { readonly capturing?: boolean } = {}, backend: Backend = loopbackBackend()) {
    const described = { name: "guest 1" };
    this.tee = pcapTee(backend, { writer: this.writer, interface: described, clock: this.clock, ...settings });
    this.card = new TestCard(this.tee);
    this.card.init();
    this.card.post(32, [100, 2000]);
  }

  send(bytes: Uint8Array, ranges: readonly number[] = []): void {
    this.card.transmit(bytes, ranges);
    this.card.flush();
  }

  /** What was captured so far. */
  async captured(): Promise<readonly ReadFrame[]> {
    await this.writer.flush();
    return readAll(this.sink.bytes()).frames;
  }
}

describe("a tee", () => {
  test("captures what the card sends and receives, in the order that the guest sees it", async () => {
    const bench = new Bench();
    bench.send(frame(1), [10, 1]);
    bench.send(frame(2, 1514), [600]);
    const captured = await bench.captured();
    expect(captured.map(({ bytes }) => [...bytes])).toEqual(
      [frame(1), frame(1), frame(2, 1514), frame(2, 1514)].map((bytes) => [...bytes]),
    );
    const { Inbound, Outbound } = FrameDirection;
    expect(captured.map(({ direction }) => direction)).toEqual([Outbound, Inbound, Outbound, Inbound]);
    expect(captured.map(({ nanoseconds }) => nanoseconds)).toEqual([1, 2, 3, 4]);
    expect(bench.card.received.length).toBe(2);
    expect(readAll(bench.sink.bytes()).reader.interfaces[0]?.name).toBe("guest 1");
    bench.card.verify();
  });

  test("a batch of frames has one time: when the guest got it", async () => {
    const bench = new Bench();
    for (let i = 0; i < 5; i++) bench.card.transmit(frame(i));
    bench.card.flush();
    const times = (await bench.captured()).map(({ nanoseconds }) => nanoseconds);
    expect(times).toEqual([1, 2, 3, 4, 5, 6, 6, 6, 6, 6]);
  });

  test("off, it captures nothing, and does not even look at the clock", async () => {
    const bench = new Bench({ capturing: false });
    expect(bench.tee.capturing).toBe(false);
    bench.send(frame(1));
    bench.tee.startCapture();
    bench.send(frame(2));
    bench.tee.stopCapture();
    bench.send(frame(3));
    expect((await bench.captured()).length).toBe(2);
    expect(bench.clock.reads).toBe(2);
    expect(bench.tee.captureStats()).toEqual({ captured: 2, filtered: 0, dropped: 0, error: null });
  });

  test("snap length, direction and filter are set anew while it runs", async () => {
    const bench = new Bench({ snapLength: 20 });
    bench.send(frame(1, 100));
    bench.tee.startCapture({ direction: FrameDirection.Inbound });
    bench.send(frame(2, 100));
    bench.tee.startCapture({ filter: (_head, lengthBytes) => lengthBytes > 100, snapLength: 30 });
    bench.send(frame(3, 100));
    bench.send(frame(4, 101));
    const captured = await bench.captured();
    expect(captured.map(({ bytes, lengthBytes }) => [bytes.length, lengthBytes])).toEqual([
      [20, 100],
      [20, 100],
      [100, 100],
      [30, 101],
      [30, 101],
    ]);
    expect(bench.tee.captureStats()).toMatchObject({ captured: 5, filtered: 3 });
  });

  test("settings stay when it is turned off and on without new ones", async () => {
    const bench = new Bench({ capturing: false, snapLength: 20 });
    bench.tee.startCapture();
    bench.send(frame(1));
    expect((await bench.captured()).map(({ bytes }) => bytes.length)).toEqual([20, 20]);
  });

  test("a filter sees the start of the frame, zeros behind a short one, and the direction", () => {
    const seen: [number[], number, FrameDirection][] = [];
    const bench = new Bench({
      filter: (head, lengthBytes, direction) => {
        seen.push([[...head], lengthBytes, direction]);
        return true;
      },
    });
    bench.send(frame(1, 1000), [7, 50]);
    bench.send(frame(2, 40));
    const long = [...frame(1, 1000).subarray(0, 128)];
    const short = [...frame(2, 40), ...new Array(88).fill(0)];
    const { Inbound, Outbound } = FrameDirection;
    expect(seen).toEqual([
      [long, 1000, Outbound],
      [long, 1000, Inbound],
      [short, 40, Outbound],
      [short, 40, Inbound],
    ]);
  });

  test("a filter that throws ends the capture and nothing else", async () => {
    const bench = new Bench({
      filter: () => {
        throw new Error("no idea");
      },
    });
    bench.send(frame(1));
    bench.send(frame(2));
    expect(bench.card.received.length).toBe(2);
    expect(await bench.captured()).toEqual([]);
    expect(bench.tee.capturing).toBe(false);
    expect(String(bench.tee.captureStats().error)).toContain("no idea");
  });

  test("frames that the writer cannot take are counted, and pass", async () => {
    const bench = new Bench();
    await bench.writer.close();
    bench.send(frame(1));
    expect(bench.card.received.length).toBe(1);
    expect(bench.tee.captureStats()).toMatchObject({ captured: 0, dropped: 2 });
  });

  test("a frame that the backend refuses has left the guest all the same", async () => {
    const bench = new Bench();
    await bench.tee.close();
    expect(bench.card.transmit(frame(1))).toBe(TxResult.Failed);
    expect((await bench.captured()).length).toBe(1);
  });

  test("room that goes back unused, or was emptied by a reset, is no frame", async () => {
    let driver: EthDriver | null = null;
    const backend: Backend = {
      ...loopbackBackend(),
      lowLevelInit(given) {
        driver = given;
        return { mac: MAC, mtu: 1500 };
      },
    };
    const bench = new Bench({}, backend);
    const callbacks = (driver as EthDriver | null)?.callbacks;
    const room = (): NonNullable<ReturnType<NonNullable<typeof callbacks>["allocateRxBuf"]>> => {
      const given = callbacks?.allocateRxBuf(60);
      if (given === null || given === undefined) throw new Error("no room");
      return given;
    };
    callbacks?.rxComplete(1, [room()], [0]);
    const reset = room();
    bench.card.reset();
    // A breach of the contract, which the card notices; the capture gets no byte of it either.
    expect(() => callbacks?.rxComplete(1, [reset], [60])).toThrow(RangeError);
    expect(await bench.captured()).toEqual([]);
  });

  test("several cards share one capture, each with an interface of its own", async () => {
    const sink = new MemorySink();
    const writer = pcapngWriter({ sink });
    const hub = new Hub();
    const cards = ["a", "b"].map((name) => {
      const card = new TestCard(pcapTee(hub.port(), { writer, interface: { name } }));
      card.init();
      card.post(4, [2000]);
      return card;
    });
    cards[0]?.transmit(testFrame({ to: new Uint8Array(6).fill(255), from: MAC, size: 60, number: 1 }));
    cards[0]?.flush();
    await writer.close();
    const { frames, reader } = readAll(sink.bytes());
    expect(reader.interfaces.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(frames.map(({ interfaceId, direction }) => [interfaceId, direction])).toEqual([
      [0, FrameDirection.Outbound],
      [1, FrameDirection.Inbound],
    ]);
  });

  test("one tee around another: both capture", async () => {
    const inner = new MemorySink();
    const innerWriter = pcapngWriter({ sink: inner });
    const bench = new Bench({}, pcapTee(loopbackBackend(), { writer: innerWriter }));
    bench.send(frame(1));
    await innerWriter.close();
    expect(readAll(inner.bytes()).frames.length).toBe(2);
    expect((await bench.captured()).length).toBe(2);
  });

  test("is around functions alone, too, that are no backend to be closed", async () => {
    const { close: _, ...functions } = loopbackBackend();
    const tee = pcapTee(functions satisfies RawIfaceFuncs, { writer: pcapngWriter({ sink: new MemorySink() }) });
    const card = new TestCard(tee);
    card.init();
    card.post(1, [100]);
    card.transmit(frame(1));
    card.flush();
    expect(card.received.length).toBe(1);
    await tee.close();
  });

  test("queues and offloads go through where the backend knows of them", () => {
    const told: unknown[] = [];
    const asked: unknown[] = [];
    const allocateRxBuf = (...all: unknown[]): null => {
      asked.push(all);
      return null;
    };
    let lower: EthDriver | null = null;
    const writer = pcapngWriter({ sink: new MemorySink() });
    const tee = pcapTee(
      {
        ...loopbackBackend(),
        lowLevelInit: (driver) => {
          lower = driver;
          return { mac: MAC, mtu: 1500, queuePairs: 4 };
        },
        rawPoll: (_driver, queue) => void told.push(queue),
        setQueuePairs: (_driver, pairs) => void told.push(pairs),
        setRxOffloads: (_driver, offloads) => void told.push(offloads),
      },
      { writer },
    );
    const { driver } = new TestCard(tee);
    const upper = { ...driver.callbacks, allocateRxBuf };
    expect(tee.lowLevelInit({ ...driver, callbacks: upper }).queuePairs).toBe(4);
    tee.rawPoll(driver, 3);
    tee.rawPoll(driver);
    tee.setQueuePairs?.(driver, 2);
    tee.setRxOffloads?.(driver, 5);
    expect(told).toEqual([3, undefined, 2, 5]);
    (lower as EthDriver | null)?.callbacks.allocateRxBuf(60, 1);
    expect(asked).toEqual([[60, 1]]);
    const plain = pcapTee(loopbackBackend(), { writer });
    expect([plain.setQueuePairs, plain.setRxOffloads]).toEqual([undefined, undefined]);
  });

  test("the backend's data for the card is the card's", () => {
    let lower: EthDriver | null = null;
    const backend: Backend = {
      ...loopbackBackend(),
      lowLevelInit(driver) {
        lower = driver;
        driver.ethData = "mine";
        return { mac: MAC, mtu: 1500 };
      },
    };
    const bench = new Bench({}, backend);
    expect(bench.card.driver.ethData).toBe("mine");
    bench.card.driver.ethData = "yours";
    const driver = lower as EthDriver | null;
    expect(driver?.ethData).toBe("yours");
    expect([driver?.name, driver?.funcs]).toEqual([bench.card.driver.name, bench.card.driver.funcs]);
  });

  test("says in words what the backend says, and how the capture goes", () => {
    const bench = new Bench();
    bench.send(frame(1));
    expect(bench.tee.printState(bench.card.driver)).toMatch(/^loopback .*; capture on, 2 frames, 0 dropped$/);
  });

  test("refuses impossible options", () => {
    const writer = pcapngWriter({ sink: new MemorySink() });
    expect(() => pcapTee(loopbackBackend(), { writer, snapLength: 0 })).toThrow('"snapLength" expected');
    const tee = pcapTee(loopbackBackend(), { writer });
    expect(() => tee.startCapture({ snapLength: 1.5 })).toThrow('"snapLength" expected');
  });
});
