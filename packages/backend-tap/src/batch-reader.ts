import type { Frame } from "@vmmkit/ethif";
import { IoOp, type IoRing, IoVector } from "@vmmkit/posix";
import { IOVEC_BYTES } from "./limits.ts";
import { VnetHeader } from "./vnet-header.ts";

/** How many frames are read at once to begin with. Fewer are not worth it. */
const LEAST = 4;
/** So many frames in a row, read one by one, say that more are to come. */
const ROW = 4;

/**
 * Reads many frames with one system call, and knows how many are worth asking for: room that finds no frame has to be had
 * and given back.
 */
export class BatchReader {
  /** The rooms to read into. Those that are not read into are given back unused. */
  readonly rooms: Frame[] = [];
  /** Per read that was run: the bytes read, or minus the number of the error. */
  readonly results: Int32Array;
  readonly #ring: IoRing;
  readonly #vector: IoVector = new IoVector();
  readonly #headers: readonly VnetHeader[];
  #ask = 1;
  #row = 0;

  /** @param headerBytes of the header before each frame */
  constructor(ring: IoRing, headerBytes: number) {
    this.#ring = ring;
    this.results = new Int32Array(ring.capacity);
    this.#headers = headerBytes === 0 ? [] : Array.from(this.results, () => new VnetHeader(headerBytes));
  }

  /** How many frames to ask for; 1 is for a plain call. */
  get ask(): number {
    return this.#ask;
  }

  /** A plain call brought a frame, or found none. */
  plain(found: boolean): void {
    this.#row = found ? this.#row + 1 : 0;
    if (this.#row >= ROW) this.#ask = LEAST;
  }

  /**
   * Reads frames into `rooms`.
   * @returns how many reads were tried: fewer where the rooms are in more pieces than a list takes
   */
  read(fd: number): number {
    this.#vector.clear();
    let count = 0;
    while (count < this.rooms.length && this.#add(fd, count)) count++;
    if (count > 0) this.#ring.run(this.results);
    return count;
  }

  /** Gives the header that was read before a frame to its room. */
  takeHeader(index: number, room: Frame): void {
    this.#headers[index]?.take(room);
  }

  /** The rooms were dealt with. @param found how many frames there were in them */
  done(found: number): void {
    const tried = this.rooms.length;
    this.rooms.length = 0;
    if (found === tried) this.#ask = Math.min(2 * this.#ask, this.results.length);
    else if (found < this.#ask / 2) this.#ask >>>= 1;
    if (this.#ask >= LEAST) return;
    this.#ask = 1;
    this.#row = 0;
  }

  /** Lets go of the guest's memory. */
  release(): void {
    this.#vector.release();
  }

  #add(fd: number, index: number): boolean {
    const room = this.rooms[index];
    if (room === undefined) return false;
    const vector = this.#vector;
    const first = vector.count;
    const header = this.#headers[index];
    if (header !== undefined && !vector.pushAddress(header.address, header.sizeBytes)) return false;
    if (!vector.pushRanges(room)) return false;
    const count = vector.count - first;
    return count === 1
      ? this.#ring.push(IoOp.Read, fd, vector.rangeAddress(first), room.totalBytes, false)
      : this.#ring.push(IoOp.Readv, fd, vector.address + first * IOVEC_BYTES, count, false);
  }
}
