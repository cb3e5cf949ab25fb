import { GuestMemory, type MemoryRegion, type RegionInit } from "@vmmkit/vm";
import { legacyLayout, QueueCounters, type QueueError, type QueueLayout, SplitQueue } from "../../src/index.ts";
import { RangeLog } from "./range-log.ts";
import { RawRing } from "./raw-ring.ts";

const PAGE = 4096;

export interface BenchOptions {
  /** Entries. Default 8. */
  readonly size?: number;
  readonly indirect?: boolean;
  readonly eventIdx?: boolean;
  readonly inOrder?: boolean;
  /** Bytes of memory for buffers behind the rings. Default 64 KiB. */
  readonly dataBytes?: number;
  /** Where memory starts. Default 0. */
  readonly gpa?: number;
  /** More memory. */
  readonly regions?: readonly RegionInit[];
  readonly hostAddress?: number;
}

/** A queue that has been started, with the guest's side of it, over memory of its own. */
export class QueueBench {
  readonly memory: GuestMemory;
  /** The region with the rings, and buffers behind them. */
  readonly region: MemoryRegion;
  readonly layout: QueueLayout;
  readonly ring: RawRing;
  readonly queue: SplitQueue;
  readonly counters = new QueueCounters();
  /** What `onStop` was told. */
  readonly stops: QueueError[] = [];
  readonly head = new RangeLog();
  readonly body = new RangeLog();
  /** Guest physical address of the first byte behind the rings. */
  readonly data: number;

  constructor(options: BenchOptions = {}) {
    const { size = 8, indirect = false, eventIdx = false, inOrder = false, dataBytes = 16 * PAGE, gpa = 0 } = options;
    this.layout = legacyLayout(gpa, size);
    this.data = gpa + PAGE * Math.ceil((this.layout.usedRing + 6 + 8 * size - gpa) / PAGE);
    const bytes = this.data + dataBytes - gpa;
    const buffer = new ArrayBuffer(bytes);
    const init: RegionInit = { gpa, size: bytes, buffer, hostAddress: options.hostAddress ?? 0 };
    this.memory = new GuestMemory(options.regions ?? []);
    this.region = this.memory.addRegion(init);
    this.ring = new RawRing(new DataView(buffer), gpa, this.layout, size);
    this.queue = new SplitQueue(this.memory, size, this.counters);
    this.queue.features = { indirect, eventIdx, inOrder };
    this.queue.onStop = (error) => this.stops.push(error);
    this.queue.start(this.layout);
  }

  /** Pops a chain of readable descriptors into fresh lists, `head` taking `headBytes`. */
  popReadable(headBytes = 0): number {
    this.body.clear();
    return this.queue.pop(false, headBytes, this.head, this.body);
  }

  /** Pops a chain of writable descriptors. */
  popWritable(headBytes = 0): number {
    this.body.clear();
    return this.queue.pop(true, headBytes, this.head, this.body);
  }

  /** The used ring from element `from` to what the guest has been shown. */
  usedSince(from: number): [head: number, length: number][] {
    const all: [number, number][] = [];
    for (let i = from; i !== this.ring.usedIdx; i = (i + 1) & 0xffff) all.push(this.ring.used(i));
    return all;
  }
}
