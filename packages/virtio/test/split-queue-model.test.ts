import type { MemoryRegion } from "@vmmkit/vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHAIN_ERRORS, QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED } from "../src/index.ts";
import { firstDifference } from "./support/bytes.ts";
import {
  anyAction,
  type DeviceAction,
  type GuestAction,
  type Place,
  type QueueAction,
} from "./support/queue-actions.ts";
import { QueueBench } from "./support/queue-bench.ts";
import type { LoggedRange } from "./support/range-log.ts";
import { WRITE } from "./support/raw-ring.ts";
import { type Outcome, ReferenceQueue, splitRanges } from "./support/reference-queue.ts";

const ROM = 0x10_0000;
const HIGH = 2 ** 33;
const PAGE = 4096;

/** A queue and its reference, over the same memory. */
class Pair {
  readonly bench: QueueBench;
  readonly reference: ReferenceQueue;
  readonly #size: number;
  readonly #writable: boolean;
  #high: MemoryRegion | null = null;
  /** The region that the rings are in, while it is there. */
  #rings: MemoryRegion | null;
  /** Heads of the chains that are out. */
  #out: number[] = [];

  /** @param writable the direction of the queue: what most chains point to */
  constructor(size: number, writable: boolean, indirect: boolean, eventIdx: boolean) {
    this.#size = size;
    this.#writable = writable;
    const rom = { gpa: ROM, size: PAGE, buffer: new ArrayBuffer(PAGE), writable: false };
    this.bench = new QueueBench({ size, indirect, eventIdx, dataBytes: PAGE, regions: [rom] });
    const { memory, region, layout, ring } = this.bench;
    this.#rings = region;
    memory.addRegion({ gpa: region.end, size: 64, buffer: new ArrayBuffer(64) });
    // Every descriptor is a sound chain until the guest writes another.
    for (let i = 0; i < size; i++) {
      const sound = { addr: this.#address("data") + BigInt(4 * i), len: 4, flags: writable ? WRITE : 0 };
      ring.desc(i, sound);
      ring.descAt(Number(this.#address("table")) + 16 * i, sound);
      ring.descAt(Number(this.#address("other table")) + 16 * i, sound);
    }
    this.reference = new ReferenceQueue(memory, region.bytes.slice(), size, indirect, eventIdx);
    this.reference.start(layout);
    this.#check();
  }

  run(action: QueueAction): void {
    switch (action.kind) {
      case "pop":
      case "walk":
      case "use":
      case "available":
      case "publish":
      case "interrupt?":
      case "enable":
      case "disable":
        this.#device(action);
        break;
      default:
        this.#guest(action);
        this.reference.shadow.set(this.bench.region.bytes);
    }
    this.#check();
  }

  #device(action: DeviceAction): void {
    const { queue, head, body } = this.bench;
    const { reference } = this;
    const working = queue.begin();
    if (working !== reference.begin()) expect.fail(`begin: ${working}`);
    if (action.kind === "pop") {
      body.clear();
      const got = queue.pop(this.#writable !== action.against, action.headBytes, head, body);
      const expected = reference.pop(this.#writable !== action.against);
      this.#compare(got, expected, action.headBytes);
      if (expected.kind === "chain") this.#out.push(expected.head);
    } else if (action.kind === "available") {
      expect(queue.available()).toBe(reference.available());
    } else if (action.kind === "publish") {
      queue.publish();
      reference.publish();
    } else if (action.kind === "interrupt?") {
      expect(queue.needsInterrupt()).toBe(reference.needsInterrupt());
    } else if (action.kind === "enable") {
      expect(queue.enableNotify()).toBe(reference.enableNotify());
    } else if (action.kind === "disable") {
      if (!working) return;
      queue.disableNotify();
      reference.disableNotify();
    } else {
      const at = action.which % Math.max(1, this.#out.length);
      const chain = this.#out[at];
      if (chain === undefined || !working) return;
      if (action.kind === "use") {
        queue.addUsed(chain, action.length);
        reference.addUsed(chain, action.length);
        this.#out.splice(at, 1);
      } else {
        body.clear();
        const sound = queue.walk(chain, this.#writable !== action.against, action.headBytes, head, body);
        const expected = reference.walk(chain, this.#writable !== action.against);
        this.#compare(sound ? chain : QUEUE_REFUSED, expected, action.headBytes);
        if (!sound) this.#out.splice(at, 1);
      }
    }
  }

  #compare(got: number, expected: Outcome, headBytes: number): void {
    const { head, body } = this.bench;
    const codes = { empty: QUEUE_EMPTY, stopped: QUEUE_STOPPED, refused: QUEUE_REFUSED };
    expect(got).toBe(expected.kind === "chain" ? expected.head : codes[expected.kind]);
    const [inHead, inBody] = splitRanges(expected.kind === "chain" ? expected.ranges : [], headBytes);
    expect(body.ranges).toEqual(inBody);
    expect(body.totalBytes).toBe(bytesOf(inBody));
    if (expected.kind !== "chain") return;
    expect(head.ranges).toEqual(inHead);
    expect(head.totalBytes).toBe(bytesOf(inHead));
  }

  /** Nothing is different, and no byte of memory either. Without matchers unless it has to: it runs very often. */
  #check(): void {
    const { queue, counters, region, stops } = this.bench;
    const { reference } = this;
    const same =
      queue.error === reference.error &&
      counters.chains === reference.chains &&
      counters.stopped === reference.stopped &&
      stops.length === reference.stopped &&
      CHAIN_ERRORS.every((cause) => counters.refused[cause] === (reference.refused[cause] ?? 0)) &&
      reference.visited <= 1025 * this.#size;
    if (!same) expect({ ...counters, error: queue.error, stops }).toEqual(reference);
    const at = firstDifference(region.bytes, reference.shadow);
    if (at >= 0) expect.fail(`memory differs at 0x${at.toString(16)}`);
  }

  #guest(action: GuestAction): void {
    const { ring, memory, region, queue, layout } = this.bench;
    switch (action.kind) {
      case "descriptor": {
        const addr = BigInt.asUintN(64, this.#address(action.place) + BigInt(action.offset));
        const flags = this.#writable ? action.flags ^ WRITE : action.flags;
        const descriptor = { addr, len: action.len, flags, next: action.next };
        if (action.where === "ring") ring.desc(action.index, descriptor);
        else ring.descAt(Number(this.#address(action.where)) + 16 * action.index, descriptor);
        break;
      }
      case "offer":
        ring.offer(...action.heads.slice(0, Math.max(0, this.#size - ((ring.availIdx - ring.usedIdx) & 0xffff))));
        break;
      case "available index":
        ring.availIdx += action.change;
        break;
      case "available entry":
        ring.setAvailEntry(action.index, action.head);
        break;
      case "available flags":
        ring.availFlags = action.value;
        break;
      case "used event":
        ring.usedEvent = action.value;
        break;
      case "scribble":
        region.bytes[layout.usedRing + action.offset] = action.value;
        break;
      case "plug":
        this.#high ??= memory.addRegion({ gpa: HIGH, size: PAGE, buffer: new ArrayBuffer(PAGE) });
        break;
      case "unplug":
        if (this.#high !== null) memory.removeRegion(this.#high);
        this.#high = null;
        break;
      case "lose the rings":
        if (this.#rings !== null) memory.removeRegion(this.#rings);
        this.#rings = null;
        break;
      case "reset":
        queue.reset();
        this.reference.reset();
        this.#out = [];
        break;
      case "start":
        this.#restart();
        break;
    }
  }

  /** A guest that starts over does so with rings that are there, and empty. */
  #restart(): void {
    const { memory, region, queue, layout, ring } = this.bench;
    this.#rings ??= memory.addRegion({ gpa: region.gpa, size: region.size, buffer: region.bytes.buffer });
    ring.availIdx = 0;
    queue.start(layout);
    this.reference.start(layout);
    this.#out = [];
  }

  #address(place: Place): bigint {
    const { data, region } = this.bench;
    const addresses: Record<Place, number> = {
      data: data + 0x400,
      table: data,
      "other table": data + 0x200,
      end: region.end + 60,
      border: region.end - 8,
      rom: ROM,
      high: HIGH,
      rings: 0,
      nowhere: 0xdead_0000,
      "2^53": 2 ** 53,
      "2^64": 2 ** 64,
    };
    return BigInt(addresses[place]);
  }
}

function bytesOf(ranges: readonly LoggedRange[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

describe("whatever a guest does, the queue does what 2.7 says and nothing else", () => {
  it.each([1, 2, 4, 8])("with %i entries", (size) => {
    const actions = fc.array(anyAction(size), { minLength: 1, maxLength: 80, size: "max" });
    fc.assert(
      fc.property(actions, fc.boolean(), fc.boolean(), fc.boolean(), (all, writable, indirect, eventIdx) => {
        const pair = new Pair(size, writable, indirect, eventIdx);
        for (const action of all) pair.run(action);
      }),
      { numRuns: 100 },
    );
  });
});
