import { describe, expect, it } from "vitest";
import { PackedInflightRegion, packedRegionBytes } from "../src/packed-inflight-region.ts";

const SIZE = 8;
const WRAP = 0x8000;

/** A region's memory, and back-ends one after another that work on it. */
function shared() {
  const buffer = new ArrayBuffer(2 * packedRegionBytes(SIZE));
  const view = new DataView(buffer, packedRegionBytes(SIZE));
  const next = () => new PackedInflightRegion(buffer, packedRegionBytes(SIZE), SIZE);
  const begin = (used = WRAP): PackedInflightRegion => {
    const region = next();
    region.begin(used);
    return region;
  };
  /** @param seen whether the driver can see what was given back last */
  const recover = (seen = false) => next().recover(() => !seen);
  return { view, next, begin, recover };
}

/** A chain's descriptors, told from others by a number. */
function chain(bufferId: number, count = 1): Uint32Array {
  return Uint32Array.from({ length: 4 * count }, (_, i) => (i % 4 === 3 ? bufferId : 1000 * bufferId + i));
}

function take(region: PackedInflightRegion, ...bufferIds: readonly number[]): void {
  for (const bufferId of bufferIds) region.take(bufferId, chain(bufferId), 1);
}

function giveBack(region: PackedInflightRegion, used: number, ...bufferIds: readonly number[]): void {
  for (const bufferId of bufferIds) region.give(bufferId);
  region.publishing(used);
  region.published();
}

describe("the record of a packed virtqueue", () => {
  it("regions are as long as the document has it, and start at lines of the cache", () => {
    expect([1, 2, 8, 256].map(packedRegionBytes)).toEqual([64, 128, 320, 8256]);
  });

  it("a new one begins: version 1, its entries, all of them free, the position twice", () => {
    const { view, begin, recover } = shared();
    expect(recover()).toBeNull();
    begin(WRAP + 3);
    expect([8, 10, 12, 14, 16, 18].map((at) => view.getUint16(at, true))).toEqual([1, SIZE, 0, 0, 3, 3]);
    expect([view.getUint8(20), view.getUint8(21)]).toEqual([1, 1]);
    expect([0, 1, 6].map((entry) => view.getUint16(32 + 32 * entry + 2, true))).toEqual([1, 2, 7]);
    expect(recover()).toEqual({ used: WRAP + 3, chains: [] });
  });

  it("an entry has the descriptor, its first one how many there are, the last of them, and when it was taken", () => {
    const { view, begin } = shared();
    const region = begin();
    take(region, 5);
    region.take(2, Uint32Array.from([0x1000, 0xa, 60, 0x1_0000, 0x2000, 0xb, 70, 0x2]), 2);
    const at = 32 + 32;
    expect([view.getUint8(at), ...[4, 6].map((field) => view.getUint16(at + field, true))]).toEqual([1, 2, 2]);
    expect(view.getBigUint64(at + 8, true)).toBe(1n);
    expect([at, at + 32].map((entry) => view.getUint16(entry + 16, true))).toEqual([0, 2]);
    expect([at, at + 32].map((entry) => view.getUint16(entry + 18, true))).toEqual([1, 0]);
    expect([at, at + 32].map((entry) => view.getUint32(entry + 20, true))).toEqual([60, 70]);
    expect([at, at + 32].map((entry) => view.getBigUint64(entry + 24, true))).toEqual([0xa_0000_1000n, 0xb_0000_2000n]);
    expect(view.getUint16(14, true)).toBe(3);
  });

  it("what was taken and not given back is there again, in the order of taking, with its descriptors", () => {
    const { begin, recover, next } = shared();
    const first = begin();
    take(first, 5, 1);
    first.take(3, chain(3, 2), 2);
    take(first, 0);
    giveBack(first, WRAP + 1, 1);
    expect(recover()).toEqual({
      used: WRAP + 1,
      chains: [
        { bufferId: 5, descriptors: [...chain(5)] },
        { bufferId: 3, descriptors: [...chain(3, 2)] },
        { bufferId: 0, descriptors: [...chain(0)] },
      ],
    });
    const second = next();
    second.recover(() => true);
    take(second, 7);
    giveBack(second, WRAP + 2, 5);
    expect(recover()?.chains.map(({ bufferId }) => bufferId)).toEqual([3, 0, 7]);
  });

  it.each([
    ["killed before the driver could see it: what was about to be given back is out", false, WRAP, [4, 6, 7]],
    ["killed right behind that: it was given back", true, WRAP + 2, [6]],
  ])("%s", (_name, seen, used, out) => {
    const { begin, recover } = shared();
    const region = begin();
    take(region, 4, 6, 7);
    region.give(7);
    region.give(4);
    region.publishing(WRAP + 2);
    const left = recover(seen);
    expect(left?.used).toBe(used);
    expect(left?.chains.map(({ bufferId }) => bufferId)).toEqual(out);
    // As often as it is killed while it starts.
    expect(recover(!seen)?.chains.map(({ bufferId }) => bufferId)).toEqual(out);
  });

  it("a batch that goes round the ring to where it was is told from none", () => {
    const { begin, recover } = shared();
    const region = begin();
    const all = [0, 1, 2, 3, 4, 5, 6, 7];
    take(region, ...all);
    for (const bufferId of all) region.give(bufferId);
    region.publishing(0);
    expect(recover(true)).toEqual({ used: 0, chains: [] });
  });

  it("chains that are taken while others wait to be published", () => {
    const { begin, recover } = shared();
    const region = begin();
    take(region, 1, 2);
    region.give(1);
    take(region, 3);
    expect(recover()?.chains.map(({ bufferId }) => bufferId)).toEqual([1, 2, 3]);
    region.publishing(WRAP + 1);
    region.published();
    take(region, 1, 4);
    expect(recover()?.chains.map(({ bufferId }) => bufferId)).toEqual([2, 3, 1, 4]);
  });

  it("a driver that gives more than the ring has is not followed", () => {
    const { begin, recover } = shared();
    const region = begin();
    region.take(1, chain(1, 5), 5);
    region.take(2, chain(2, 4), 4);
    region.take(SIZE, chain(3), 1);
    giveBack(region, WRAP, 2);
    expect(recover()?.chains.map(({ bufferId }) => bufferId)).toEqual([1]);
  });

  it.each<[string, (view: DataView) => void]>([
    ["another version", (view) => view.setUint16(8, 2, true)],
    ["another size", (view) => view.setUint16(10, 16, true)],
    ["a position that the ring does not have", (view) => view.setUint16(18, SIZE, true)],
    ["a free list in a circle", (view) => view.setUint16(32 + 32 * 7 + 2, 3, true)],
    ["a free list that ends early", (view) => view.setUint16(32 + 32 * 4 + 2, 0xffff, true)],
    ["a free list with what is in flight", (view) => view.setUint16(14, 0, true)],
    ["a chain of no descriptors", (view) => view.setUint16(32 + 6, 0, true)],
    ["a chain that runs into another", (view) => view.setUint16(32 + 6, 3, true)],
    ["a buffer id that there cannot be", (view) => view.setUint16(32 + 16, SIZE, true)],
    ["a buffer id twice", (view) => view.setUint16(32 + 16, 2, true)],
  ])("spoilt by others, it is none: %s", (_name, spoil) => {
    const { view, begin, recover } = shared();
    take(begin(), 1, 2);
    spoil(view);
    const left = recover();
    // With the free list at the first entry nothing is in flight, which makes sense too.
    if (_name === "a free list with what is in flight") expect(left?.chains).toEqual([]);
    else expect(left).toBeNull();
  });

  it("whatever others write, it ends", () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed % below;
    };
    for (let round = 0; round < 2000; round++) {
      const { view, begin, next } = shared();
      take(begin(), 1, 2, 3);
      for (let i = 0; i < 4; i++) view.setUint8(12 + random(packedRegionBytes(SIZE) - 12), random(16));
      const region = next();
      const left = region.recover(() => random(2) === 0);
      if (left === null) continue;
      const ids = left.chains.map(({ bufferId }) => bufferId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const id of ids) expect(id).toBeLessThan(SIZE);
      giveBack(region, WRAP, ...ids);
      take(region, 0, 1, 2, 3, 4, 5, 6, 7);
      expect(next().recover(() => true)?.chains.length).toBe(8);
    }
  });
});
