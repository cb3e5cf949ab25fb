import fc from "fast-check";
import { Frame } from "../../src/index.ts";

/** How a frame is cut: per range which of the regions it lies in, the gap before it there, and its length. */
export type Cut = readonly { readonly region: number; readonly gap: number; readonly length: number }[];

const REGIONS = 3;

/** Cuts of every shape: many ranges of one byte, few of hundreds, on both sides of where copying changes its way. */
export const anyCut: fc.Arbitrary<Cut> = fc.array(
  fc.record({
    region: fc.nat(REGIONS - 1),
    gap: fc.nat(3),
    length: fc.oneof(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 20, max: 28 }),
      fc.integer({ min: 1, max: 300 }),
    ),
  }),
  { maxLength: 12 },
);

/** A frame that is cut like that, its ranges nowhere overlapping, in regions whose views do not start at 0. */
export function cutFrame(cut: Cut, fill: (index: number) => number): CutFrame {
  const sizes = new Array<number>(REGIONS).fill(0);
  for (const { region, gap, length } of cut) sizes[region] = (sizes[region] ?? 0) + gap + length;
  let counter = 0;
  const regions = sizes.map((size) => {
    const whole = new Uint8Array(size + 16);
    for (let i = 0; i < whole.length; i++) whole[i] = fill(counter++);
    return whole.subarray(8);
  });
  const used = new Array<number>(REGIONS).fill(0);
  const frame = new Frame();
  for (const { region, gap, length } of cut) {
    const bytes = regions[region];
    if (bytes === undefined) throw new RangeError(`no region ${region}`);
    const offset = (used[region] ?? 0) + gap;
    frame.push(bytes, offset, length, 0x1000 * region + offset);
    used[region] = offset + length;
  }
  return { frame, regions };
}

export interface CutFrame {
  readonly frame: Frame;
  /** All that the ranges lie in. */
  readonly regions: readonly Uint8Array[];
}

/** The bytes of a frame, the slow and obvious way. */
export function flatten(frame: Frame): number[] {
  const all: number[] = [];
  for (let range = 0; range < frame.rangeCount; range++) {
    for (let i = 0; i < (frame.length[range] ?? 0); i++) {
      all.push(frame.bytes[range]?.[(frame.offset[range] ?? 0) + i] ?? -1);
    }
  }
  return all;
}

/** Writes `bytes` over a frame's, the slow and obvious way. */
export function overwrite(frame: Frame, bytes: readonly number[]): void {
  let next = 0;
  for (let range = 0; range < frame.rangeCount; range++) {
    for (let i = 0; i < (frame.length[range] ?? 0) && next < bytes.length; i++) {
      const view = frame.bytes[range];
      if (view !== undefined) view[(frame.offset[range] ?? 0) + i] = bytes[next++] ?? 0;
    }
  }
}
