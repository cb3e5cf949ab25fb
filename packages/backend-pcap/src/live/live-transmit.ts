import { type EthDriver, type Frame, readFrame, TxResult } from "@vmmkit/ethif";
import { addressOf, Errno, type Fd, IoVector, writeAt, writev } from "@vmmkit/posix";
import { HEADER_BYTES } from "../link.ts";
import type { LiveCounters } from "./live-counters.ts";

/** How many frames that waited are sent before others have their turn. */
const FRAMES_PER_TURN = 256;

/**
 * The way from the guest to the interface: one `writev` per frame into libpcap's packet socket, from the guest's own
 * memory. That is what `pcap_inject` does, which takes no more than one range.
 */
export class LiveTransmit {
  readonly #counters: LiveCounters;
  readonly #queueFrames: number;
  readonly #vector: IoVector = new IoVector();
  readonly #waiting: Frame[] = [];

  constructor(counters: LiveCounters, queueFrames: number) {
    this.#counters = counters;
    this.#queueFrames = queueFrames;
  }

  /** How many frames wait for the kernel. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** `rawTx`. The interface is open. */
  send(fd: Fd, frame: Frame): TxResult {
    if (frame.totalBytes < HEADER_BYTES) {
      this.#counters.dropped.tooShort++;
      return TxResult.Failed;
    }
    // Behind frames that wait, so that none overtakes.
    const result = this.#waiting.length > 0 ? -Errno.EAGAIN : this.#write(fd, frame);
    if (result === -Errno.EAGAIN) return this.#enqueue(frame);
    return this.#settle(frame, result) ? TxResult.Complete : TxResult.Failed;
  }

  /** The kernel takes frames again. */
  resume(fd: Fd, driver: EthDriver): void {
    for (let left = FRAMES_PER_TURN; left > 0 && !fd.closed; left--) {
      const frame = this.#waiting[0];
      if (frame === undefined) return;
      // A reset of the card empties its frames.
      const isEmpty = frame.rangeCount === 0;
      const result = isEmpty ? 0 : this.#write(fd, frame);
      if (result === -Errno.EAGAIN) return;
      this.#waiting.shift();
      if (isEmpty) this.#counters.dropped.closed++;
      else this.#settle(frame, result);
      driver.callbacks.txComplete(frame.cookie);
    }
  }

  /** Gives all frames that wait back to the guest unsent. */
  drop(driver: EthDriver, cause: "down" | "closed"): void {
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      this.#counters.dropped[cause]++;
      driver.callbacks.txComplete(frame.cookie);
    }
  }

  /** Lets go of the guest's memory. */
  release(): void {
    this.#vector.release();
  }

  #enqueue(frame: Frame): TxResult {
    if (this.#waiting.length === this.#queueFrames) {
      this.#counters.dropped.queueFull++;
      return TxResult.Failed;
    }
    this.#waiting.push(frame);
    this.#counters.enqueued++;
    return TxResult.Enqueued;
  }

  #write(fd: Fd, frame: Frame): number {
    this.#vector.clear();
    if (this.#vector.pushRanges(frame)) return writev(fd.number, this.#vector);
    // Frames in more pieces than a system call takes, and what is left of memory that went away, are copied first.
    const bytes = new Uint8Array(new ArrayBuffer(frame.totalBytes));
    return writeAt(fd.number, addressOf(bytes), readFrame(frame, bytes));
  }

  /** Counts what became of a frame. Answers whether it went. */
  #settle(frame: Frame, result: number): boolean {
    const { dropped } = this.#counters;
    if (result >= 0) {
      this.#counters.framesOut++;
      this.#counters.bytesOut += frame.totalBytes;
      return true;
    }
    if (result === -Errno.ENETDOWN || result === -Errno.ENXIO || result === -Errno.ENODEV) dropped.down++;
    else if (result === -Errno.ENOBUFS || result === -Errno.ENOMEM) dropped.noMemory++;
    else dropped.refused++;
    return false;
  }
}
