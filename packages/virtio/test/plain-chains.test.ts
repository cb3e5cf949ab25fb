import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PlainChains, QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { QueueBench } from "./support/queue-bench.ts";
import type { RangeLog } from "./support/range-log.ts";

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

type Way = "pop" | "takeAhead" | "useAhead" | "runs";

/**
 * What a device sees: chain by chain, its name and its ranges. Where `lookAhead` found chains, they are taken from
 * there; with "useAhead" those that go back at once are used in runs, with "runs" all are taken and given back in runs.
 */
function run(bench: Bench, { back }: Scene, writable: boolean, way: Way) {
  const { queue, head, body } = bench;
  const { ahead } = queue;
  let next = 0;
  const seen: object[] = [];
  let plainCount = 0;
  queue.begin();
  for (let i = 0; i < POPS; i++) {
    head.clear();
    body.clear();
    let name = QUEUE_EMPTY;
    let used = false;
    if (way !== "pop") {
      if (next >= ahead.count) {
        next = 0;
        const found = queue.lookAhead(writable, HEAD_BYTES, 1 + (i % 5));
        expect(found === QUEUE_EMPTY ? 0 : found).toBe(ahead.count);
      }
      if (next < ahead.count) {
        push(head, ahead, ahead.words[4 * next + 1], HEAD_BYTES);
        push(body, ahead, ahead.words[4 * next + 2], ahead.words[4 * next + 3]);
        if (way === "useAhead" && back[i] && !writable) {
          name = (ahead.words[4 * next] ?? 0) & 0xffff;
          if (queue.useAhead(next++, 1) === 0) name = QUEUE_EMPTY;
          used = true;
        } else if (way === "runs") {
          name = (ahead.words[4 * next] ?? 0) & 0xffff;
          queue.takeRun(next++, 1);
        } else name = queue.takeAhead(next++);
        if (name >= 0) plainCount++;
        else {
          expect([name, ahead.count]).toEqual([QUEUE_EMPTY, 0]);
          body.clear();
        }
      }
    }
    if (name < 0) {
      used = false;
      name = queue.pop(writable, HEAD_BYTES, head, body);
    }
    // What a chain that was refused leaves in `head` is nobody's.
    const taken = name >= 0;
    seen.push({
      name,
      head: taken ? head.ranges : [],
      ranges: taken ? [head.hostAddresses, body.hostAddresses] : [],
      body: body.ranges,
    });
    if (name === QUEUE_EMPTY || name === QUEUE_STOPPED) break;
    const lengthBytes = writable ? 64 : 0;
    if (name === QUEUE_REFUSED || !back[i] || used) continue;
    if (way === "runs") queue.useRun(Int32Array.of(name, lengthBytes), 1);
    else queue.addUsed(name, lengthBytes);
  }
  queue.publish();
  const { counters, stops } = bench;
  return { seen, counters: { ...counters }, stops, error: queue.error, bytes: shown(bench), plainCount };
}

/**
 * What the guest sees of its memory: a split queue writes used elements ahead of the ring's `idx`, and they are nothing
 * before that has passed them. In a scene it does not pass the end of the ring.
 */
function shown(bench: Bench): Uint8Array {
  const { region, layout } = bench;
  if (bench instanceof PackedBench) return region.bytes;
  const idx = region.u16[layout.usedRing / 2 + 1] ?? 0;
  return region.bytes.fill(0, layout.usedRing + 4 + 8 * idx, layout.usedRing + 4 + 8 * SIZE);
}

/** Adds what lies at a place in the window of `ahead`. */
function push(list: RangeLog, ahead: PlainChains, at = -1, length = 0): void {
  const { bytes, region } = ahead;
  const offset = ahead.offset + at;
  const hostAddress = region?.hostAddress ?? 0;
  list.push(bytes, offset, length, (region?.gpa ?? 0) + offset, hostAddress === 0 ? 0 : hostAddress + offset);
}

describe.each([
  ["split", (options: object): Bench => new QueueBench({ ...options, size: SIZE, hostAddress: 0x1000 })],
  ["packed", (options: object): Bench => new PackedBench({ ...options, size: SIZE })],
] as const)("chains that were looked at ahead, %s", (_, make) => {
  it.each([
    ["readable, taken one by one", false, "takeAhead"],
    ["readable, used at once", false, "useAhead"],
    ["writable, taken one by one", true, "takeAhead"],
    ["writable, taken and given back in runs", true, "runs"],
  ] as const)("are those that pop takes, with the same result: %s", (_name, writable, way) => {
    let plainCount = 0;
    fc.assert(
      fc.property(scene(writable ? 2 : 0), (what) => {
        const options = { indirect: what.indirect, inOrder: what.inOrder };
        const [one, other] = [make(options), make(options)];
        write(one, what);
        write(other, what);
        const { bytes, plainCount: count, ...plain } = run(one, what, writable, way);
        const { bytes: expected, plainCount: none, ...general } = run(other, what, writable, "pop");
        expect(plain).toEqual(general);
        expect(firstDifference(bytes, expected)).toBe(-1);
        expect(none).toBe(0);
        plainCount += count;
      }),
      { numRuns: 1000 },
    );
    expect(plainCount).toBeGreaterThan(100);
  });

  const PLAIN = { gpa: 0x4000, length: 100, flags: 0 };
  const ALL = Array.from({ length: SIZE }, (_word, i) => i);

  /** All descriptors are chains of the usual kind; the first was popped, so that the queue knows the memory. */
  function plain(): Bench {
    const bench = make({});
    const descriptors = ALL.map((word) => ({ ...PLAIN, word }));
    write(bench, { descriptors, heads: ALL, indirect: false, inOrder: false, back: [] });
    expect(bench.queue.pop(false, HEAD_BYTES, bench.head, bench.body)).toBeGreaterThanOrEqual(0);
    return bench;
  }

  it("are none whose head asks for something", () => {
    const bench = plain();
    bench.region.bytes[0x4001] = 1;
    expect(bench.queue.lookAhead(false, HEAD_BYTES, SIZE)).toBe(0);
    bench.region.bytes[0x4001] = 0;
    expect(bench.queue.lookAhead(false, HEAD_BYTES, SIZE)).toBe(SIZE - 1);
  });

  it("are at most as many as were asked for, and are there again where none was taken", () => {
    const { queue, head, body } = plain();
    expect(queue.lookAhead(false, HEAD_BYTES, 3)).toBe(3);
    expect(queue.lookAhead(false, HEAD_BYTES, 5)).toBe(5);
    expect(queue.pop(false, HEAD_BYTES, head, body)).toBe((queue.ahead.words[0] ?? 0) & 0xffff);
    expect(queue.ahead.count).toBe(0);
  });

  it("are out once a run of them is taken, and the guest's once a run of them is given back", () => {
    const { queue, head, body } = plain();
    expect(queue.lookAhead(true, HEAD_BYTES, SIZE)).toBe(0);
    expect(queue.lookAhead(false, HEAD_BYTES, SIZE)).toBe(SIZE - 1);
    const names = ALL.slice(1).map((_, i) => (queue.ahead.words[4 * i] ?? 0) & 0xffff);
    queue.takeRun(0, 2);
    queue.takeRun(2, SIZE - 3);
    expect(queue.save().chains.map((chain) => chain.head)).toEqual([expect.anything(), ...names]);
    expect(queue.pop(false, HEAD_BYTES, head, body)).toBe(QUEUE_EMPTY);
    const [last = 0, ...others] = [...names].reverse();
    queue.useRun(Int32Array.from([last, 0, ...others.flatMap((name) => [name, 0])]), names.length);
    queue.publish();
    expect(queue.save().chains.length).toBe(1);
  });

  it("are forgotten with the queue's reset, and when guest memory changes", () => {
    const { queue, memory, region } = plain();
    expect(queue.lookAhead(false, HEAD_BYTES, SIZE)).toBe(SIZE - 1);
    memory.addRegion({ gpa: region.end + 0x1000, size: 4096, buffer: new ArrayBuffer(4096) });
    expect(queue.begin()).toBe(true);
    expect(queue.ahead.count).toBe(0);
    expect(queue.lookAhead(false, HEAD_BYTES, SIZE)).toBe(0);
    queue.reset();
    expect(queue.lookAhead(false, HEAD_BYTES, SIZE)).toBe(QUEUE_EMPTY);
  });
});
