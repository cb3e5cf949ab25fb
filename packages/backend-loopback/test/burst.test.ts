import { Frame, readFrame, TxResult } from "@vmmkit/ethif";
import { frameNumber, testFrame } from "@vmmkit/ethif-compliance";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Burst } from "../src/burst.ts";
import { CardPort } from "../src/card-port.ts";
import { Hub, type HubPortOptions } from "../src/index.ts";
import { BROADCAST, Station } from "./support/cards.ts";

const HUB = {
  receive: () => TxResult.Complete,
  mark: () => {},
  flush: () => {},
  sent: () => {},
  remove: () => {},
} as const;

function port(name: string): CardPort {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const init = { mtu: 1500, offloads: 0, linkUp: true, bufferBytes: 0, batchFrames: 1, onClose: () => {} };
  return new CardPort(HUB, { ...init, name, mac });
}

function frameOf(bytes: Uint8Array): Frame {
  const frame = new Frame();
  const half = bytes.length >> 1;
  frame.push(bytes, 0, half);
  frame.push(bytes, half, bytes.length - half);
  return frame;
}

describe("a burst", () => {
  it("has copies of its frames, each for all ports but the one that it came from, or for one port", () => {
    const [a, b, c] = [port("a"), port("b"), port("c")];
    const burst = new Burst();
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
    const frame = Object.assign(frameOf(bytes), { flags: 1, csumStart: 34, csumOffset: 16 });
    expect(burst.add(a, frame, null)).toBe(true);
    expect(burst.add(a, frameOf(bytes), b)).toBe(true);
    bytes.fill(0xee);
    expect(burst.count).toBe(2);
    expect([0, 1].map((i) => [a, b, c].map((side) => burst.frameFor(side, i) !== null))).toEqual([
      [false, true, true],
      [false, true, false],
    ]);
    const copy = burst.frameFor(c, 0);
    expect(copy).toMatchObject({ totalBytes: 100, flags: 1, csumStart: 34, csumOffset: 16 });
    const read = new Uint8Array(100);
    if (copy !== null) readFrame(copy, read);
    expect([...read]).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it("is full by bytes and by frames, and empty again once it is cleared", () => {
    const a = port("a");
    const burst = new Burst();
    const long = frameOf(new Uint8Array(65_000));
    let added = 0;
    while (burst.add(a, long, null)) added++;
    expect(added).toBe(4);
    burst.clear();
    const short = frameOf(new Uint8Array(60));
    for (added = 0; burst.add(a, short, null); ) added++;
    expect(added).toBe(128);
    expect(burst.count).toBe(128);
  });
});

describe("bursts through a hub of many ports", () => {
  /** Stations of which the first is known to all. */
  function joined(count: number, options: HubPortOptions = {}): Station[] {
    const hub = new Hub();
    return Array.from({ length: count }, () => new Station(hub.port(options), 600, 1 << 21));
  }

  it("arrive whole and in order, frames for one port among frames for all", () => {
    const [first, second, ...others] = joined(8);
    if (first === undefined || second === undefined) throw new Error("there are eight");
    second.send(0, BROADCAST);
    for (const station of [first, ...others]) station.arrived();
    const send = (number: number, to: Uint8Array): void => {
      first.card.transmit(testFrame({ to, from: first.link.mac, size: 60 + number, number }));
    };
    // More than a burst holds.
    for (let i = 1; i <= 300; i++) send(i, i % 3 === 0 ? second.link.mac : BROADCAST);
    first.card.flush();
    const all = Array.from({ length: 300 }, (_, i) => i + 1);
    expect(second.arrived()).toEqual(all);
    for (const station of others) expect(station.arrived()).toEqual(all.filter((i) => i % 3 !== 0));
    expect(first.arrived()).toEqual([]);
    for (const station of [first, second, ...others]) station.card.verify();
  });

  it("may be longer than a burst from the first one on", () => {
    const [first, ...others] = joined(6);
    for (let i = 0; i < 200; i++) {
      first?.card.transmit(testFrame({ to: BROADCAST, from: first.link.mac, size: 60, number: i }));
    }
    first?.card.flush();
    for (const station of others) expect(station.arrived().length).toBe(200);
  });

  it("lose nothing where a port takes one frame at a time and keeps none", () => {
    const [first, ...others] = joined(8, { batchFrames: 1, bufferBytes: 0 });
    for (let i = 0; i < 10; i++) {
      first?.card.transmit(testFrame({ to: BROADCAST, from: first.link.mac, size: 60, number: i }));
    }
    first?.card.flush();
    for (const station of others) expect(station.arrived()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("stay in order for each sender where guests answer from within their interrupts", () => {
    const sends = fc.array(fc.tuple(fc.nat(2), fc.boolean()), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sends, fc.integer({ min: 1, max: 4 }), (plan, batchFrames) => {
        const stations = joined(7, { batchFrames });
        let answers = 0;
        for (const [index, station] of stations.entries()) {
          station.card.onInterrupt = () => {
            for (let i = 0; i < 2 && answers < 200; i++) {
              const number = 1000 * (index + 1) + answers++;
              station.card.transmit(testFrame({ to: BROADCAST, from: station.link.mac, size: 60, number }));
            }
            station.card.flush();
          };
        }
        for (const [i, [from, flush]] of plan.entries()) {
          const station = stations[from];
          station?.card.transmit(testFrame({ to: BROADCAST, from: station.link.mac, size: 60, number: i }));
          if (flush) station?.card.flush();
        }
        for (const station of stations) station.card.flush();
        for (const station of stations) {
          const bySender = new Map<string, number[]>();
          for (const frame of station.card.received) {
            const sender = String(frame.subarray(6, 12));
            bySender.set(sender, [...(bySender.get(sender) ?? []), frameNumber(frame)]);
          }
          for (const numbers of bySender.values()) {
            const answersOf = numbers.filter((number) => number >= 1000);
            expect(answersOf).toEqual([...answersOf].sort((a, b) => a - b));
            expect(new Set(numbers).size).toBe(numbers.length);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
