import { type Backend, type Frame, TxResult } from "@vmmkit/ethif";
import { describe, expect, test } from "vitest";
import { TestCard } from "../src/index.ts";
import { echoBackend } from "./support/echo-backend.ts";

const FRAME = Uint8Array.from({ length: 60 }, (_, i) => i);

/** A card whose backend only keeps what it is given. */
function card(): { card: TestCard; kept: Frame[] } {
  const kept: Frame[] = [];
  const backend: Backend = {
    ...echoBackend(),
    rawTx: (_driver, frame) => {
      kept.push(frame);
      return TxResult.Enqueued;
    },
    rawTxFlush: () => {},
    rawPoll: () => {},
  };
  return { card: new TestCard(backend), kept };
}

describe("frames to send", () => {
  test("lie in ranges of the lengths asked for", () => {
    const { card: testCard, kept } = card();
    testCard.transmit(FRAME, [1, 20]);
    const [frame] = kept;
    expect([...(frame?.length.slice(0, frame.rangeCount) ?? [])]).toEqual([1, 20, 39]);
    expect(frame?.totalBytes).toBe(60);
  });

  test("come back once, and their bytes are poisoned then", () => {
    const { card: testCard, kept } = card();
    testCard.transmit(FRAME);
    const [frame] = kept;
    const at = frame?.offset[0] ?? 0;
    const bytes = frame?.bytes[0];
    expect(testCard.lent).toBe(1);
    testCard.driver.callbacks.txComplete(0);
    expect(testCard.lent).toBe(0);
    expect(bytes?.[at]).toBe(0xdd);
    expect(() => testCard.driver.callbacks.txComplete(0)).toThrow(RangeError);
    expect(() => testCard.verify()).toThrow("txComplete for cookie 0 that is not out");
  });

  test("become empty at a reset", () => {
    const { card: testCard, kept } = card();
    testCard.transmit(FRAME);
    testCard.reset();
    expect(kept[0]?.rangeCount).toBe(0);
    testCard.driver.callbacks.txComplete(0);
    testCard.verify();
  });
});

describe("rooms", () => {
  test("are handed out in the order posted, and again where they come back unused", () => {
    const { card: testCard } = card();
    testCard.post(1, [10, 50]);
    testCard.post(1, [100]);
    const { callbacks } = testCard.driver;
    const first = callbacks.allocateRxBuf(60);
    if (first === null) throw new Error("no room");
    callbacks.rxComplete(1, [first], [0]);
    expect(callbacks.allocateRxBuf(60)).toBe(first);
    expect(callbacks.allocateRxBuf(101)).toBeNull();
    expect(callbacks.allocateRxBuf(100)?.totalBytes).toBe(100);
    expect(testCard.roomsOut).toBe(2);
    testCard.verify();
  });

  test("may not be given back twice", () => {
    const { card: testCard } = card();
    testCard.post(1, [100]);
    const { callbacks } = testCard.driver;
    const room = callbacks.allocateRxBuf(60);
    if (room === null) throw new Error("no room");
    callbacks.rxComplete(1, [room], [60]);
    expect(() => callbacks.rxComplete(1, [room], [60])).toThrow(RangeError);
    expect(() => testCard.verify()).toThrow("not out");
  });

  test.each([-1, 101, 1.5, Number.NaN])("may not be filled with %f of 100 bytes", (length) => {
    const { card: testCard } = card();
    testCard.post(1, [100]);
    const { callbacks } = testCard.driver;
    const room = callbacks.allocateRxBuf(60);
    if (room === null) throw new Error("no room");
    expect(() => callbacks.rxComplete(1, [room], [length])).toThrow(RangeError);
    expect(() => testCard.verify()).toThrow("in a room of 100");
  });

  test.each([0, -1, 0.5])("cannot be asked for with %f bytes", (size) => {
    const { card: testCard } = card();
    testCard.driver.callbacks.allocateRxBuf(size);
    expect(() => testCard.verify()).toThrow(`asked for ${size} bytes`);
  });

  test("posted after the backend found none bring a poll", () => {
    let polls = 0;
    const testCard = new TestCard({ ...echoBackend(), rawPoll: () => polls++ });
    testCard.post(1, [100]);
    expect(polls).toBe(0);
    testCard.driver.callbacks.allocateRxBuf(200);
    testCard.post(1, [100]);
    expect(polls).toBe(1);
    testCard.post(1, [100]);
    expect(polls).toBe(1);
  });
});

test("a byte written before, between or behind ranges is found", () => {
  for (const step of [-1, 10, 16, 60]) {
    const { card: testCard } = card();
    testCard.post(1, [10, 50]);
    const room = testCard.driver.callbacks.allocateRxBuf(60);
    const bytes = room?.bytes[0];
    if (room === null || bytes === undefined) throw new Error("no room");
    for (let i = 0; i < 10; i++) bytes[(room.offset[0] ?? 0) + i] = 1;
    testCard.verify();
    const at = step === 60 ? (room.offset[1] ?? 0) + 50 : (room.offset[0] ?? 0) + step;
    bytes[at] = 0;
    expect(() => testCard.verify()).toThrow(`byte ${at} of`);
  }
});

test("calls after the backend was closed are found", () => {
  const { card: testCard } = card();
  testCard.closed = true;
  testCard.driver.callbacks.linkChange(true);
  expect(() => testCard.verify()).toThrow("linkChange was called after the backend was closed");
});
