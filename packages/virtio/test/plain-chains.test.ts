import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { QueueBench } from "./support/queue-bench.ts";

const SIZE = 16;
const HEAD_BYTES = 12;
const AVAIL = 1 << 7;
const USED = 1 << 15;
/** More than the chains that there can be. */
const POPS = 2 * SIZE;

interface Descriptor {
  readonly gpa: number;
  readonly length: number;
  readonly flags: number;
  /** Split: the next descriptor. Packed: the buffer id. */
  readonly word: number;
}

interface Scene {
  readonly descriptors: readonly Descriptor[];
  /** Split: heads in the available ring. Packed: as many slots are available as this has entries. */
  readonly heads: readonly number[];
  readonly indirect: boolean;
  readonly inOrder: boolean;
  /** By chain: given back at once, or kept. */
  readonly back: readonly boolean[];
}

type Bench = QueueBench | PackedBench;

/** Mostly what drivers do; sometimes anything. */
const descriptor = (way: number): fc.Arbitrary<Descriptor> =>
  fc.record({
    gpa: fc.oneof(
      { weight: 12, arbitrary: fc.integer({ min: 0, max: 4000 }).map((at) => 0x4000 + at) },
      { weight: 1, arbitrary: fc.constantFrom(0x7fff_fff0, 0xffff_fff8, 2 ** 33, 2 ** 63) },
    ),
    length: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(HEAD_BYTES, 64, 100) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, HEAD_BYTES - 1, HEAD_BYTES + 1, 0x7fff_ffff, 0xffff_ffff) },
    ),
    flags: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(way, way, way | 1) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 7 }) },
    ),
    word: fc.oneof(
      { weight: 50, arbitrary: fc.integer({ min: 0, max: SIZE - 1 }) },
      { weight: 1, arbitrary: fc.constantFrom(SIZE, 0xffff) },
    ),
  });

const scene = (way: number): fc.Arbitrary<Scene> =>
  fc.record({
    descriptors: fc.array(descriptor(way), { minLength: SIZE, maxLength: SIZE }),
    heads: fc.array(
      fc.oneof(
        { weight: 30, arbitrary: fc.integer({ min: 0, max: SIZE - 1 }) },
        { weight: 1, arbitrary: fc.constant(SIZE) },
      ),
      { minLength: SIZE / 2, maxLength: SIZE },
    ),
    indirect: fc.boolean(),
    inOrder: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    back: fc.array(fc.boolean(), { minLength: POPS, maxLength: POPS }),
  });

function write(bench: Bench, { descriptors, heads }: Scene): void {
  const { region, layout } = bench;
  const view = new DataView(region.bytes.buffer);
  // Heads of frames that ask for something, and of frames that do not.
  for (let at = 0x4000; at < 0x5000; at++) if (at % 128 > 100) region.bytes[at] = at & 0xff;
  const packed = bench instanceof PackedBench;
  descriptors.forEach(({ gpa, length, flags, word }, i) => {
    const at = layout.descTable + 16 * i;
    view.setBigUint64(at, BigInt(gpa), true);
    view.setUint32(at + 8, length, true);
    if (packed) {
      // Mostly ids of which none is out.
      view.setUint16(at + 12, word === 0 || word >= SIZE ? word : i, true);
      view.setUint16(at + 14, flags | (i < heads.length ? AVAIL : USED), true);
    } else {
      view.setUint16(at + 12, flags, true);
      view.setUint16(at + 14, word, true);
    }
  });
  if (packed) return;
  heads.forEach((head, i) => {
    view.setUint16(layout.availRing + 4 + 2 * i, head, true);
  });
  view.setUint16(layout.availRing + 2, heads.length, true);
}

/** What a device sees: chain by chain, its name and its ranges. `plain`: `popPlain` is asked first. */
function run(bench: Bench, { back }: Scene, writable: boolean, plain: boolean, withHead: boolean) {
  const { queue, head, body } = bench;
  const seen: object[] = [];
  let plainCount = 0;
  queue.begin();
  for (let i = 0; i < POPS; i++) {
    head.clear();
    body.clear();
    let name = plain ? queue.popPlain(writable, HEAD_BYTES, withHead ? head : null, body) : QUEUE_EMPTY;
    if (name >= 0) plainCount++;
    else {
      expect([name, head.rangeCount, body.rangeCount]).toEqual([QUEUE_EMPTY, 0, 0]);
      name = queue.pop(writable, HEAD_BYTES, head, body);
    }
    // What a chain that was refused leaves in `head` is nobody's.
    const ranges =
      name >= 0 ? [withHead ? head.ranges : [], withHead ? head.hostAddresses : [], body.hostAddresses] : [];
    seen.push({ name, ranges, body: body.ranges, total: body.totalBytes });
    if (name === QUEUE_EMPTY || name === QUEUE_STOPPED) break;
    if (name !== QUEUE_REFUSED && back[i]) queue.addUsed(name, writable ? 64 : 0);
  }
  queue.publish();
  const { counters, stops, region } = bench;
  return { seen, counters: { ...counters }, stops, error: queue.error, bytes: region.bytes, plainCount };
}

describe.each([
  ["split", (options: object): Bench => new QueueBench({ ...options, size: SIZE, hostAddress: 0x1000 })],
  ["packed", (options: object): Bench => new PackedBench({ ...options, size: SIZE })],
] as const)("popPlain before pop, %s", (_, make) => {
  it.each([
    ["readable, head looked at", false, false],
    ["readable, head taken", false, true],
    ["writable, head taken", true, true],
  ] as const)("changes nothing that device or guest sees: %s", (_name, writable, withHead) => {
    let plainCount = 0;
    fc.assert(
      fc.property(scene(writable ? 2 : 0), (what) => {
        const options = { indirect: what.indirect, inOrder: what.inOrder };
        const [one, other] = [make(options), make(options)];
        write(one, what);
        write(other, what);
        const { bytes, plainCount: count, ...plain } = run(one, what, writable, true, withHead);
        const { bytes: expected, plainCount: none, ...general } = run(other, what, writable, false, withHead);
        expect(plain).toEqual(general);
        expect(firstDifference(bytes, expected)).toBe(-1);
        expect(none).toBe(0);
        plainCount += count;
      }),
      { numRuns: 1000 },
    );
    expect(plainCount).toBeGreaterThan(100);
  });

  it("leaves chains whose head asks for something to pop, where the head is only looked at", () => {
    const bench = make({});
    const plain = { gpa: 0x4000, length: 100, flags: 0, word: 0 };
    // The first `pop` finds the memory and looks at the ring.
    const descriptors = Array.from({ length: SIZE }, (_, word) => ({ ...plain, word }));
    const what = { descriptors, heads: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], indirect: false, inOrder: false, back: [] };
    write(bench, what);
    while (bench.queue.popPlain(false, HEAD_BYTES, null, bench.body) < 0) {
      expect(bench.queue.pop(false, HEAD_BYTES, bench.head, bench.body)).toBeGreaterThanOrEqual(0);
    }
    bench.region.bytes[0x4001] = 1;
    bench.body.clear();
    expect(bench.queue.popPlain(false, HEAD_BYTES, null, bench.body)).toBe(QUEUE_EMPTY);
    expect(bench.body.rangeCount).toBe(0);
    expect(bench.queue.pop(false, HEAD_BYTES, bench.head, bench.body)).toBeGreaterThanOrEqual(0);
  });
});
