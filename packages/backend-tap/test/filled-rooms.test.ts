import { type EthDriver, Frame } from "@vmmkit/ethif";
import { describe, expect, it } from "vitest";
import { FilledRooms } from "../src/filled-rooms.ts";

function room(bytes: number): Frame {
  const frame = new Frame();
  frame.push(new Uint8Array(bytes), 0, bytes);
  return frame;
}

/** A card that notes what it is given. */
function card(): { driver: EthDriver; given: number[][] } {
  const given: number[][] = [];
  const callbacks = {
    txComplete: () => {},
    allocateRxBuf: () => null,
    rxComplete: (count: number, _rooms: readonly Frame[], lengths: readonly number[]) => {
      given.push(lengths.slice(0, count));
    },
    linkChange: () => {},
  };
  return { driver: { callbacks } as unknown as EthDriver, given };
}

describe("rooms with frames", () => {
  it("are given together, once", () => {
    const { driver, given } = card();
    const filled = new FilledRooms();
    filled.add(room(100), 60);
    filled.add(room(100), 0);
    filled.add(room(100), 100);
    expect([filled.count, filled.bytes]).toEqual([3, 160]);
    filled.give(driver);
    filled.give(driver);
    expect(given).toEqual([[60, 0, 100]]);
    expect([filled.count, filled.bytes]).toEqual([0, 0]);
  });

  it("go back empty where a reset took their memory", () => {
    const { driver, given } = card();
    const filled = new FilledRooms();
    const lost = room(100);
    filled.add(lost, 60);
    lost.clear();
    filled.add(room(100), 70);
    filled.give(driver);
    expect(given).toEqual([[0, 70]]);
  });
});
