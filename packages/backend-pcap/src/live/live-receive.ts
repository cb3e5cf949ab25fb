import { writeFrame } from "@vmmkit/ethif";
import type { Delivery } from "../delivery.ts";
import { HEADER_BYTES } from "../link.ts";
import type { LiveCounters } from "./live-counters.ts";
import { type LiveHandle, Next } from "./live-handle.ts";

/** What stopped reading. */
export const Stopped = {
  /** The batch is full: there may be more, and others have their turn first. */
  Budget: 0,
  /** There are no more frames. */
  Empty: 1,
  /** The guest has no room. */
  NoRoom: 2,
  /** libpcap says that something is wrong. */
  Trouble: 3,
} as const;
export type Stopped = (typeof Stopped)[keyof typeof Stopped];

/** The way from libpcap to the guest: each frame is copied once, from libpcap's memory into the guest's. */
export class LiveReceive {
  readonly #delivery: Delivery;
  readonly #counters: LiveCounters;
  /** The longest frame of the link. */
  longest = 0;
  /** A frame of so many bytes is still in the handle, as there was no room for it. */
  #kept = 0;

  constructor(delivery: Delivery, counters: LiveCounters) {
    this.#delivery = delivery;
    this.#counters = counters;
  }

  /** Fills the batch with what there is. */
  fill(handle: LiveHandle): Stopped {
    while (!this.#delivery.full) {
      if (this.#kept === 0) {
        const next = handle.next();
        if (next !== Next.Frame) return next === Next.Nothing ? Stopped.Empty : Stopped.Trouble;
        if (!this.#wanted(handle)) continue;
        this.#kept = handle.capturedBytes;
      }
      if (!this.#deliver(handle, this.#kept)) return Stopped.NoRoom;
      this.#kept = 0;
    }
    return Stopped.Budget;
  }

  /** The handle is gone, and the frame that it kept. */
  forget(): void {
    if (this.#kept > 0) this.#counters.dropped.closed++;
    this.#kept = 0;
  }

  #wanted({ capturedBytes, lengthBytes }: LiveHandle): boolean {
    const { dropped } = this.#counters;
    if (lengthBytes > this.longest) dropped.tooLong++;
    else if (capturedBytes < HEADER_BYTES) dropped.tooShort++;
    else {
      if (capturedBytes < lengthBytes) this.#counters.cut++;
      return true;
    }
    return false;
  }

  /** False where the frame waits for room. */
  #deliver(handle: LiveHandle, bytes: number): boolean {
    const room = this.#delivery.room(bytes);
    if (room === null) {
      if (this.#delivery.neverFits()) {
        this.#counters.dropped.noRoom++;
        return true;
      }
      this.#counters.starved++;
      return false;
    }
    writeFrame(room, handle.data.subarray(0, bytes));
    this.#delivery.add(room, bytes);
    this.#counters.framesIn++;
    this.#counters.bytesIn += bytes;
    return true;
  }
}
