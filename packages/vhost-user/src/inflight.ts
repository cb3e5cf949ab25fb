import { createMemfd, type Fd, fileBytes, type Mapping, mapMemory } from "@vmmkit/posix";
import { RequestError } from "./errors.ts";
import { InflightRegion, regionBytes } from "./inflight-region.ts";
import { mapHandedOver } from "./map-handed-over.ts";
import { PackedInflightRegion, packedRegionBytes } from "./packed-inflight-region.ts";
import { need, readU64 } from "./payload.ts";

const DESCRIPTION_BYTES = 24;
const PAGE_BYTES = 4096;

/** What the front-end asks for, or hands over. */
interface InflightDescription {
  readonly sizeBytes: number;
  readonly offset: number;
  readonly queues: number;
  readonly queueSize: number;
}

/** GET_INFLIGHT_FD: memory for a record of what is in flight, and the answer that says so. */
export interface InflightMemory {
  readonly answer: Uint8Array;
  /** The front-end keeps it, so that it outlives this back-end. The caller's to close. */
  readonly fd: Fd;
}

/**
 * Makes memory for a record.
 * @param mostQueues how many queues the device has
 * @param isPacked which kind of queues they are
 * @throws RequestError for queues that there cannot be
 */
export function makeInflightMemory(body: DataView, mostQueues: number, isPacked: boolean): InflightMemory {
  const { queues, queueSize } = readDescription(body, mostQueues);
  const sizeBytes = queues * (isPacked ? packedRegionBytes(queueSize) : regionBytes(queueSize));
  const answer = new Uint8Array(DESCRIPTION_BYTES);
  const view = new DataView(answer.buffer);
  view.setUint32(0, sizeBytes, true);
  view.setUint16(16, queues, true);
  view.setUint16(18, queueSize, true);
  return { answer, fd: createMemfd("vhost-user-inflight", sizeBytes) };
}

/** The record of what is in flight, in memory that the front-end keeps: a region for each queue. */
export class InflightArea {
  readonly queueSize: number;
  readonly #mapping: Mapping;
  readonly #queues: number;
  /** Queues whose records were begun or read. From then on the front-end is told where a queue stopped. */
  readonly #known = new Set<number>();

  /**
   * SET_INFLIGHT_FD. Which kind of queues it is about is not known yet with all front-ends.
   * @param fd of the memory. It stays the caller's
   * @throws RequestError where it is not what GET_INFLIGHT_FD would make
   */
  constructor(body: DataView, fd: Fd, mostQueues: number) {
    const { sizeBytes, offset, queues, queueSize } = readDescription(body, mostQueues);
    const needed = queues * regionBytes(queueSize);
    if (sizeBytes < needed || offset % PAGE_BYTES !== 0 || offset + sizeBytes > fileBytes(fd)) {
      throw new RequestError(`${sizeBytes} bytes at ${offset} for what is in flight, where ${needed} are needed`);
    }
    this.#mapping = mapHandedOver(() => mapMemory(fd, sizeBytes, { offset }));
    this.#queues = queues;
    this.queueSize = queueSize;
  }

  /** The region of a split queue; null where it has none, as its size is another or the area is shorter. */
  region(index: number, size: number): InflightRegion | null {
    const at = this.#find(index, size, regionBytes(size));
    return at < 0 ? null : new InflightRegion(this.#mapping.buffer, at, size);
  }

  /** The region of a packed queue; null where it has none. */
  packedRegion(index: number, size: number): PackedInflightRegion | null {
    const at = this.#find(index, size, packedRegionBytes(size));
    return at < 0 ? null : new PackedInflightRegion(this.#mapping.buffer, at, size);
  }

  /** Nothing is in flight. */
  clear(): void {
    new Uint8Array(this.#mapping.buffer).fill(0);
  }

  /** Where a queue's region is; -1 for nowhere. One that was used here before is empty: its queue stopped in good order. */
  #find(index: number, size: number, bytes: number): number {
    const at = index * bytes;
    if (index >= this.#queues || size !== this.queueSize || at + bytes > this.#mapping.sizeBytes) return -1;
    if (this.#known.has(index)) new Uint8Array(this.#mapping.buffer, at, bytes).fill(0);
    this.#known.add(index);
    return at;
  }

  /** The memory is the front-end's alone again. */
  close(): void {
    this.#mapping.unmap();
  }
}

function readDescription(body: DataView, mostQueues: number): InflightDescription {
  // Some front-ends leave the padding at the end out.
  need(body, 20);
  const queues = body.getUint16(16, true);
  const queueSize = body.getUint16(18, true);
  if (queues === 0 || queues > mostQueues || queueSize === 0 || queueSize > 0x8000) {
    throw new RequestError(`${queues} queues of ${queueSize} in flight, where there are ${mostQueues}`);
  }
  return { sizeBytes: readU64(body, 0), offset: readU64(body, 8), queues, queueSize };
}
