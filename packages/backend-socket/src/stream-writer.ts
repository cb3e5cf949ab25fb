import type { Frame, RawIfaceCallbacks } from "@vmmkit/ethif";
import { addressOf, Errno, type Fd, IoVector, writev } from "@vmmkit/posix";
import type { Counters, DropCause } from "./counters.ts";
import { FrameQueue } from "./frame-queue.ts";
import { pushFrame } from "./frame-vector.ts";
import { LENGTH_BYTES, MAX_FRAME_BYTES } from "./stream-spec.ts";

/** How many frames go with one system call at most. */
export const GATHERED_FRAMES = 64;

/** How many system calls are made before others have their turn. */
const CALLS_PER_TURN = 64;

/** Why writing ended. */
export const WriteEnd = {
  /** All is written. */
  Done: 0,
  /** The socket takes no more now. */
  Blocked: 1,
  /** There is more, and others have their turn first. */
  Turn: 2,
  /** The connection is over. */
  Over: 3,
} as const;
export type WriteEnd = (typeof WriteEnd)[keyof typeof WriteEnd];

/**
 * Puts frames into a stream, out of the guest's buffers: as many as there are with one system call. Where the socket
 * takes a part of a frame, the rest follows before anything else.
 */
export class StreamWriter {
  readonly #counters: Counters;
  readonly #queue: FrameQueue;
  readonly #vector = new IoVector();
  readonly #lengths = new Uint8Array(new ArrayBuffer(GATHERED_FRAMES * LENGTH_BYTES));
  readonly #lengthsView = new DataView(this.#lengths.buffer);
  readonly #lengthsAddress: number = addressOf(this.#lengths);
  /** Stands in for bytes of a frame that the guest took back after its start was sent. */
  readonly #zeros = new Uint8Array(new ArrayBuffer(MAX_FRAME_BYTES));
  readonly #zerosAddress: number = addressOf(this.#zeros);
  /** Bytes of each gathered frame, its length not counted. */
  readonly #sizes: number[] = new Array<number>(GATHERED_FRAMES).fill(0);
  /** How much of the oldest frame is in the socket, its length included. */
  #sent = 0;
  /** How long the oldest frame was said to be, once a part of it is in the socket. */
  #announced = 0;
  #writing = false;
  /** How often everything was forgotten. */
  #epoch = 0;

  /** @param queueFrames how many frames wait at most */
  constructor(counters: Counters, queueFrames: number) {
    this.#counters = counters;
    this.#queue = new FrameQueue(queueFrames);
  }

  /** How many frames wait. */
  get waiting(): number {
    return this.#queue.count;
  }

  /** Whether no more can wait. */
  get full(): boolean {
    return this.#queue.full;
  }

  /** A frame is to be sent; `write` does it. */
  push(frame: Frame): void {
    this.#queue.push(frame);
  }

  /** Writes what waits. Within itself it does nothing: the outer call goes on. */
  write(fd: Fd, callbacks: RawIfaceCallbacks): WriteEnd {
    if (this.#writing) return WriteEnd.Done;
    this.#writing = true;
    try {
      for (let calls = CALLS_PER_TURN; calls > 0; calls--) {
        const frames = this.#gather(callbacks);
        if (frames === 0 || fd.closed) return WriteEnd.Done;
        const wanted = this.#vector.totalBytes;
        const count = writev(fd.number, this.#vector);
        if (count === -Errno.EINTR) continue;
        if (count === -Errno.EAGAIN) return WriteEnd.Blocked;
        if (count < 0) return WriteEnd.Over;
        this.#advance(count, frames, callbacks);
        if (count < wanted) return WriteEnd.Blocked;
      }
      return WriteEnd.Turn;
    } finally {
      this.#writing = false;
    }
  }

  /** Gives all frames that wait back to the guest. */
  forget(cause: DropCause, callbacks: RawIfaceCallbacks | null): void {
    this.#sent = 0;
    this.#epoch++;
    for (let frame = this.#queue.shift(); frame !== null; frame = this.#queue.shift()) {
      this.#counters.dropped[cause]++;
      callbacks?.txComplete(frame.cookie);
    }
  }

  /** Fills the vector. Answers how many frames are in it. */
  #gather(callbacks: RawIfaceCallbacks): number {
    const vector = this.#vector;
    vector.clear();
    this.#dropEmpty(callbacks);
    let frames = 0;
    while (frames < GATHERED_FRAMES) {
      const frame = this.#queue.at(frames);
      // One that was emptied is dealt with when it is the oldest.
      if (frame === null || (frame.rangeCount === 0 && frames > 0)) break;
      const whole = this.#add(frame, frames);
      if (vector.count > 0) frames++;
      if (!whole) break;
    }
    return frames;
  }

  /** Frames that a reset of the card emptied before any of them was sent are not sent. */
  #dropEmpty(callbacks: RawIfaceCallbacks): void {
    for (let frame = this.#queue.at(0); frame !== null && this.#sent === 0; frame = this.#queue.at(0)) {
      if (this.#readable(frame)) return;
      this.#queue.shift();
      this.#counters.dropped.reset++;
      callbacks.txComplete(frame.cookie);
    }
  }

  /** Whether a frame's bytes are there. */
  #readable(frame: Frame): boolean {
    const last = frame.rangeCount - 1;
    if (last < 0) return false;
    const end = (frame.offset[last] ?? 0) + (frame.length[last] ?? 0);
    return end <= (frame.bytes[last]?.length ?? 0);
  }

  /** Adds a frame, or what is left of it. False where nothing may follow it in this call. */
  #add(frame: Frame, place: number): boolean {
    const vector = this.#vector;
    const sent = place === 0 ? this.#sent : 0;
    const size = sent > 0 ? this.#announced : frame.totalBytes;
    this.#sizes[place] = size;
    if (sent < LENGTH_BYTES) {
      this.#lengthsView.setUint32(place * LENGTH_BYTES, size);
      const start = this.#lengthsAddress + place * LENGTH_BYTES + sent;
      if (!vector.pushAddress(start, LENGTH_BYTES - sent)) return false;
    }
    const from = Math.max(0, sent - LENGTH_BYTES);
    const rest = size - from;
    const added = frame.totalBytes === size ? pushFrame(vector, frame, from, rest) : 0;
    if (added === rest) return true;
    if (vector.count === vector.capacity) return false;
    // Its memory is gone and its length is said already.
    return vector.pushAddress(this.#zerosAddress, rest - added);
  }

  /** So many bytes are in the socket. Frames that are there as a whole are the guest's again. */
  #advance(count: number, frames: number, callbacks: RawIfaceCallbacks): void {
    const epoch = this.#epoch;
    let left = count;
    // A guest that runs meanwhile may close the backend; what waits then, if anything, is for another connection.
    for (let place = 0; place < frames && epoch === this.#epoch; place++) {
      const size = this.#sizes[place] ?? 0;
      const rest = LENGTH_BYTES + size - this.#sent;
      if (left < rest) {
        this.#sent += left;
        this.#announced = size;
        return;
      }
      left -= rest;
      this.#sent = 0;
      const frame = this.#queue.shift();
      if (frame === null) return;
      this.#counters.framesOut++;
      this.#counters.bytesOut += size;
      callbacks.txComplete(frame.cookie);
    }
  }
}
