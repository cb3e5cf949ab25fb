import { describe, expect, it } from "vitest";
import { ReceiveSlots } from "../src/receive-slots.ts";

describe("receive slots", () => {
  it("are made as they are needed, up to a number, each with a cookie of its own and the pair's number", () => {
    const slots = new ReceiveSlots(3);
    const taken = Array.from({ length: 200 }, () => slots.take(200));
    expect(taken.map((slot) => slot?.frame.cookie)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(taken.every((slot) => slot?.frame.queue === 3)).toBe(true);
    expect(slots.take(200)).toBeNull();
    expect([slots.outCount, slots.freeCount]).toEqual([200, 0]);
  });

  it("are taken again once they are free, the last one first", () => {
    const slots = new ReceiveSlots(0);
    const [a, b] = [slots.take(4), slots.take(4)];
    if (a === null || b === null) throw new Error("there may be four");
    slots.release(a);
    slots.release(b);
    expect(slots.outCount).toBe(0);
    expect([slots.take(4), slots.take(4)]).toEqual([b, a]);
  });

  it("may be replaced while they are out", () => {
    const slots = new ReceiveSlots(0);
    const old = slots.take(1);
    slots.replace(0);
    const fresh = slots.take(1);
    expect(fresh).not.toBe(old);
    expect(fresh?.frame.cookie).toBe(0);
    expect(slots.frames[0]).toBe(fresh?.frame);
    expect(slots.all.length).toBe(1);
  });
});
