import { type Frame, type RawIfaceCallbacks, readFrame, TxResult } from "@vmmkit/ethif";
import { addressOf, Errno, type Fd, IoVector, writev } from "@vmmkit/posix";
import type { Counters, DropCause } from "./counters.ts";
import { FrameQueue } from "./frame-queue.ts";
import { pushFrame } from "./frame-vector.ts";

/** How many frames that waited are sent before others have their turn. */
const FRAMES_PER_TURN = 256;

/** What became of a frame at the socket. */
const Sent = { Yes: 0, Later: 1, Nobody: 2, Lost: 3 } as const;
type Sent = (typeof Sent)[keyof typeof Sent];

/** Puts frames into a socket, a datagram each, out of the guest's buffers. */
export class DatagramWriter {
  readonly #counters: Counters;
  readonly #queue: FrameQueue;
  readonly #vector = new IoVector();
  readonly #refused: () => boolean;
  /** For frames in more pieces than the kernel takes. Made when the first one comes. */
  #joined: Uint8Array | null = null;
  #resuming = false;
  /** The socket takes no more now. */
  blocked = false;

  /**
   * @param queueFrames how many frames wait at most
   * @param refused a frame found nobody; answers whether to try once more
   */
  constructor(counters: Counters, queueFrames: number, refused: () => boolean) {
    this.#counters = counters;
    this.#queue = new FrameQueue(queueFrames);
    this.#refused = refused;
  }

  /** How many frames wait. */
  get waiting(): number {
    return this.#queue.count;
  }

  /** Sends a frame, or keeps it behind those that wait. */
  send(fd: Fd, frame: Frame): TxResult {
    if (this.#queue.count === 0) {
      const sent = this.#put(fd, frame);
      if (sent === Sent.Yes) return TxResult.Complete;
      if (sent === Sent.Nobody) this.#counters.dropped.noPeer++;
      if (sent !== Sent.Later) return TxResult.Failed;
      this.#counters.blocked++;
      this.blocked = true;
    }
    if (this.#queue.full) {
      this.#counters.dropped.noSpace++;
      return TxResult.Failed;
    }
    this.#queue.push(frame);
    return TxResult.Enqueued;
  }

  /** The socket takes more: what waits follows. */
  resume(fd: Fd, callbacks: RawIfaceCallbacks): void {
    if (this.#resuming) return;
    this.#resuming = true;
    try {
      for (let left = FRAMES_PER_TURN; left > 0 && !fd.closed; left--) {
        const frame = this.#queue.at(0);
        if (frame === null) break;
        const sent = frame.rangeCount === 0 ? Sent.Lost : this.#put(fd, frame);
        if (sent === Sent.Later) return;
        // Where nobody was there, all that wait may have been forgotten, and this one with them.
        if (this.#queue.at(0) !== frame) break;
        if (sent === Sent.Nobody) this.#counters.dropped.noPeer++;
        if (frame.rangeCount === 0) this.#counters.dropped.reset++;
        this.#queue.shift();
        callbacks.txComplete(frame.cookie);
      }
    } finally {
      this.#resuming = false;
      this.blocked = this.#queue.count > 0;
    }
  }

  /** Gives all frames that wait back to the guest. */
  forget(cause: DropCause, callbacks: RawIfaceCallbacks | null): void {
    this.blocked = false;
    for (let frame = this.#queue.shift(); frame !== null; frame = this.#queue.shift()) {
      this.#counters.dropped[cause]++;
      callbacks?.txComplete(frame.cookie);
    }
  }

  #put(fd: Fd, frame: Frame): Sent {
    const sent = this.#write(fd, frame);
    return sent === Sent.Nobody && this.#refused() ? this.#write(fd, frame) : sent;
  }

  #write(fd: Fd, frame: Frame): Sent {
    if (fd.closed) return Sent.Nobody;
    const bytes = frame.totalBytes;
    const { dropped } = this.#counters;
    this.#fill(frame, bytes);
    const count = writev(fd.number, this.#vector);
    if (count >= 0) {
      this.#counters.framesOut++;
      this.#counters.bytesOut += bytes;
      return Sent.Yes;
    }
    switch (-count) {
      case Errno.EAGAIN:
      case Errno.EINTR:
        return Sent.Later;
      case Errno.ECONNREFUSED:
      case Errno.ECONNRESET:
      case Errno.ENOTCONN:
      case Errno.ENOENT:
        return Sent.Nobody;
      case Errno.EMSGSIZE:
        dropped.tooLong++;
        return Sent.Lost;
      case Errno.ENOBUFS:
      case Errno.ENOMEM:
        dropped.noSpace++;
        return Sent.Lost;
      default:
        dropped.hostError++;
        return Sent.Lost;
    }
  }

  #fill(frame: Frame, bytes: number): void {
    const vector = this.#vector;
    vector.clear();
    if (pushFrame(vector, frame, 0, bytes) === bytes) return;
    if (this.#joined === null || this.#joined.length < bytes) this.#joined = new Uint8Array(new ArrayBuffer(bytes));
    vector.clear();
    readFrame(frame, this.#joined.subarray(0, bytes));
    vector.pushAddress(addressOf(this.#joined), bytes);
  }
}
