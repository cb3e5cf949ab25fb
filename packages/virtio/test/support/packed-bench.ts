import { GuestMemory, type MemoryRegion, type RegionInit } from "@vmmkit/vm";
import { PackedQueue, QueueCounters, type QueueError, type QueueLayout } from "../../src/index.ts";
import { RangeLog } from "./range-log.ts";
import { RawPackedRing } from "./raw-packed-ring.ts";

const PAGE = 4096;

export interface PackedBenchOptions {
  /** Entries. Default 8. */
  readonly size?: number;
  readonly indirect?: boolean;
  readonly eventIdx?: boolean;
  readonly inOrder?: boolean;
  /** Bytes of memory for buffers behind the ring. Default 64 KiB. */
  readonly dataBytes?: number;
  /** More memory. */
  readonly regions?: readonly RegionInit[];
}

/** A packed queue that has been started, with the guest's side of it, over memory of its own. */
export class PackedBench {
  readonly memory: GuestMemory;
  /** The region with the ring, and buffers behind it. */
  readonly region: MemoryRegion;
  readonly layout: QueueLayout;
  readonly ring: RawPackedRing;
  readonly queue: PackedQueue;
  readonly counters = new QueueCounters();
  /** What `onStop` was told. */
  readonly stops: QueueError[] = [];
  readonly head = new RangeLog();
  readonly body = new RangeLog();
  /** Guest physical address of the first byte behind the ring. */
  readonly data: number;

  constructor(options: PackedBenchOptions = {}) {
    const { size = 8, indirect = false, eventIdx = false, inOrder = false, dataBytes = 16 * PAGE } = options;
    // The event suppression structures lie before the ring, away from its end.
    this.layout = { descTable: PAGE, availRing: 64, usedRing: 128 };
    this.data = PAGE * Math.ceil((PAGE + 16 * size) / PAGE);
    const bytes = this.data + dataBytes;
    const buffer = new ArrayBuffer(bytes);
    this.memory = new GuestMemory(options.regions ?? []);
    this.region = this.memory.addRegion({ gpa: 0, size: bytes, buffer });
    this.ring = new RawPackedRing(new DataView(buffer), 0, this.layout, size);
    this.queue = new PackedQueue(this.memory, size, this.counters);
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

  /** Offers a chain of `count` readable buffers of 4 bytes. */
  offer(id: number, count = 1, flags = 0): void {
    this.ring.offer(
      id,
      Array.from({ length: count }, (_, i) => ({ addr: this.data + 16 * i, len: 4, flags })),
    );
  }
}
