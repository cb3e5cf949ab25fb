import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHAIN_ERRORS, QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import { PackedBench } from "./support/packed-bench.ts";
import { AVAIL, USED } from "./support/raw-packed-ring.ts";
import { INDIRECT, NEXT, type RawDescriptor, WRITE } from "./support/raw-ring.ts";
import { ReferencePackedQueue } from "./support/reference-packed-queue.ts";
import { splitRanges } from "./support/reference-queue.ts";

const ROM = 0x100_0000;

type Action =
  | { readonly kind: "offer"; readonly id: number; readonly parts: readonly RawDescriptor[] }
  | { readonly kind: "slot"; readonly slot: number; readonly id: number; readonly flags: number }
  | { readonly kind: "table"; readonly at: number; readonly part: RawDescriptor }
  | { readonly kind: "event"; readonly flags: number; readonly slot: number; readonly wrap: number }
  | { readonly kind: "pop"; readonly against: boolean; readonly headBytes: number }
  | { readonly kind: "use"; readonly which: number; readonly length: number }
  | { readonly kind: "publish" | "interrupt?" | "enable" | "disable" };

/** Any action on a queue of `size` entries whose buffers are at `data`. */
function anyAction(size: number, data: number, end: number): fc.Arbitrary<Action> {
  const addr = fc.oneof(
    { weight: 8, arbitrary: fc.nat(64).map((offset) => data + offset) },
    { weight: 1, arbitrary: fc.constantFrom(ROM, end - 8, end, 0xdead_0000, 2n ** 32n, 2n ** 53n, 2n ** 64n - 4n) },
  );
  const len = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(0, 1, 16, 32, 64, 100) },
    { weight: 1, arbitrary: fc.constantFrom(0xffff_fff0, 0xffff_ffff, 16 * 1025) },
  );
  const flags = fc.oneof(
    { weight: 10, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.constantFrom(INDIRECT, INDIRECT | WRITE, WRITE) },
  );
  const part = fc.record({ addr, len, flags });
  const id = fc.nat(size);
  const word = fc.constantFrom(0, AVAIL, USED, AVAIL | USED, AVAIL | NEXT, USED | NEXT, 0xffff);
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("offer" as const),
        id: fc.nat(size - 1),
        parts: fc.array(part, { minLength: 1, maxLength: Math.min(3, size) }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("slot" as const), slot: fc.nat(size - 1), id, flags: word }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("table" as const), at: fc.nat(7), part }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("event" as const),
        flags: fc.nat(3),
        slot: fc.nat(size),
        wrap: fc.nat(1),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("pop" as const),
        against: fc.nat(15).map((n) => n === 0),
        headBytes: fc.constantFrom(0, 1, 12, 70),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("use" as const), which: fc.nat(9), length: fc.nat(9) }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("publish", "interrupt?", "enable", "disable") }) },
  );
}

/** A queue and its reference, over the same memory. */
class Pair {
  readonly bench: PackedBench;
  readonly reference: ReferencePackedQueue;
  readonly #writable: boolean;
  readonly #out: number[] = [];

  constructor(size: number, writable: boolean, indirect: boolean, eventIdx: boolean) {
    const rom = { gpa: ROM, size: 4096, buffer: new ArrayBuffer(4096), writable: false };
    this.bench = new PackedBench({ size, indirect, eventIdx, dataBytes: 4096, regions: [rom] });
    const { memory, region, layout } = this.bench;
    this.#writable = writable;
    this.reference = new ReferencePackedQueue(memory, region.bytes.slice(), layout, size, indirect, eventIdx);
  }

  run(action: Action): void {
    const { queue, ring } = this.bench;
    const { reference } = this;
    const turn = this.#writable ? WRITE : 0;
    const turned = (part: RawDescriptor): RawDescriptor => ({ ...part, flags: (part.flags ?? 0) ^ turn });
    queue.begin();
    if (action.kind === "offer") ring.offer(action.id, action.parts.map(turned));
    else if (action.kind === "slot") {
      ring.setFlags(action.slot, action.flags);
      ring.setId(action.slot, action.id);
    } else if (action.kind === "table") ring.table(this.bench.data + 16 * action.at, [turned(action.part)]);
    else if (action.kind === "event") ring.setDriverEvent(action.flags, action.slot, action.wrap);
    else this.#device(action);
    if (["offer", "slot", "table", "event"].includes(action.kind)) reference.shadow.set(this.bench.region.bytes);
    this.#check();
  }

  #device(action: Action): void {
    const { queue, head, body } = this.bench;
    const { reference } = this;
    if (action.kind === "pop") {
      body.clear();
      // The reference first: the queue writes over what it has read.
      const expected = reference.pop(this.#writable !== action.against);
      const got = queue.pop(this.#writable !== action.against, action.headBytes, head, body);
      const codes = { empty: QUEUE_EMPTY, stopped: QUEUE_STOPPED, refused: QUEUE_REFUSED };
      expect(got).toBe(expected.kind === "chain" ? expected.head : codes[expected.kind]);
      const [inHead, inBody] = splitRanges(expected.kind === "chain" ? expected.ranges : [], action.headBytes);
      expect(body.ranges).toEqual(inBody);
      if (expected.kind !== "chain") return;
      expect(head.ranges).toEqual(inHead);
      this.#out.push(expected.head);
    } else if (action.kind === "use") {
      const [id] = this.#out.splice(action.which % Math.max(1, this.#out.length), 1);
      if (id === undefined || queue.error !== null) return;
      queue.addUsed(id, action.length);
      reference.addUsed(id, action.length);
    } else if (action.kind === "publish") {
      queue.publish();
      reference.publish();
    } else if (action.kind === "interrupt?") expect(queue.needsInterrupt()).toBe(reference.needsInterrupt());
    else if (action.kind === "enable") expect(queue.enableNotify()).toBe(reference.enableNotify());
    else if (queue.error === null) {
      queue.disableNotify();
      reference.disableNotify();
    }
  }

  #check(): void {
    const { queue, counters, region } = this.bench;
    const { reference } = this;
    expect([queue.error, counters.chains]).toEqual([reference.error, reference.chains]);
    for (const cause of CHAIN_ERRORS) expect(counters.refused[cause]).toBe(reference.refused[cause] ?? 0);
    const at = firstDifference(region.bytes, reference.shadow);
    if (at >= 0) expect.fail(`memory differs at 0x${at.toString(16)}`);
  }
}

describe("whatever a guest does, the packed queue does what 2.8 says and nothing else", () => {
  it.each([1, 2, 3, 4, 7])("with %i entries", (size) => {
    const { data, region } = new PackedBench({ size, dataBytes: 4096 });
    const actions = fc.array(anyAction(size, data, region.end), { minLength: 1, maxLength: 80, size: "max" });
    fc.assert(
      fc.property(actions, fc.boolean(), fc.boolean(), fc.boolean(), (all, writable, indirect, eventIdx) => {
        const pair = new Pair(size, writable, indirect, eventIdx);
        for (const action of all) pair.run(action);
      }),
      { numRuns: 100 },
    );
  });
});
