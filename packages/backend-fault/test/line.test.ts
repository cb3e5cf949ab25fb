import { Frame } from "@vmmkit/ethif";
import { describe, expect, test } from "vitest";
import { Line } from "../src/line.ts";

function push(line: Line, bytes: number, dueMs = 0): void {
  const held = line.entry(new Frame(), bytes);
  held.dueMs = dueMs;
  line.push(held);
}

function putAside(line: Line, bytes: number, frames: number): void {
  const held = line.entry(new Frame(), bytes);
  held.dueMs = 0;
  line.putAside(held, frames, 100);
}

/** Empties a line; each frame by its length. */
function drained(line: Line): number[] {
  const order: number[] = [];
  for (let held = line.shift(); held !== null; held = line.shift()) {
    order.push(held.bytes);
    line.recycle(held);
  }
  return order;
}

describe("a line", () => {
  test("keeps the order of thousands, also where its circle has turned", () => {
    const line = new Line();
    for (let i = 0; i < 40; i++) push(line, i);
    expect(line.shift()?.bytes).toBe(0);
    for (let i = 40; i < 3000; i++) push(line, i);
    expect(line.count).toBe(2999);
    expect(drained(line)).toEqual(Array.from({ length: 2999 }, (_, i) => i + 1));
    expect(line.head).toBeNull();
  });

  test("lets nobody go sooner than the one before", () => {
    const line = new Line();
    push(line, 1, 50);
    push(line, 2, 10);
    expect(line.shift()?.dueMs).toBe(50);
    expect(line.head?.dueMs).toBe(50);
    line.shift();
    push(line, 3, 10);
    expect(line.head?.dueMs).toBe(10);
  });

  test("takes the one aside back behind as many as were to overtake it", () => {
    const line = new Line();
    push(line, 1);
    putAside(line, 2, 2);
    expect([line.hasAside, line.count, line.asideUntilMs]).toEqual([true, 2, 100]);
    push(line, 3);
    expect(line.hasAside).toBe(true);
    push(line, 4);
    expect(line.hasAside).toBe(false);
    push(line, 5);
    expect(drained(line)).toEqual([1, 3, 4, 2, 5]);
  });

  test("takes the one aside back when it has waited too long", () => {
    const line = new Line();
    putAside(line, 1, 5);
    push(line, 2);
    line.rejoin();
    line.rejoin();
    expect(drained(line)).toEqual([2, 1]);
  });

  test("gives out all there is, the one aside last", () => {
    const line = new Line();
    putAside(line, 1, 5);
    push(line, 2);
    expect([line.takeAny()?.bytes, line.takeAny()?.bytes, line.takeAny()]).toEqual([2, 1, null]);
    expect(line.count).toBe(0);
  });

  test("uses its entries again", () => {
    const line = new Line();
    const held = line.entry(new Frame(), 1);
    line.recycle(held);
    expect(line.entry(new Frame(), 2)).toBe(held);
    expect(held.bytes).toBe(2);
  });
});
