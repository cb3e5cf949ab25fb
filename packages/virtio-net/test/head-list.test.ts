import { describe, expect, it } from "vitest";
import { HeadList } from "../src/head-list.ts";

describe("HeadList", () => {
  it("is first in, first out, round and round", () => {
    const list = new HeadList(4);
    const out: number[] = [];
    for (let i = 0; i < 100; i++) {
      list.push(2 * i);
      list.push(2 * i + 1);
      expect(list.length).toBe(2);
      out.push(list.shift(), list.shift());
    }
    expect(out).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it("holds as many as it was made for, of the highest number too", () => {
    const list = new HeadList(2);
    list.push(32767);
    list.push(0);
    expect([list.shift(), list.shift(), list.shift()]).toEqual([32767, 0, -1]);
  });

  it("is empty after clear", () => {
    const list = new HeadList(4);
    list.push(1);
    list.clear();
    expect(list.length).toBe(0);
    expect(list.shift()).toBe(-1);
    list.push(2);
    expect(list.shift()).toBe(2);
  });
});
