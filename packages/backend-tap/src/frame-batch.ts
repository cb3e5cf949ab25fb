import type { Frame } from "@vmmkit/ethif";
import { IoOp, type IoRing, IoVector } from "@vmmkit/posix";
import { VnetHeader } from "./vnet-header.ts";

/**
 * Frames that one system call reads or writes, each in the memory where it lies and with its header before it: where
 * frames are short, entering the kernel is most of their cost.
 */
export class FrameBatch {
  /** Per frame of the last `run`: the bytes read or written, or minus the number of the error. */
  readonly results: Int32Array;
  readonly #ring: IoRing;
  readonly #vector: IoVector = new IoVector();
  readonly #headers: readonly VnetHeader[];
  #count = 0;

  /** @param headerBytes of the header before each frame */
  constructor(ring: IoRing, headerBytes: number) {
    this.#ring = ring;
    this.results = new Int32Array(ring.capacity);
    this.#headers = headerBytes === 0 ? [] : Array.from(this.results, () => new VnetHeader(headerBytes));
  }

  /** How many frames fit at most. */
  get capacity(): number {
    return this.results.length;
  }

  /**
   * Adds a frame to be written.
   * @param linked the one behind it is written only if this one is: otherwise it gets ECANCELED
   * @returns false where it does not fit, or lies in more pieces than a list takes
   */
  addWrite(fd: number, frame: Frame, linked: boolean): boolean {
    this.#headers[this.#count]?.put(frame);
    return this.#add(fd, frame, IoOp.Write, IoOp.Writev, linked);
  }

  /** Adds room to read a frame into. False as for `addWrite`. */
  addRead(fd: number, room: Frame): boolean {
    return this.#add(fd, room, IoOp.Read, IoOp.Readv, false);
  }

  /** Reads and writes what was added. Answers how many that were. */
  run(): number {
    const count = this.#count;
    if (count > 0) this.#ring.run(this.results);
    this.#count = 0;
    this.#vector.clear();
    return count;
  }

  /** Gives the header that was read before frame number `index` to its room. */
  takeHeader(index: number, room: Frame): void {
    this.#headers[index]?.take(room);
  }

  /** Lets go of the guest's memory. */
  release(): void {
    this.#vector.release();
  }

  #add(fd: number, frame: Frame, plain: IoOp, vectored: IoOp, linked: boolean): boolean {
    const vector = this.#vector;
    const first = vector.count;
    const header = this.#headers[this.#count];
    if (header !== undefined && !vector.pushAddress(header.address, header.sizeBytes)) return false;
    if (!vector.pushRanges(frame)) return false;
    const count = vector.count - first;
    const added =
      count === 1
        ? this.#ring.push(plain, fd, vector.rangeAddress(first), frame.totalBytes, linked)
        : this.#ring.push(vectored, fd, vector.entryAddress(first), count, linked);
    if (added) this.#count++;
    return added;
  }
}
