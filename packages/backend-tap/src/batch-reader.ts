import { allocateRxBufs, type EthDriver, type Frame } from "@vmmkit/ethif";
import type { IoRing } from "@vmmkit/posix";
import { FrameBatch } from "./frame-batch.ts";

/** How many frames are read at once to begin with. Fewer are not worth it. */
const LEAST = 4;
/** So many frames in a row, read one by one, say that more are to come. */
const ROW = 4;

/**
 * Reads many frames with one system call, and knows how many are worth asking for: room that finds no frame has to be had
 * and given back.
 */
export class BatchReader {
  readonly #batch: FrameBatch;
  /** Rooms to read into are its first. It does not get shorter: an array that is emptied gives its memory back. */
  readonly #rooms: Frame[] = [];
  #roomCount = 0;
  /** Sizes of rooms, all the same. */
  #sizes: number[] = [];
  #ask = 1;
  #row = 0;

  /** @param headerBytes of the header before each frame */
  constructor(ring: IoRing, headerBytes: number) {
    this.#batch = new FrameBatch(ring, headerBytes);
  }

  /** How many rooms there are to read into. Those that are not read into are given back unused. */
  get roomCount(): number {
    return this.#roomCount;
  }

  /** A room to read into, from 0. */
  room(index: number): Frame | undefined {
    return this.#rooms[index];
  }

  /**
   * Asks the card for rooms to read into.
   * @param count how many
   * @param sizeBytes of each
   * @returns false where there is none at all
   */
  takeRooms({ callbacks }: EthDriver, count: number, sizeBytes: number, queue: number): boolean {
    if (this.#sizes.length < count || this.#sizes[0] !== sizeBytes) {
      this.#sizes = new Array<number>(Math.max(count, this.#sizes.length)).fill(sizeBytes);
    }
    this.#roomCount = allocateRxBufs(callbacks, count, this.#rooms, this.#sizes, queue);
    return this.#roomCount > 0;
  }

  /** Per read that was run: the bytes read, or minus the number of the error. */
  get results(): Int32Array {
    return this.#batch.results;
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
   * Reads frames into the rooms.
   * @returns how many reads were tried: fewer where the rooms are in more pieces than a list takes
   */
  read(fd: number): number {
    for (let i = 0; i < this.#roomCount; i++) {
      const room = this.#rooms[i];
      if (room === undefined || !this.#batch.addRead(fd, room)) break;
    }
    return this.#batch.run();
  }

  /** Gives the header that was read before a frame to its room. */
  takeHeader(index: number, room: Frame): void {
    this.#batch.takeHeader(index, room);
  }

  /** The rooms were dealt with. @param found how many frames there were in them */
  done(found: number): void {
    const tried = this.#roomCount;
    this.#roomCount = 0;
    if (found === tried) this.#ask = Math.min(2 * this.#ask, this.#batch.capacity);
    else if (found < this.#ask / 2) this.#ask >>>= 1;
    if (this.#ask >= LEAST) return;
    this.#ask = 1;
    this.#row = 0;
  }

  /** Lets go of the guest's memory. */
  release(): void {
    this.#batch.release();
  }
}
