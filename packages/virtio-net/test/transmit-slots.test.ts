import { describe, expect, it } from "vitest";
import { TransmitSlots } from "../src/transmit-slots.ts";

describe("transmit slots", () => {
  it("are made as they are needed, each with a cookie that is one of its queue pair's alone", () => {
    const slots = new TransmitSlots(1, 3);
    const taken = [slots.take(null), slots.take(null), slots.take(null)];
    expect(taken.map(({ frame }) => [frame.cookie, frame.queue])).toEqual([
      [1, 1],
      [4, 1],
      [7, 1],
    ]);
    expect(slots.of(4)).toBe(taken[1]);
    expect([slots.of(3), slots.of(10), slots.of(-2)]).toEqual([undefined, undefined, undefined]);
    expect(slots.outCount).toBe(3);
  });

  it("are taken again once they are free, the last one first, in the present life of the card", () => {
    const slots = new TransmitSlots(0, 1);
    const [a, b] = [slots.take(null), slots.take(null)];
    slots.release(a);
    slots.release(b);
    expect(slots.outCount).toBe(0);
    slots.epoch++;
    expect([slots.take(null), slots.take(null)]).toEqual([b, a]);
    expect([a.epoch, b.epoch]).toEqual([1, 1]);
  });

  it("count the segments that a frame waits for", () => {
    const slots = new TransmitSlots(0, 1);
    const whole = slots.take(null);
    const pieces = [slots.take(whole), slots.take(whole)];
    expect(whole.pending).toBe(2);
    expect(pieces.map((piece) => piece.whole)).toEqual([whole, whole]);
  });

  it("are replaced where a backend is gone that has them, and only there", () => {
    const slots = new TransmitSlots(0, 1);
    const [out, free] = [slots.take(null), slots.take(null)];
    slots.release(free);
    slots.abandon();
    expect(slots.outCount).toBe(0);
    expect(slots.all[0]).not.toBe(out);
    expect(slots.all[0]?.frame.cookie).toBe(0);
    expect(slots.all[1]).toBe(free);
    expect(new Set([slots.take(null), slots.take(null)])).toEqual(new Set(slots.all));
    expect(slots.all.length).toBe(2);
  });
});
