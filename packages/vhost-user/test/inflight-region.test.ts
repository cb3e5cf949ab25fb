import { describe, expect, it } from "vitest";
import { InflightRegion, regionBytes } from "../src/inflight-region.ts";

const SIZE = 8;

/** A region's memory, and back-ends one after another that work on it. */
function shared() {
  const buffer = new ArrayBuffer(2 * regionBytes(SIZE));
  return {
    view: new DataView(buffer, regionBytes(SIZE)),
    next: () => new InflightRegion(buffer, regionBytes(SIZE), SIZE),
    begin: (usedIdx: number) => {
      const region = new InflightRegion(buffer, regionBytes(SIZE), SIZE);
      region.begin(usedIdx);
      return region;
    },
  };
}

const NEXT_OF = (head: number): number => 16 + 16 * head + 6;

describe("the record of a split virtqueue", () => {
  it("regions are as long as the document has it, and start at lines of the cache", () => {
    expect([1, 3, 8, 256].map(regionBytes)).toEqual([64, 64, 192, 4160]);
  });

  it("a new one begins: version 1, its entries, the used index", () => {
    const { view, next, begin } = shared();
    expect(next().recover(7)).toEqual([]);
    begin(7);
    expect([8, 10, 14].map((at) => view.getUint16(at, true))).toEqual([1, SIZE, 7]);
  });

  it("what was taken and not given back is there again, in the order of taking", () => {
    const { next, begin } = shared();
    const first = begin(0);
    for (const head of [5, 1, 3, 0]) first.take(head);
    first.give(1);
    first.given();
    const second = next();
    expect(second.recover(1)).toEqual([5, 3, 0]);
    second.take(2);
    second.give(5);
    second.given();
    expect(next().recover(2)).toEqual([3, 0, 2]);
  });

  it("killed before the used ring said so: what was about to be given back is out", () => {
    const { next, begin } = shared();
    const first = begin(0);
    first.take(4);
    first.take(6);
    first.give(4);
    expect(next().recover(0)).toEqual([4, 6]);
  });

  it("killed right behind the used ring: what it says was given back is not out", () => {
    const { next, begin } = shared();
    const first = begin(0xffff);
    for (const head of [4, 6, 7]) first.take(head);
    first.give(4);
    first.give(7);
    expect(next().recover(1)).toEqual([6]);
  });

  it("numbers beyond 32 bits keep their order", () => {
    const { view, next, begin } = shared();
    begin(0);
    for (const [head, high] of [
      [2, 1],
      [3, 0],
    ] as const) {
      view.setUint8(16 + 16 * head, 1);
      view.setUint32(16 + 16 * head + 8, 9, true);
      view.setUint32(16 + 16 * head + 12, high, true);
    }
    const region = next();
    expect(region.recover(0)).toEqual([3, 2]);
    region.take(1);
    expect(next().recover(0)).toEqual([3, 2, 1]);
  });

  it("lists that others spoilt end", () => {
    const { view, next, begin } = shared();
    const first = begin(0);
    first.take(1);
    // A list that runs in a circle, and one that leaves the region.
    view.setUint16(12, 2, true);
    view.setUint16(NEXT_OF(2), 2, true);
    expect(next().recover(0x8000)).toEqual([1]);
    view.setUint16(12, 0xffff, true);
    expect(next().recover(0x8001)).toEqual([1]);
  });
});
