import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type DeviceQueue,
  QUEUE_EMPTY,
  QUEUE_REFUSED,
  QUEUE_STOPPED,
  type QueueState,
  QueueStateError,
} from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { QueueBench } from "./support/queue-bench.ts";

const SIZE = 8;

/** A queue with chains that were taken, used, used out of order, and with IN_ORDER done before their turn. */
function makeBusy(format: QueueState["format"], inOrder: boolean): QueueBench | PackedBench {
  if (format === "packed") {
    const bench = new PackedBench({ size: SIZE, inOrder, dataBytes: 4096 });
    for (const [id, count] of [
      [5, 1],
      [2, 3],
      [7, 1],
      [0, 2],
    ] as const) {
      bench.offer(id, count);
    }
    return bench;
  }
  const bench = new QueueBench({ size: SIZE, inOrder, dataBytes: 4096 });
  for (let i = 0; i < SIZE; i++) bench.ring.desc(i, { addr: bench.data + 16 * i, len: 4 });
  bench.ring.offer(5, 2, 7, 0);
  return bench;
}

function popAll(bench: QueueBench | PackedBench): number[] {
  const heads: number[] = [];
  for (let left = 2 * SIZE; left > 0; left--) {
    const head = bench.popReadable();
    if (head === QUEUE_EMPTY || head === QUEUE_STOPPED) break;
    if (head !== QUEUE_REFUSED) heads.push(head);
  }
  return heads;
}

/** A busy queue's state: 5 was given back, 2, 7 and 0 are out, 7 done in order. */
function busyState(format: QueueState["format"], inOrder: boolean) {
  const bench = makeBusy(format, inOrder);
  expect(popAll(bench)).toEqual([5, 2, 7, 0]);
  bench.queue.addUsed(5, 0);
  if (inOrder) bench.queue.addUsed(7, 9);
  return { bench, queue: bench.queue as DeviceQueue, state: bench.queue.save() };
}

const KINDS = (["split", "packed"] as const).flatMap((format) => [false, true].map((inOrder) => ({ format, inOrder })));

describe.each(KINDS)("the state of a queue, $format, IN_ORDER $inOrder", ({ format, inOrder }) => {
  it("is plain numbers, and saving it changes nothing", () => {
    const { queue, state } = busyState(format, inOrder);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    expect(queue.save()).toEqual(state);
    expect(state.chains.map(({ head, doneBytes }) => [head, doneBytes])).toEqual([
      [2, -1],
      [7, inOrder ? 9 : -1],
      [0, -1],
    ]);
  });

  it("has chains that were out taken again, in order, before new ones, and those that are done not", () => {
    const { bench, queue, state } = busyState(format, inOrder);
    const again = inOrder ? [2, 0] : [2, 7, 0];
    queue.restore(state);
    expect(queue.available()).toBe(again.length);
    expect(queue.enableNotify()).toBe(true);
    if (bench instanceof PackedBench) bench.offer(4);
    else bench.ring.offer(4);
    expect(popAll(bench)).toEqual([...again, 4]);
    for (const head of [...again, 4]) queue.addUsed(head, 0);
    queue.publish();
    const heads =
      bench instanceof PackedBench
        ? [1, 3, 1, 2, 1].map((slots) => bench.ring.takeUsed(slots)?.id)
        : bench.usedSince(0).map(([head]) => head);
    expect(heads).toEqual([5, 2, 7, 0, 4]);
  });

  it("of a queue that was not started, or stopped, is restored as that", () => {
    const bench = makeBusy(format, inOrder);
    bench.queue.reset();
    const fresh = bench.queue.save();
    expect([fresh.layout, fresh.chains]).toEqual([null, []]);
    bench.queue.start(bench.layout);
    if (bench instanceof PackedBench) bench.ring.setId(0, 99);
    else bench.ring.setAvailEntry(0, 99);
    expect(bench.popReadable()).toBe(QUEUE_STOPPED);
    const stopped = bench.queue.save();
    expect(stopped.error).toBe("headOutOfRange");
    bench.queue.restore(fresh);
    expect([bench.queue.ready, bench.queue.error, bench.popReadable()]).toEqual([false, null, QUEUE_EMPTY]);
    bench.queue.restore(stopped);
    expect([bench.queue.ready, bench.queue.begin(), bench.popReadable()]).toEqual([true, false, QUEUE_STOPPED]);
  });

  it("that no queue can have is refused with the field's name, and nothing changes", () => {
    const { queue, state } = busyState(format, inOrder);
    const [first] = state.chains;
    if (first === undefined) throw new Error("no chain is out");
    const layout = state.layout ?? { descTable: 0, availRing: 0, usedRing: 0 };
    const crafted: readonly (readonly [string, unknown])[] = [
      ["state", null],
      ["format", { ...state, format: "round" }],
      ["size", { ...state, size: 16 }],
      ["avail", { ...state, avail: 0x10000 }],
      ["used", { ...state, used: -1 }],
      ["unsignalled", { ...state, unsignalled: 0.5 }],
      ["error", { ...state, error: "tired" }],
      ["layout", { ...state, layout: 7 }],
      ["layout.descTable", { ...state, layout: { ...layout, descTable: "0" } }],
      ["layout", { ...state, layout: { ...layout, descTable: 2 ** 40 } }],
      ["layout", { ...state, layout: { ...layout, usedRing: layout.usedRing + 2 } }],
      ["chains", { ...state, layout: null }],
      ["chains", { ...state, chains: {} }],
      ["chains", { ...state, chains: new Array(9).fill(first) }],
      ["chains[0]", { ...state, chains: [null] }],
      ["chains[0].head", { ...state, chains: [{ ...first, head: SIZE }] }],
      ["chains[1].head", { ...state, chains: [first, first] }],
      ["chains[0].doneBytes", { ...state, chains: [{ ...first, doneBytes: -2 }] }],
      ["chains[0].descriptors", { ...state, chains: [{ ...first, descriptors: null }] }],
      ["chains[0].descriptors", { ...state, chains: [{ ...first, descriptors: [2 ** 32] }] }],
      ["chains", { ...state, chains: [{ ...first, descriptors: [1, 2, 3] }] }],
      ["chains", { ...state, used: state.avail }],
    ];
    for (const [name, value] of crafted) {
      const attempt = (): void => queue.restore(value as QueueState);
      expect(attempt, name).toThrow(QueueStateError);
      expect(attempt).toThrow(name);
      expect(queue.save()).toEqual(state);
    }
    if (inOrder) return;
    expect(() => queue.restore({ ...state, chains: [{ ...first, doneBytes: 4 }] })).toThrow("IN_ORDER");
  });

  it("whatever it is, is refused, or is one that harms nobody", () => {
    const edge = fc.constantFrom(0, 1, 7, 8, 0x7fff, 0x8000, 0x8001, 0x8008, 0xffff, 0xffff_ffff);
    const chain = fc.record({
      head: fc.nat(SIZE),
      doneBytes: fc.oneof(fc.constant(-1), edge),
      descriptors: fc.array(edge, { maxLength: 12 }).map((words) => (format === "packed" ? words : [])),
    });
    const crafted = fc.record(
      { avail: edge, used: edge, unsignalled: edge, chains: fc.array(chain, { maxLength: 4 }) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(crafted, (change) => {
        const { bench, queue, state } = busyState(format, inOrder);
        const before = bench.region.bytes.slice(bench.data);
        try {
          queue.restore({ ...state, ...change });
        } catch (error) {
          expect(error).toBeInstanceOf(QueueStateError);
          expect(queue.save()).toEqual(state);
          return;
        }
        for (const head of popAll(bench)) queue.addUsed(head, 4);
        queue.publish();
        queue.needsInterrupt();
        queue.enableNotify();
        popAll(bench);
        expect(firstDifference(bench.region.bytes.subarray(bench.data), before)).toBe(-1);
      }),
      { numRuns: 300 },
    );
  });
});
