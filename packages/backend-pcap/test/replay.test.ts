import { formatMac, parseMac, TxResult } from "@vmmkit/ethif";
import { frameNumber, nextTurn, TestCard, testBackend, testFrame } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import {
  FrameDirection,
  MemorySink,
  PcapFormatError,
  pcapngWriter,
  type ReplayBackend,
  type ReplayOptions,
  replayBackend,
} from "../src/index.ts";
import { concat } from "./support/bytes.ts";
import { CaptureWire } from "./support/capture-wire.ts";
import { pcapFile, Section } from "./support/hand-made.ts";
import { PieceQueue } from "./support/piece-queue.ts";
import { readAll } from "./support/read-all.ts";
import { TestTimer } from "./support/test-timer.ts";

testBackend({
  name: "a replay of a capture that is still being written",
  setup: () => {
    const wire = new CaptureWire();
    const backend = replayBackend({ source: wire.source, sent: wire.sent, speed: Number.POSITIVE_INFINITY });
    return { backend, peer: wire, fail: () => wire.source.fail(new Error("the disk is gone")) };
  },
});

const MAC = parseMac("02:00:00:00:00:01");

function frame(number: number, size = 60): Uint8Array {
  return testFrame({ to: MAC, from: MAC, size, number });
}

/** A capture with frames by number, one each second or at the given times. */
function capture(count: number, secondsOf = (number: number): number => number): Uint8Array {
  return pcapFile(
    Array.from({ length: count }, (_, number) => ({ seconds: secondsOf(number), fraction: 0, data: frame(number) })),
  );
}

/** A card that a capture is replayed to, with a time of its own. */
class Bench {
  readonly timer: TestTimer = new TestTimer();
  readonly backend: ReplayBackend;
  readonly card: TestCard;

  constructor(options: Partial<ReplayOptions> & { readonly rooms?: number } = {}) {
    const { rooms = 64, ...rest } = options;
    this.backend = replayBackend({ source: capture(4), mac: MAC, timer: this.timer, ...rest });
    this.card = new TestCard(this.backend);
    this.card.init();
    this.post(rooms);
  }

  post(rooms: number): void {
    if (rooms > 0) this.card.post(rooms, [1600]);
  }

  /** Lets time pass. Answers the numbers of the frames that came. */
  after(ms: number): number[] {
    this.timer.advance(ms);
    return this.card.received.splice(0).map(frameNumber);
  }
}

describe("a replay's pace", () => {
  test("its own: nothing from within lowLevelInit, and each frame at its time", () => {
    const bench = new Bench();
    expect(bench.card.received.length).toBe(0);
    expect(bench.after(0)).toEqual([0]);
    expect(bench.after(999)).toEqual([]);
    expect(bench.after(1)).toEqual([1]);
    expect(bench.after(1500)).toEqual([2]);
    expect(bench.after(500)).toEqual([3]);
    expect(bench.timer.waiting).toBe(0);
    bench.card.verify();
  });

  test("a timer that is late makes no frame late for good", () => {
    const bench = new Bench();
    bench.after(0);
    bench.timer.nowMs += 1600;
    expect(bench.after(0)).toEqual([1]);
    expect(bench.after(399)).toEqual([]);
    expect(bench.after(1)).toEqual([2]);
  });

  test("a factor", () => {
    const bench = new Bench({ speed: 100 });
    expect(bench.after(9)).toEqual([0]);
    expect(bench.after(1)).toEqual([1]);
    expect(bench.after(20)).toEqual([2, 3]);
  });

  test("as fast as the guest takes them: all with one interrupt", () => {
    const bench = new Bench({ speed: Number.POSITIVE_INFINITY });
    expect(bench.after(0)).toEqual([0, 1, 2, 3]);
    expect(bench.card.rxBatches).toBe(1);
  });

  test("frames that are due together come with one interrupt", () => {
    const bench = new Bench({ source: capture(6, (number) => Math.floor(number / 3)) });
    expect(bench.after(0)).toEqual([0, 1, 2]);
    expect(bench.after(1000)).toEqual([3, 4, 5]);
    expect(bench.card.rxBatches).toBe(2);
  });

  test("long gaps are shortened", () => {
    const bench = new Bench({ source: capture(2, (number) => number * 86_400), longestGapMs: 50 });
    expect(bench.after(50)).toEqual([0, 1]);
  });
});

describe("a guest that has no room makes the replay wait", () => {
  test("the first frame comes when the guest is there, and the others at their distance from it", () => {
    const bench = new Bench({ rooms: 0 });
    expect(bench.after(60_000)).toEqual([]);
    bench.post(8);
    expect(bench.after(0)).toEqual([0]);
    expect(bench.after(1000)).toEqual([1]);
  });

  test("in the middle: no frame is lost, and those behind keep their distance", () => {
    const bench = new Bench({ rooms: 2 });
    expect(bench.after(10_000)).toEqual([0, 1]);
    bench.post(8);
    expect(bench.after(0)).toEqual([2]);
    expect(bench.after(999)).toEqual([]);
    expect(bench.after(1)).toEqual([3]);
    expect(bench.backend.stats()).toMatchObject({ state: "ended", frames: 4 });
  });

  test("as fast as it takes them", () => {
    const bench = new Bench({ source: capture(100), speed: Number.POSITIVE_INFINITY, rooms: 0 });
    bench.after(0);
    const came: number[] = [];
    for (let i = 0; i < 10; i++) {
      bench.post(10);
      came.push(...bench.after(0));
    }
    expect(came).toEqual([...Array(100).keys()]);
  });

  test("a frame that never fits is given up, and holds up nothing", () => {
    const records = [60, 500, 60].map((size, number) => ({ seconds: 0, fraction: 0, data: frame(number, size) }));
    const bench = new Bench({ source: pcapFile(records), rooms: 0 });
    bench.card.post(5, [100]);
    expect(bench.after(0)).toEqual([0, 2]);
    expect(bench.backend.stats().skipped.noBuffers).toBe(1);
  });
});

describe("a replay starts, pauses and ends", () => {
  test("started by hand", () => {
    const bench = new Bench({ autoStart: false });
    expect(bench.after(5000)).toEqual([]);
    expect(bench.backend.stats().state).toBe("paused");
    bench.backend.start();
    expect(bench.after(0)).toEqual([0]);
  });

  test("started before it has a card", () => {
    const backend = replayBackend({ source: capture(1), autoStart: false, timer: new TestTimer() });
    backend.start();
    const card = new TestCard(backend);
    card.init();
    card.post(1, [100]);
    backend.rawPoll(card.driver);
    expect(card.received.length).toBe(1);
  });

  test("after a pause the next frame comes at once, and the others at their distance", () => {
    const bench = new Bench();
    bench.after(500);
    bench.backend.pause();
    bench.backend.pause();
    expect(bench.after(60_000)).toEqual([]);
    bench.backend.start();
    expect(bench.after(0)).toEqual([1]);
    expect(bench.after(999)).toEqual([]);
    expect(bench.after(1)).toEqual([2]);
  });

  test("its end is told, and after that nothing waits", async () => {
    const bench = new Bench({ speed: Number.POSITIVE_INFINITY });
    bench.after(0);
    await expect(bench.backend.ended).resolves.toEqual({
      state: "ended",
      error: null,
      frames: 4,
      bytes: 240,
      passes: 1,
      skipped: { filtered: 0, truncated: 0, notEthernet: 0, tooShort: 0, tooLong: 0, noBuffers: 0 },
      sent: { frames: 0, bytes: 0 },
    });
    bench.backend.start();
    bench.backend.pause();
    expect(bench.backend.stats().state).toBe("ended");
    expect(bench.timer.waiting).toBe(0);
  });

  test("closed in the middle, it ends, and closes its source", async () => {
    const source = new PieceQueue();
    source.push(capture(1));
    const bench = new Bench({ source });
    bench.after(0);
    await nextTurn();
    expect(bench.after(0)).toEqual([0]);
    await bench.backend.close();
    expect(source.closed).toBe(true);
    expect((await bench.backend.ended).state).toBe("closed");
    expect(bench.timer.waiting).toBe(0);
    bench.card.closed = true;
    bench.backend.start();
    source.push(capture(1));
    await nextTurn();
    bench.card.verify();
  });
});

describe("again and again", () => {
  test("as many times as it is to, without a gap between", async () => {
    const bench = new Bench({ source: capture(2), times: 3 });
    expect(bench.after(0)).toEqual([0]);
    expect(bench.after(1000)).toEqual([1, 0]);
    expect(bench.after(1000)).toEqual([1, 0]);
    expect(bench.after(1000)).toEqual([1]);
    expect(await bench.backend.ended).toMatchObject({ state: "ended", passes: 3, frames: 6 });
  });

  test("opened anew each time, also where that takes a while", async () => {
    let opened = 0;
    const source = async (): Promise<Uint8Array[]> => {
      opened++;
      return [capture(2)];
    };
    const bench = new Bench({ source, times: 2, speed: Number.POSITIVE_INFINITY });
    bench.after(0);
    expect((await bench.backend.ended).frames).toBe(4);
    expect(opened).toBe(2);
  });

  test("without end, and yet the event loop turns", () => {
    const bench = new Bench({ times: Number.POSITIVE_INFINITY, speed: Number.POSITIVE_INFINITY, rooms: 4 });
    let given = 0;
    bench.card.onInterrupt = () => {
      given += bench.card.received.splice(0).length;
      if (given < 20_000) bench.card.post(4, [100]);
    };
    bench.timer.advance(0);
    expect(given).toBe(20_000);
    expect(bench.backend.stats().state).toBe("running");
  });

  test("a capture that gives nothing is not gone through without end", async () => {
    const bench = new Bench({ times: Number.POSITIVE_INFINITY, filter: () => false });
    bench.after(0);
    expect(await bench.backend.ended).toMatchObject({ state: "ended", passes: 1, skipped: { filtered: 4 } });
  });
});

describe("what is not given is counted", () => {
  test("frames cut short, of other links, too short and too long", () => {
    const section = new Section().interface().interface([], 101).interface([], 1, 20);
    section.frame({ data: frame(0) });
    section.frame({ id: 1, data: frame(1) });
    section.frame({ id: 2, data: frame(2).subarray(0, 20), length: 60 });
    section.frame({ data: new Uint8Array(13) });
    section.frame({ data: frame(3, 1519) });
    section.frame({ data: frame(4, 1518) });
    const bench = new Bench({ source: section.done() });
    expect(bench.after(0)).toEqual([0, 4]);
    expect(bench.backend.stats()).toMatchObject({
      frames: 2,
      bytes: 1578,
      skipped: { notEthernet: 1, truncated: 1, tooShort: 1, tooLong: 1 },
    });
  });

  test("a filter chooses: what the captured card received", () => {
    const section = new Section().interface();
    for (let i = 0; i < 6; i++) section.frame({ data: frame(i), options: [[2, section.u32(1 + (i % 2))]] });
    const bench = new Bench({
      source: section.done(),
      filter: ({ direction }) => direction === FrameDirection.Inbound,
    });
    expect(bench.after(0)).toEqual([0, 2, 4]);
    expect(bench.backend.stats().skipped.filtered).toBe(3);
  });

  test("check sequences are left out where the file says that there are", () => {
    const section = new Section().interface([[13, Uint8Array.of(32)]]);
    section.frame({ data: concat(frame(7), Uint8Array.of(1, 2, 3, 4)) });
    const bench = new Bench({ source: section.done() });
    bench.timer.advance(0);
    expect(bench.card.received.map((bytes) => [...bytes])).toEqual([[...frame(7)]]);
  });
});

describe("what goes wrong ends the replay, and nothing else", () => {
  test("a file that is cut off gives what it has", async () => {
    const whole = capture(3);
    const bench = new Bench({ source: whole.subarray(0, whole.length - 1), speed: Number.POSITIVE_INFINITY });
    expect(bench.after(0)).toEqual([0, 1]);
    const { state, error } = await bench.backend.ended;
    expect(state).toBe("failed");
    expect(error).toBeInstanceOf(PcapFormatError);
    expect(bench.card.transmit(frame(1))).toBe(TxResult.Complete);
  });

  test.each<[string, Partial<ReplayOptions>, RegExp]>([
    ["no capture at all", { source: new Uint8Array(100) }, /neither pcap nor pcapng/],
    [
      "a source that cannot be opened",
      {
        source: () => {
          throw new Error("no such file");
        },
      },
      /no such file/,
    ],
    ["a source that cannot be opened, later", { source: () => Promise.reject(new Error("no such file")) }, /no such/],
    [
      "a filter that throws",
      {
        filter: () => {
          throw new Error("no idea");
        },
      },
      /no idea/,
    ],
  ])("%s", async (_name, options, message) => {
    const bench = new Bench(options);
    expect(bench.after(0)).toEqual([]);
    const { state, error } = await bench.backend.ended;
    expect(state).toBe("failed");
    expect(String(error)).toMatch(message);
    await bench.backend.close();
    expect(bench.backend.stats().state).toBe("closed");
  });

  test("a source that fails in the middle", async () => {
    const source = new PieceQueue();
    source.push(capture(2));
    source.fail(new Error("read error"));
    const bench = new Bench({ source, speed: Number.POSITIVE_INFINITY });
    bench.timer.advance(0);
    expect(await bench.backend.ended).toMatchObject({ state: "failed", frames: 2, error: new Error("read error") });
  });
});

describe("what the guest sends", () => {
  test("is counted and gone", () => {
    const bench = new Bench();
    bench.card.transmit(frame(1));
    bench.card.transmit(frame(2, 100));
    expect(bench.backend.stats().sent).toEqual({ frames: 2, bytes: 160 });
    expect(bench.card.transmit(new Uint8Array(13))).toBe(TxResult.Failed);
    expect(bench.card.transmit(frame(3, 1519))).toBe(TxResult.Failed);
  });

  test("is captured where that is wanted, after the end too", async () => {
    const sink = new MemorySink();
    const sent = pcapngWriter({ sink });
    const bench = new Bench({ sent, speed: Number.POSITIVE_INFINITY });
    bench.after(0);
    await bench.backend.ended;
    bench.card.transmit(frame(9), [20]);
    await sent.close();
    const { frames } = readAll(sink.bytes());
    expect(frames.map(({ bytes, direction }) => [frameNumber(bytes), direction])).toEqual([
      [9, FrameDirection.Outbound],
    ]);
  });
});

describe("a replay's options", () => {
  test.each([
    [{ speed: 0 }, '"speed" expected a number above 0, got 0'],
    [{ speed: Number.NaN }, '"speed" expected a number above 0, got NaN'],
    [{ longestGapMs: -1 }, '"longestGapMs" expected a number from 0 on, got -1'],
    [{ times: 0 }, '"times" expected an integer from 1'],
    [{ times: 2, source: [capture(1)] }, '"source" expected a function that opens it'],
    [{ source: "net.pcapng" as unknown as Uint8Array }, '"source" expected bytes'],
    [{ mtu: 67 }, '"mtu" expected an integer from 68 to 65535, got 67'],
    [{ mac: new Uint8Array(5) }, '"mac" expected 6 bytes'],
    [{ mac: new Uint8Array(6).fill(1) }, '"mac" expected the address of one station'],
    [{ longestFrame: 0 }, '"longestFrame" expected'],
  ])("refuses %o", (options, message) => {
    expect(() => replayBackend({ source: capture(1), ...options })).toThrow(message);
  });

  test("has a random address by default, and the one that it is given", () => {
    expect(formatMac(new Bench().card.link?.mac ?? MAC)).toBe(formatMac(MAC));
    const random = new TestCard(replayBackend({ source: capture(1) })).init().mac;
    expect((random[0] ?? 0) & 3).toBe(2);
  });

  test("refuses a second card", () => {
    const { backend } = new Bench();
    expect(() => new TestCard(backend).init()).toThrow("has this backend already");
  });

  test("says in words how far it is", () => {
    const bench = new Bench({ speed: Number.POSITIVE_INFINITY });
    bench.after(0);
    expect(bench.backend.printState(bench.card.driver)).toBe(
      "replay 02:00:00:00:00:01 mtu 1500: ended, 4 frames given, 0 skipped, 0 taken",
    );
  });
});
