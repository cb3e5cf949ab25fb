import { expect } from "vitest";
import type { PciEntry } from "../../src/index.ts";

/** Offsets and sizes that no bus carries. */
const IMPOSSIBLE: readonly (readonly [number, number])[] = [
  [0, 3],
  [0, 0],
  [0, 8],
  [0, -1],
  [0, Number.NaN],
  [1, 2],
  [2, 4],
  [0x11, 4],
  [0x3d, 4],
  [254, 4],
  [256, 1],
  [255, 2],
  [-1, 1],
  [-4, 4],
  [0.5, 1],
  [Number.NaN, 4],
  [2 ** 32 + 4, 4],
];

/** Every access of the guest that cannot be reads ones and changes nothing. */
export function expectRefusesImpossible(entry: PciEntry): void {
  const before = dump(entry);
  for (const [offset, size] of IMPOSSIBLE) {
    expect(entry.ioRead(offset, size)).toBe(size === 1 ? 0xff : size === 2 ? 0xffff : 0xffff_ffff);
    entry.ioWrite(offset, size, 0x5a5a_5a5a);
  }
  expect(dump(entry)).toEqual(before);
}

/** All of configuration space, byte by byte. */
export function dump(entry: PciEntry): number[] {
  return Array.from({ length: 256 }, (_, offset) => entry.ioRead(offset, 1));
}
