import type { Frame } from "@vmmkit/ethif";
import { TestCard } from "@vmmkit/ethif-compliance";
import { expect, test } from "vitest";
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

test("a frame is given up when the guest keeps offering shorter room only", () => {
  const { delivery, card } = attached(8);
  card.post(8, [50]);
  expect(delivery.room(60)).toBeNull();
  const answers = Array.from({ length: 8 }, () => delivery.neverFits());
  expect(answers).toEqual([false, false, false, false, false, false, false, true]);
  expect(card.roomsOut).toBe(0);
  expect(card.roomsPosted).toBe(8);
});

test("a frame is not given up when the guest offers nothing at all", () => {
  const { delivery } = attached(8);
  for (let look = 0; look < 100; look++) expect(delivery.neverFits()).toBe(false);
});

test("without a card there is no room", () => {
  const delivery = new Delivery(8);
  expect(delivery.room(60)).toBeNull();
  expect(delivery.hasShortRoom()).toBe(false);
  expect(delivery.send()).toBe(false);
});

test("a second card is refused", () => {
  const { delivery, card } = attached(8);
  expect(() => delivery.attach(card.driver)).toThrow('"test card" has this backend already');
});
