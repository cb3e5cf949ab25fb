import { IoOp, type IoRing, IoVector } from "@vmmkit/posix";
import type { FrameQueue } from "./frame-queue.ts";
import { IOVEC_BYTES } from "./limits.ts";
import { VnetHeader } from "./vnet-header.ts";

/** Writes many frames with one system call: where frames are short, entering the kernel is most of their cost. */
export class BatchWriter {
  /** Per frame of the last `write`: the bytes written, or minus the number of the error. */
  readonly results: Int32Array;
  readonly #ring: IoRing;
  readonly #vector: IoVector = new IoVector();
  readonly #headers: readonly VnetHeader[];

  /** @param headerBytes of the header before each frame */
  constructor(ring: IoRing, headerBytes: number) {
    this.#ring = ring;
    this.results = new Int32Array(ring.capacity);
    this.#headers = headerBytes === 0 ? [] : Array.from(this.results, () => new VnetHeader(headerBytes));
  }

  /**
   * Writes the oldest frames of a queue, and leaves them in it. One that the kernel does not take stops those behind it
   * (ECANCELED), so none overtakes.
   * @param count how many at most
   * @returns how many were tried: fewer in front of one that is empty, or that has to be put together first
   */
  write(fd: number, frames: FrameQueue, count: number): number {
    const vector = this.#vector;
    const most = Math.min(count, this.results.length);
    vector.clear();
    let filled = 0;
    while (filled < most && this.#add(fd, frames, filled, most)) filled++;
    if (filled > 0) this.#ring.run(this.results);
    return filled;
  }

  /** Lets go of the guest's memory. */
  release(): void {
    this.#vector.release();
  }

  #add(fd: number, frames: FrameQueue, index: number, most: number): boolean {
    const frame = frames.at(index);
    if (frame === null || frame.rangeCount === 0) return false;
    const vector = this.#vector;
    const first = vector.count;
    const header = this.#headers[index];
    if (header !== undefined) {
      header.put(frame);
      if (!vector.pushAddress(header.address, header.sizeBytes)) return false;
    }
    if (!vector.pushRanges(frame)) return false;
    const count = vector.count - first;
    const linked = index + 1 < most;
    return count === 1
      ? this.#ring.push(IoOp.Write, fd, vector.rangeAddress(first), frame.totalBytes, linked)
      : this.#ring.push(IoOp.Writev, fd, vector.address + first * IOVEC_BYTES, count, linked);
  }
}
