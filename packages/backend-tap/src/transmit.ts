import { type EthDriver, type Frame, TxResult } from "@vmmkit/ethif";
import { addressOf, Errno, type Fd, type IoRing, IoVector, writeAt, writev } from "@vmmkit/posix";
import type { TapCounters } from "./counters.ts";
import { FrameBatch } from "./frame-batch.ts";
import { FrameQueue } from "./frame-queue.ts";
import { HEADER_BYTES, MAX_FRAME_BYTES } from "./limits.ts";
import { VnetHeader } from "./vnet-header.ts";

/**
 * The way from the guest to the kernel, from the guest's own memory. Frames are gathered until the card says that those
 * were all, and go together; one alone, and all where there is no way to do that, go with a `writev` each.
 */
export class Transmit {
  readonly #fd: Fd;
  readonly #counters: TapCounters;
  readonly #onTrouble: () => void;
  readonly #vector: IoVector = new IoVector();
  readonly #header: VnetHeader;
  readonly #waiting: FrameQueue;
  /** Null where each frame goes when it comes. */
  #ring: IoRing | null;
  /** Made when there are several frames for the first time. */
  #batch: FrameBatch | null = null;
  /** The kernel took no more: what waits goes when it says that it does. */
  #stalled = false;
  #busy = false;
  /** How often all was given back: what comes of frames then is nobody's any more. */
  #drops = 0;
  /** For frames in more pieces than a system call takes. Made when the first one comes. */
  #linear: Uint8Array | null = null;

  /**
   * @param fd one queue of the interface
   * @param headerBytes of the header before each frame
   * @param onTrouble called when the kernel says that the interface is down or gone
   * @param ring sends many frames at once. Null: each goes when it comes
   */
  constructor(
    fd: Fd,
    headerBytes: number,
    counters: TapCounters,
    queueFrames: number,
    onTrouble: () => void,
    ring: IoRing | null = null,
  ) {
    this.#fd = fd;
    this.#ring = ring;
    this.#counters = counters;
    this.#onTrouble = onTrouble;
    this.#header = new VnetHeader(headerBytes);
    this.#waiting = new FrameQueue(queueFrames);
  }

  /** How many frames wait: for the kernel, or for `flush`. */
  get waiting(): number {
    return this.#waiting.count;
  }

  /** Whether the kernel took no more, and is to be waited for. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** `rawTx`. The interface is there. */
  send(driver: EthDriver, frame: Frame): TxResult {
    const bytes = frame.totalBytes;
    if (bytes < HEADER_BYTES) {
      this.#counters.tooShort++;
      return TxResult.Failed;
    }
    if (bytes > MAX_FRAME_BYTES) {
      this.#counters.tooLong++;
      return TxResult.Failed;
    }
    if (this.#ring !== null && this.#gather(driver, frame)) return TxResult.Enqueued;
    // Behind frames that wait, so that none overtakes.
    if (this.#waiting.count > 0) return this.#enqueue(frame);
    const result = this.#write(frame);
    if (result >= 0) {
      this.#counters.framesOut++;
      this.#counters.bytesOut += bytes;
      return TxResult.Complete;
    }
    if (result === -Errno.EAGAIN) return this.#enqueue(frame);
    this.#fail(-result);
    return TxResult.Failed;
  }

  /** `rawTxFlush`: sends what was gathered. */
  flush(driver: EthDriver): void {
    if (this.#stalled || this.#busy || this.#waiting.count === 0) return;
    this.#sendWaiting(driver, this.#waiting.count);
    if (this.#waiting.count === 0) return;
    this.#stalled = true;
    this.#counters.enqueued += this.#waiting.count;
  }

  /**
   * The kernel takes frames again.
   * @param budget how many to send at most
   */
  resume(driver: EthDriver, budget: number): void {
    if (this.#busy) return;
    this.#sendWaiting(driver, budget);
    this.#stalled = this.#waiting.count > 0;
  }

  /** Gives all frames that wait back to the guest unsent. Answers how many those were. */
  drop(driver: EthDriver): number {
    let count = 0;
    this.#drops++;
    this.#stalled = false;
    for (let frame = this.#waiting.shift(); frame !== null; frame = this.#waiting.shift()) {
      count++;
      driver.callbacks.txComplete(frame.cookie);
    }
    return count;
  }

  /** Lets go of the guest's memory. */
  release(): void {
    this.#vector.release();
    this.#batch?.release();
  }

  /** False where the frame does not wait for `flush`. */
  #gather(driver: EthDriver, frame: Frame): boolean {
    if (this.#stalled) return false;
    if (this.#waiting.full) this.flush(driver);
    return !this.#stalled && this.#waiting.push(frame);
  }

  /** Sends frames that wait, until the kernel takes no more. */
  #sendWaiting(driver: EthDriver, budget: number): void {
    this.#busy = true;
    try {
      for (let left = budget; left > 0 && this.#waiting.count > 0; ) {
        const count = Math.min(left, this.#waiting.count);
        const sent =
          count > 1 && this.#ring !== null ? this.#sendBatch(driver, this.#ring, count) : this.#sendOne(driver);
        if (sent === 0) return;
        left -= sent;
      }
    } finally {
      this.#busy = false;
    }
  }

  /** Sends several frames at once. Answers how many left the queue. */
  #sendBatch(driver: EthDriver, ring: IoRing, count: number): number {
    this.#batch ??= new FrameBatch(ring, this.#header.sizeBytes);
    const { results } = this.#batch;
    const tried = this.#writeMany(this.#batch, count);
    if (tried === 0) return this.#sendOne(driver);
    const drops = this.#drops;
    for (let i = 0; i < tried; i++) {
      const result = results[i] ?? 0;
      if (result === -Errno.EAGAIN || result === -Errno.ECANCELED) return i;
      if (result === -Errno.ENOTSUP) {
        this.#ring = null;
        return this.#sendOne(driver);
      }
      this.#complete(driver, result);
      // A guest that ran meanwhile may have taken the queue away.
      if (drops !== this.#drops) return tried;
    }
    return tried;
  }

  /**
   * Writes the oldest frames at once, and leaves them in the queue. One that the kernel does not take stops those behind
   * it (ECANCELED), so none overtakes.
   * @returns how many were tried: fewer in front of one that is empty, or that has to be put together first
   */
  #writeMany(batch: FrameBatch, count: number): number {
    const fd = this.#fd.number;
    const most = Math.min(count, batch.capacity);
    for (let i = 0; i < most; i++) {
      const frame = this.#waiting.at(i);
      if (frame === null || frame.rangeCount === 0 || !batch.addWrite(fd, frame, i + 1 < most)) break;
    }
    return batch.run();
  }

  /** Sends the oldest frame. 0 where the kernel takes none, otherwise 1. */
  #sendOne(driver: EthDriver): number {
    const frame = this.#waiting.peek();
    if (frame === null) return 0;
    // A reset of the card emptied it.
    const result = frame.rangeCount === 0 ? 0 : this.#write(frame);
    if (result === -Errno.EAGAIN) return 0;
    this.#complete(driver, result);
    return 1;
  }

  /** The oldest frame was sent or refused. */
  #complete(driver: EthDriver, result: number): void {
    const frame = this.#waiting.shift();
    if (frame === null) return;
    if (result < 0) this.#fail(-result);
    else if (frame.rangeCount === 0) this.#counters.closed++;
    else {
      this.#counters.framesOut++;
      this.#counters.bytesOut += frame.totalBytes;
    }
    driver.callbacks.txComplete(frame.cookie);
  }

  #enqueue(frame: Frame): TxResult {
    if (this.#waiting.push(frame)) {
      this.#stalled = true;
      this.#counters.enqueued++;
      return TxResult.Enqueued;
    }
    this.#counters.queueFull++;
    return TxResult.Failed;
  }

  #write(frame: Frame): number {
    const vector = this.#vector;
    const header = this.#header;
    vector.clear();
    if (header.sizeBytes > 0) {
      header.put(frame);
      vector.pushAddress(header.address, header.sizeBytes);
    }
    if (!vector.pushRanges(frame)) return this.#writeLinear(frame);
    return writev(this.#fd.number, vector);
  }

  /** Frames in pieces without number, and what is left of memory that went away, are copied first. */
  #writeLinear(frame: Frame): number {
    const { sizeBytes } = this.#header;
    this.#linear ??= new Uint8Array(new ArrayBuffer(12 + MAX_FRAME_BYTES));
    const linear = this.#linear;
    let at = sizeBytes;
    for (let i = 0; i < frame.rangeCount; i++) {
      const bytes = frame.bytes[i];
      const offset = frame.offset[i] ?? 0;
      const length = frame.length[i] ?? 0;
      if (bytes === undefined || offset + length > bytes.length) return -Errno.EFAULT;
      linear.set(bytes.subarray(offset, offset + length), at);
      at += length;
    }
    this.#header.copyTo(linear);
    return writeAt(this.#fd.number, addressOf(linear), at);
  }

  #fail(errno: number): void {
    const counters = this.#counters;
    if (errno === Errno.EIO || errno === Errno.ENETDOWN) counters.down++;
    else if (errno === Errno.EBADFD || errno === Errno.ENODEV) counters.gone++;
    else if (errno === Errno.ENOBUFS || errno === Errno.ENOMEM) counters.noMemory++;
    else counters.refused++;
    if (errno === Errno.EIO || errno === Errno.EBADFD) this.#onTrouble();
  }
}
