import type { Frame } from "@vmmkit/ethif";
import { TestCard } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import { Delivery } from "../src/delivery.ts";
import { loopbackBackend } from "../src/index.ts";

function attached(size: number): { delivery: Delivery; card: TestCard } {
  const card = new TestCard(loopbackBackend());
  const delivery = new Delivery(size);
  delivery.attach(card.driver);
  return { delivery, card };
}

function take(delivery: Delivery): Frame {
  const room = delivery.room(60);
  if (room === null) throw new Error("no room");
  return room;
}

test("a batch is given with one interrupt", () => {
  const { delivery, card } = attached(8);
  card.post(8, [100]);
  for (let i = 0; i < 3; i++) delivery.add(take(delivery), 60);
  expect(card.rxBatches).toBe(0);
  expect(delivery.send()).toBe(true);
  expect(card.rxBatches).toBe(1);
  expect(card.received.length).toBe(3);
  expect(delivery.send()).toBe(false);
});

test("a full batch has no room until it is sent", () => {
  const { delivery, card } = attached(2);
  card.post(8, [100]);
  for (let i = 0; i < 2; i++) delivery.add(take(delivery), 60);
  expect(delivery.full).toBe(true);
  expect(delivery.room(60)).toBeNull();
  delivery.send();
  expect(delivery.full).toBe(false);
  expect(delivery.room(60)).not.toBeNull();
});

test("what is added from within the guest's interrupt makes the next batch", () => {
  const { delivery, card } = attached(8);
  card.post(8, [100]);
  delivery.add(take(delivery), 60);
  card.onInterrupt = () => {
    card.onInterrupt = null;
    delivery.add(take(delivery), 61);
    expect(delivery.send()).toBe(false);
  };
  delivery.send();
  expect(card.received.map((bytes) => bytes.length)).toEqual([60]);
  delivery.send();
  expect(card.received.map((bytes) => bytes.length)).toEqual([60, 61]);
  card.verify();
});

test("a room that a reset emptied goes back with length 0", () => {
  const { delivery, card } = attached(8);
  card.post(8, [100]);
  delivery.add(take(delivery), 60);
  card.reset();
  delivery.send();
  expect(card.received.length).toBe(0);
  expect(card.roomsOut).toBe(0);
  card.verify();
});

describe("a frame that finds no room", () => {
  test("is given up where the guest's next buffer is too short and the card joins none", () => {
    const { delivery, card } = attached(8);
    card.post(8, [50]);
    expect(delivery.room(60)).toBeNull();
    expect(delivery.neverFits()).toBe(true);
    expect([card.roomsOut, card.roomsPosted]).toEqual([0, 8]);
  });

  test("waits where the guest offers nothing", () => {
    expect(attached(8).delivery.neverFits()).toBe(false);
  });

  test("waits where the guest has but one buffer", () => {
    const { delivery, card } = attached(8);
    card.post(1, [50]);
    expect(delivery.neverFits()).toBe(false);
    expect([card.roomsOut, card.roomsPosted]).toEqual([0, 1]);
  });

  test("waits where the card joins buffers, and the guest will post more", () => {
    const { delivery, card } = attached(8);
    card.post(3, [50]);
    const { callbacks } = card.driver;
    const joining = new Delivery(8);
    // A card that joins two of its buffers shows one that is as long as both.
    const allocateRxBuf = (size: number): Frame | null => {
      const room = callbacks.allocateRxBuf(Math.min(size, 50));
      return room !== null && size <= 100 ? room : null;
    };
    joining.attach({ ...card.driver, callbacks: { ...callbacks, allocateRxBuf } });
    expect(joining.neverFits()).toBe(false);
    expect(card.roomsOut).toBe(0);
    expect(delivery.full).toBe(false);
  });
});

test("without a card there is no room", () => {
  const delivery = new Delivery(8);
  expect(delivery.room(60)).toBeNull();
  expect(delivery.neverFits()).toBe(false);
  expect(delivery.send()).toBe(false);
});

test("a second card is refused", () => {
  const { delivery, card } = attached(8);
  expect(() => delivery.attach(card.driver)).toThrow('"test card" has this backend already');
});
