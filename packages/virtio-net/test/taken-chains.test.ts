import { describe, expect, it } from "vitest";
import { TakenChains } from "../src/taken-chains.ts";

function all(chains: TakenChains): [head: number, room: number][] {
  return Array.from({ length: chains.count }, (_, i) => [chains.headOf(i), chains.roomOf(i)]);
}

describe("the chains of a frame's room", () => {
  it("keep their order, their names and their rooms, however many there are", () => {
    const chains = new TakenChains();
    const expected = Array.from({ length: 100 }, (_, i): [number, number] => [65535 - i, 2 ** 32 - 1 - i]);
    for (const [head, room] of expected) chains.push(head, room);
    expect(all(chains)).toEqual(expected);
  });

  it("are none after clear, and one alone after pushAlone", () => {
    const chains = new TakenChains();
    chains.push(1, 10);
    chains.push(2, 20);
    chains.pushAlone(3, 30);
    expect(all(chains)).toEqual([[3, 30]]);
    chains.push(4, 40);
    expect(all(chains)).toEqual([
      [3, 30],
      [4, 40],
    ]);
    chains.clear();
    expect(all(chains)).toEqual([]);
  });
});
