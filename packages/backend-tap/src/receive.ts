import { type EthDriver, type Frame, readFrame, writeFrame } from "@vmmkit/ethif";
import { addressOf, Errno, type Fd, type IoRing, IoVector, readv } from "@vmmkit/posix";
import { BatchReader } from "./batch-reader.ts";
import type { TapCounters } from "./counters.ts";
import { FilledRooms } from "./filled-rooms.ts";
import { FrameLength } from "./frame-length.ts";
import { HEADER_BYTES, MAX_FRAME_BYTES } from "./limits.ts";
import { LoneFrames } from "./lone-frames.ts";
import { VnetHeader } from "./vnet-header.ts";

/**
 * So many bytes are given to the guest before more are read: who passes frames on finds most of them in the processor's
 * cache still. That is sixteen of the longest: behind a long copy the code to read and give is cold, and fewer frames
 * share its way back.
 */
const GIVEN_BYTES = 16 * 65_536;

/** What stopped reading. */
export const Stopped = {
  /** Nothing: there may be more, and others have their turn first. */
  Budget: 0,
  /** There are no more frames. */
  Empty: 1,
  /** The guest has no room. `rawPoll` says when it has. */
  NoRoom: 2,
  /** The kernel says that something is wrong. */
  Trouble: 3,
  /** It runs already, and will look again. */
  Nested: 4,
} as const;
export type Stopped = (typeof Stopped)[keyof typeof Stopped];

/**
 * The way from the kernel to the guest, into the buffers that the guest has posted: one `readv` per frame, or one system
 * call for many when they come one upon the other.
 *
 * Room is asked for frames as long as they were lately, and behind it in the vector lies memory of ours: a frame that is
 * longer than expected ends there, is put together, and copied into longer room.
 */
export class Receive {
  readonly #fd: Fd;
  readonly #queue: number;
  readonly #counters: TapCounters;
  readonly #batchFrames: number;
  readonly #vector: IoVector = new IoVector();
  readonly #header: VnetHeader;
  /** What waits to be given to the guest. */
  readonly #filled = new FilledRooms();
  readonly #frameLength = new FrameLength();
  /** Takes the end of frames that are longer than the room, and whole ones that wait for longer room. */
  readonly #stash: Uint8Array = new Uint8Array(new ArrayBuffer(MAX_FRAME_BYTES));
  readonly #stashAddress: number = addressOf(this.#stash);
  /** A frame of so many bytes waits in the stash. Its header is in `#header`. */
  #stashed = 0;
  /** The guest called back in the middle of it. */
  #again = false;
  #busy = false;
  readonly #lone: LoneFrames = new LoneFrames();
  /** Whether what is left in the kernel will be reported. */
  #mayStop = false;
  /** For many frames at once. */
  #reader: BatchReader | null;

  /**
   * @param fd one queue of the interface
   * @param queue its number
   * @param headerBytes of the header before each frame
   * @param ring reads many frames at once. Null: each is read by itself
   */
  constructor(
    fd: Fd,
    queue: number,
    headerBytes: number,
    counters: TapCounters,
    batchFrames: number,
    ring: IoRing | null = null,
  ) {
    this.#reader = ring === null ? null : new BatchReader(ring, headerBytes);
    this.#queue = queue;
    this.#fd = fd;
    this.#counters = counters;
    this.#batchFrames = batchFrames;
    this.#header = new VnetHeader(headerBytes);
  }

  /** The link's MTU, or what may come unfinished, has changed. */
  setLimits(mtu: number, segments: boolean): void {
    this.#frameLength.setLimits(mtu, segments);
  }

  /**
   * Reads frames and gives them to the guest, until there is a reason to stop. Called from within itself (the
   * guest's interrupt led back here) it only notes that, and the outer call looks again.
   * @param open asked before each frame: whether to go on
   * @param ready the kernel says that there are frames, and will say so again while there are
   */
  run(driver: EthDriver, open: () => boolean, ready = false): Stopped {
    this.#again = true;
    if (this.#busy) return Stopped.Nested;
    this.#busy = true;
    this.#mayStop = ready;
    let budget = this.#batchFrames;
    let stopped: Stopped = Stopped.Budget;
    try {
      while (this.#again && budget > 0 && open()) {
        this.#again = false;
        stopped = this.#batch(driver, budget, open);
        budget -= Math.max(1, this.#filled.count);
        this.#filled.give(driver);
      }
    } finally {
      this.#busy = false;
    }
    return this.#again ? Stopped.Budget : stopped;
  }

  /** Throws away the frame that waits. */
  drop(): number {
    const count = this.#stashed > 0 ? 1 : 0;
    this.#stashed = 0;
    return count;
  }

  /** Lets go of the guest's memory. */
  release(): void {
    this.#vector.release();
    this.#reader?.release();
  }

  #batch(driver: EthDriver, budget: number, open: () => boolean): Stopped {
    for (let left = budget; left > 0; ) {
      if (!open()) return Stopped.Empty;
      const count = this.#canReadMany() ? Math.min(this.#reader?.ask ?? 1, left, this.#most()) : 1;
      const stopped = count > 1 ? this.#readMany(driver, count) : this.#readOne(driver);
      if (stopped === Stopped.Empty) this.#lone.looked(budget - left);
      if (stopped !== Stopped.Budget) return stopped;
      if (left === budget && count === 1 && this.#stashed === 0) {
        // The first is not to wait for the look after it, which may find nothing.
        this.#filled.give(driver);
        if (this.#mayStop && this.#lone.guess()) return Stopped.Budget;
      }
      if (this.#filled.bytes >= GIVEN_BYTES) this.#filled.give(driver);
      left -= count;
    }
    return Stopped.Budget;
  }

  /** How many frames may be read at once. */
  #most(): number {
    return Math.max(1, Math.ceil(GIVEN_BYTES / this.#frameLength.expected));
  }

  /** Whether no frame can be longer than its room: there is but one stash. */
  #canReadMany(): boolean {
    return this.#stashed === 0 && this.#frameLength.expected >= this.#frameLength.longest;
  }

  /** Reads a frame, or gives the one in the stash. */
  #readOne(driver: EthDriver): Stopped {
    if (this.#stashed > 0) return this.#deliverStash(driver) ? Stopped.Budget : Stopped.NoRoom;
    const room = this.#room(driver);
    if (room === null) {
      this.#counters.starved++;
      return Stopped.NoRoom;
    }
    const result = this.#read(room);
    const bytes = result - this.#header.sizeBytes;
    this.#reader?.plain(bytes >= HEADER_BYTES);
    if (bytes < HEADER_BYTES) {
      this.#filled.add(room, 0);
      return stoppedBy(result);
    }
    if (bytes <= room.totalBytes) {
      this.#header.take(room);
      this.#take(room, bytes);
    } else this.#keep(driver, room, bytes);
    return Stopped.Budget;
  }

  /** Reads several frames at once. */
  #readMany(driver: EthDriver, count: number): Stopped {
    const reader = this.#reader;
    if (reader === null || !reader.takeRooms(driver, count, this.#frameLength.expected, this.#queue))
      return this.#readOne(driver);
    // Whoever was asked for the rooms may have closed it.
    const tried = this.#fd.closed ? 0 : reader.read(this.#fd.number);
    let stopped: Stopped = this.#fd.closed ? Stopped.Empty : Stopped.Budget;
    let found = 0;
    for (let i = 0; i < reader.roomCount; i++) {
      const room = reader.room(i);
      if (room === undefined) break;
      const result = i < tried ? (reader.results[i] ?? 0) : 0;
      const bytes = result - this.#header.sizeBytes;
      if (bytes >= HEADER_BYTES) {
        reader.takeHeader(i, room);
        this.#take(room, bytes);
        found++;
        continue;
      }
      this.#filled.add(room, 0);
      if (result === -Errno.ENOTSUP) this.#reader = null;
      else if (stopped === Stopped.Budget && i < tried) stopped = stoppedBy(result);
    }
    reader.done(found);
    return stopped;
  }

  /** Room for a frame as long as expected, or whatever room there is. */
  #room(driver: EthDriver): Frame | null {
    const { callbacks } = driver;
    const queue = this.#queue;
    return callbacks.allocateRxBuf(this.#frameLength.expected, queue) ?? callbacks.allocateRxBuf(1, queue);
  }

  #read(room: Frame): number {
    const vector = this.#vector;
    const header = this.#header;
    const roomBytes = room.totalBytes;
    // Whoever was asked for the room may have closed it.
    if (this.#fd.closed) return -Errno.EBADF;
    vector.clear();
    if (header.sizeBytes > 0) vector.pushAddress(header.address, header.sizeBytes);
    if (!vector.pushRanges(room)) return this.#readIntoStash(room);
    if (
      roomBytes < this.#frameLength.longest &&
      !vector.pushAddress(this.#stashAddress + roomBytes, MAX_FRAME_BYTES - roomBytes)
    ) {
      return this.#readIntoStash(room);
    }
    return readv(this.#fd.number, vector);
  }

  /** For room in more pieces than a system call takes. */
  #readIntoStash(room: Frame): number {
    const vector = this.#vector;
    const header = this.#header;
    vector.clear();
    if (header.sizeBytes > 0) vector.pushAddress(header.address, header.sizeBytes);
    vector.pushAddress(this.#stashAddress, MAX_FRAME_BYTES);
    const result = readv(this.#fd.number, vector);
    if (result > header.sizeBytes) writeFrame(room, this.#stash.subarray(0, result - header.sizeBytes));
    return result;
  }

  /** A frame lies in a room. */
  #take(room: Frame, bytes: number): void {
    this.#filled.add(room, bytes);
    this.#counters.framesIn++;
    this.#counters.bytesIn += bytes;
    this.#frameLength.saw(bytes);
  }

  /** A frame is longer than its room: it is put together in the stash, and the room goes back. */
  #keep(driver: EthDriver, room: Frame, bytes: number): void {
    readFrame(room, this.#stash.subarray(0, room.totalBytes));
    this.#stashed = bytes;
    this.#counters.copiedIn++;
    this.#frameLength.saw(bytes);
    this.#filled.add(room, 0);
    // What is out cannot be part of the longer room.
    this.#filled.give(driver);
  }

  /** Gives the frame in the stash to the guest. False where it waits for room. */
  #deliverStash(driver: EthDriver): boolean {
    const bytes = this.#stashed;
    const room = driver.callbacks.allocateRxBuf(bytes, this.#queue);
    if (room !== null) {
      writeFrame(room, this.#stash.subarray(0, bytes));
      this.#header.take(room);
      this.#take(room, bytes);
    } else if (neverFits(driver, this.#queue)) this.#counters.noRoom++;
    else {
      this.#counters.starved++;
      return false;
    }
    this.#stashed = 0;
    return true;
  }
}

/** What a read without a frame means. One that is too short to be a frame is passed over. */
function stoppedBy(result: number): Stopped {
  if (result >= 0) return Stopped.Budget;
  return result === -Errno.EAGAIN ? Stopped.Empty : Stopped.Trouble;
}

/**
 * Whether a frame that found no room is to be given up, because the guest's next buffer is too short for it and the
 * card joins none: it would hold back all that follow. Where the card would join buffers but there are too few, or
 * where there is but one, the guest posts more sooner or later, and the frame waits.
 */
function neverFits({ callbacks }: EthDriver, queue: number): boolean {
  const first = callbacks.allocateRxBuf(1, queue);
  if (first === null) return false;
  const second = callbacks.allocateRxBuf(1, queue);
  const shortBytes = first.totalBytes;
  if (second === null) callbacks.rxComplete(1, [first], [0]);
  else callbacks.rxComplete(2, [first, second], [0, 0]);
  if (second === null) return false;
  const joined = callbacks.allocateRxBuf(shortBytes + 1, queue);
  if (joined === null) return true;
  callbacks.rxComplete(1, [joined], [0]);
  return false;
}
