import { type EthDriver, type Frame, TxResult } from "@vmmkit/ethif";
import { addressOf, Errno, type Fd, IoVector, writeAt, writev } from "@vmmkit/posix";
import type { TapCounters } from "./counters.ts";
import { FrameQueue } from "./frame-queue.ts";
import { HEADER_BYTES, MAX_FRAME_BYTES } from "./limits.ts";
import { VnetHeader } from "./vnet-header.ts";

/** The way from the guest to the kernel: one `writev` per frame, from the guest's own memory. */
export class Transmit {
  readonly #fd: Fd;
  readonly #counters: TapCounters;
  readonly #onTrouble: () => void;
  readonly #vector: IoVector = new IoVector();
  readonly #header: VnetHeader;
  readonly #waiting: FrameQueue;
  /** For frames in more pieces than a system call takes. Made when the first one comes. */
  #linear: Uint8Array | null = null;

  /**
   * @param fd one queue of the interface
   * @param headerBytes of the header before each frame
   * @param onTrouble called when the kernel says that the interface is down or gone
   */
  constructor(fd: Fd, headerBytes: number, counters: TapCounters, queueFrames: number, onTrouble: () => void) {
    this.#fd = fd;
    this.#counters = counters;
    this.#onTrouble = onTrouble;
    this.#header = new VnetHeader(headerBytes);
    this.#waiting = new FrameQueue(queueFrames);
  }

  /** How many frames wait for the kernel. */
  get waiting(): number {
    return this.#waiting.count;
  }

  /** `rawTx`. The interface is there. */
  send(frame: Frame): TxResult {
    const bytes = frame.totalBytes;
    if (bytes < HEADER_BYTES) {
      this.#counters.tooShort++;
      return TxResult.Failed;
    }
    if (bytes > MAX_FRAME_BYTES) {
      this.#counters.tooLong++;
      return TxResult.Failed;
    }
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

  /**
   * The kernel takes frames again.
   * @param budget how many to send at most
   */
  resume(driver: EthDriver, budget: number): void {
    for (let left = budget; left > 0; left--) {
      const frame = this.#waiting.peek();
      if (frame === null) return;
      // A reset of the card emptied it.
      const result = frame.rangeCount === 0 ? 0 : this.#write(frame);
      if (result === -Errno.EAGAIN) return;
      this.#waiting.shift();
      if (frame.rangeCount === 0) this.#counters.closed++;
      else if (result < 0) this.#fail(-result);
      else {
        this.#counters.framesOut++;
        this.#counters.bytesOut += frame.totalBytes;
      }
      driver.callbacks.txComplete(frame.cookie);
    }
  }

  /** Gives all frames that wait back to the guest unsent. Answers how many those were. */
  drop(driver: EthDriver): number {
    let count = 0;
    for (let frame = this.#waiting.shift(); frame !== null; frame = this.#waiting.shift()) {
      count++;
      driver.callbacks.txComplete(frame.cookie);
    }
    return count;
  }

  /** Lets go of the guest's memory. */
  release(): void {
    this.#vector.release();
  }

  #enqueue(frame: Frame): TxResult {
    if (this.#waiting.push(frame)) {
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
