import {
  type DeviceQueue,
  PackedQueue,
  QUEUE_EMPTY,
  QueueCounters,
  type QueueState,
  type RangeList,
  SplitQueue,
} from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import {
  allocatePackedRing,
  allocateRing,
  GuestMachine,
  type GuestRing,
  PackedRing,
  randomBelow,
  SplitRing,
  seededRandom,
} from "../src/index.ts";

type Format = "split" | "packed";

/** A list of the ranges that a queue hands out. */
class Ranges implements RangeList {
  rangeCount = 0;
  totalBytes = 0;
  readonly all: string[] = [];

  clear(): void {
    this.rangeCount = 0;
    this.totalBytes = 0;
  }

  push(_bytes: Uint8Array, _offset: number, lengthBytes: number, gpa: number): void {
    this.all[this.rangeCount++] = `${gpa}+${lengthBytes}`;
    this.totalBytes += lengthBytes;
  }
}

interface Chain {
  readonly parts: readonly string[];
  readonly room: number;
  readonly writable: boolean;
}

/** A driver and a device that do as they like, and sleep when the other has nothing for them. */
class Pair {
  readonly ring: GuestRing;
  queue: DeviceQueue;
  readonly counters = new QueueCounters();
  readonly #makeQueue: () => DeviceQueue;
  readonly #random: () => number;
  readonly #inOrder: boolean;
  readonly #indirect: boolean;
  /** By name: chains that the driver gave away. */
  readonly #out = new Map<number, Chain>();
  /** Names in the order in which they were made available, and those that the device has. */
  readonly #expected: number[] = [];
  readonly #made: number[] = [];
  readonly #taken: number[] = [];
  /** What the device said of chains, in the order of use. */
  readonly #used: [name: number, length: number][] = [];
  #deviceSleeps = false;
  #driverSleeps = false;
  #unpublished = false;
  moved = 0;

  constructor(
    format: Format,
    size: number,
    seed: number,
    features: { eventIdx: boolean; indirect: boolean; inOrder: boolean },
  ) {
    const { ram } = new GuestMachine({ memoryBytes: 8 << 20 });
    const options = { ...features, indirectEntries: features.indirect ? 6 : 0 };
    this.ring =
      format === "packed"
        ? new PackedRing(ram, allocatePackedRing(ram, size), options)
        : new SplitRing(ram, allocateRing(ram, size, false), options);
    this.#makeQueue = () => {
      const { counters } = this;
      const queue =
        format === "packed" ? new PackedQueue(ram.memory, size, counters) : new SplitQueue(ram.memory, size, counters);
      queue.features = features;
      return queue;
    };
    this.queue = this.#makeQueue();
    this.queue.start(this.ring.layout);
    this.#random = seededRandom(seed);
    this.#inOrder = features.inOrder;
    this.#indirect = features.indirect;
  }

  step(): void {
    const choice = randomBelow(this.#random, 8);
    if (choice < 3) this.#add();
    else if (choice === 3) this.#publish();
    else if (choice === 4) this.#take();
    else if (choice < 7) this.#use();
    else if (this.#random() < 0.9) this.#reap();
    else this.#saveAndRestore();
  }

  /** Both go on until nothing is left. */
  finish(): void {
    this.#publish();
    while (this.#made.length > 0 || this.#taken.length > 0 || this.#out.size > 0) {
      if (this.#made.length > 0) this.#take();
      while (this.#taken.length > 0) this.#use();
      this.#show();
      this.#reap();
    }
    expect([this.ring.outCount, this.ring.freeCount, this.ring.popUsed()]).toEqual([0, this.ring.size, -1]);
  }

  /** Another queue goes on: it has to take again what was out. */
  #saveAndRestore(): void {
    const state = JSON.parse(JSON.stringify(this.queue.save())) as QueueState;
    this.queue.reset();
    this.queue = this.#makeQueue();
    this.queue.restore(state);
    expect(this.queue.save()).toEqual(state);
    this.#made.unshift(...this.#taken.splice(0));
    this.#deviceSleeps = false;
    // An interrupt that was owed is owed still.
    if (this.queue.needsInterrupt()) this.#driverSleeps = false;
    else if (this.#driverSleeps && this.ring.usedCount() > 0) expect.fail("an interrupt was lost");
  }

  #add(): void {
    const count = 1 + randomBelow(this.#random, Math.min(4, this.ring.size));
    const table = this.#indirect && this.#random() < 0.4;
    if (this.ring.freeCount < (table ? 1 : count)) return;
    const writable = this.#random() < 0.5;
    const parts: string[] = [];
    let room = 0;
    this.ring.begin();
    if (table) this.ring.indirect();
    for (let i = 0; i < count; i++) {
      const gpa = 4096 + randomBelow(this.#random, 1 << 20);
      const length = 1 + randomBelow(this.#random, 2000);
      if (writable) this.ring.writable(gpa, length);
      else this.ring.readable(gpa, length);
      parts.push(`${gpa}+${length}`);
      if (writable) room += length;
    }
    const name = this.ring.end();
    expect(this.#out.has(name)).toBe(false);
    this.#out.set(name, { parts, room, writable });
    this.#expected.push(name);
    this.#unpublished = true;
  }

  #publish(): void {
    if (!this.#unpublished) return;
    this.#unpublished = false;
    this.ring.publish();
    this.#made.push(...this.#expected.splice(0));
    if (this.ring.kickNeeded()) this.#deviceSleeps = false;
    else if (this.#deviceSleeps) expect.fail("the device sleeps, and the driver sees no need to wake it");
  }

  #take(): void {
    if (this.#deviceSleeps) return;
    const { queue } = this;
    queue.begin();
    queue.disableNotify();
    const head = new Ranges();
    const body = new Ranges();
    for (let left = 1 + randomBelow(this.#random, queue.size); left > 0; left--) {
      const name = this.#made[0];
      const chain = name === undefined ? undefined : this.#out.get(name);
      body.clear();
      const got = queue.pop(chain?.writable ?? false, 0, head, body);
      if (name === undefined || chain === undefined) {
        expect(got).toBe(QUEUE_EMPTY);
        break;
      }
      expect(got).toBe(name);
      expect(body.all.slice(0, body.rangeCount)).toEqual(chain.parts);
      this.#made.shift();
      this.#taken.push(name);
    }
    if (!queue.enableNotify()) {
      expect(this.#made.length).toBe(0);
      this.#deviceSleeps = true;
    }
  }

  #use(): void {
    const at = randomBelow(this.#random, this.#taken.length + 1);
    const name = this.#taken[at];
    const chain = name === undefined ? undefined : this.#out.get(name);
    this.queue.begin();
    if (name !== undefined && chain !== undefined) {
      const head = new Ranges();
      const body = new Ranges();
      expect(this.queue.walk(name, chain.writable, 0, head, body)).toBe(true);
      expect(body.all.slice(0, body.rangeCount)).toEqual(chain.parts);
      const length = randomBelow(this.#random, chain.room + 1);
      this.queue.addUsed(name, length);
      this.#used.push([name, length]);
      this.#taken.splice(at, 1);
    }
    if (this.#random() < 0.5) this.#show();
  }

  #show(): void {
    this.queue.publish();
    if (this.queue.needsInterrupt()) this.#driverSleeps = false;
    else if (this.#driverSleeps && this.ring.usedCount() > 0) expect.fail("the driver sleeps, and no interrupt comes");
  }

  #reap(): void {
    if (this.#driverSleeps) return;
    this.ring.disableInterrupts();
    do {
      for (let name = this.ring.popUsed(); name >= 0; name = this.ring.popUsed()) {
        const index = this.#inOrder ? this.#used.findIndex(([used]) => used === name) : 0;
        expect([name, this.ring.usedLength]).toEqual(this.#used[index]);
        this.#used.splice(index, 1);
        this.#out.delete(name);
        this.moved++;
      }
    } while (this.ring.enableInterrupts());
    this.#driverSleeps = true;
  }
}

const FEATURES = [false, true].flatMap((eventIdx) =>
  [false, true].flatMap((indirect) => [false, true].map((inOrder) => ({ eventIdx, indirect, inOrder }))),
);

describe.each(["split", "packed"] as const)("a %s ring and its queue, each with a will of its own", (format) => {
  it.each(FEATURES)("move every chain, and nobody sleeps too long: %o", (features) => {
    const sizes = format === "packed" ? [1, 2, 3, 5, 7, 16, 100] : [1, 2, 4, 8, 16, 128];
    for (const [i, size] of sizes.entries()) {
      for (let seed = 1; seed <= 3; seed++) {
        const pair = new Pair(format, size, 100 * i + seed, features);
        for (let step = 0; step < 600; step++) pair.step();
        pair.finish();
        expect(pair.moved).toBeGreaterThan(8);
        expect([pair.queue.error, pair.counters.chains]).toEqual([null, pair.moved]);
      }
    }
  });
});
