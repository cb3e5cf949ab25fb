import type { Frame } from "@vmmkit/ethif";
import { addressOf, Errno, type Fd, IoVector, ioctl, readv } from "@vmmkit/posix";
import type { Counters } from "./counters.ts";
import type { Delivery } from "./delivery.ts";
import { pushFrame } from "./frame-vector.ts";
import { HEADER_BYTES } from "./link.ts";
import { ReadEnd } from "./read-end.ts";

/** Asks a socket how long its next datagram is. */
const FIONREAD = 0x541b;

/**
 * Takes frames out of a socket, a datagram each, straight into the guest's buffers. Its length is asked for first, so
 * that a frame for which the guest has no room stays in the socket.
 */
export class DatagramReader {
  readonly #delivery: Delivery;
  readonly #counters: Counters;
  readonly #longest: number;
  readonly #vector = new IoVector();
  readonly #size = new Int32Array(new ArrayBuffer(4));
  readonly #sizeAddress: number = addressOf(this.#size);
  /** Takes the start of what nobody gets. */
  readonly #waste = new Uint8Array(new ArrayBuffer(1));
  readonly #wasteAddress: number = addressOf(this.#waste);

  /** @param longest the longest frame of the link, in bytes */
  constructor(delivery: Delivery, counters: Counters, longest: number) {
    this.#delivery = delivery;
    this.#counters = counters;
    this.#longest = longest;
  }

  /** Reads what there is, until the batch is full. */
  read(fd: Fd): ReadEnd {
    while (!fd.closed) {
      if (this.#delivery.full) return ReadEnd.Full;
      const end = this.#readOne(fd);
      if (end !== null) return end;
    }
    return ReadEnd.Over;
  }

  #readOne(fd: Fd): ReadEnd | null {
    this.#size[0] = 0;
    ioctl(fd.number, FIONREAD, this.#sizeAddress);
    const bytes = this.#size[0] ?? 0;
    if (bytes < HEADER_BYTES) return this.#discard(fd, "tooShort");
    if (bytes > this.#longest) return this.#discard(fd, "tooLong");
    const room = this.#delivery.room(bytes);
    if (room !== null) return this.#fill(fd, room, bytes);
    if (!this.#delivery.neverFits()) return ReadEnd.Starved;
    if (fd.closed) return ReadEnd.Over;
    return this.#discard(fd, "noRoom");
  }

  #fill(fd: Fd, room: Frame, bytes: number): ReadEnd | null {
    const vector = this.#vector;
    vector.clear();
    if (pushFrame(vector, room, 0, bytes) < bytes) {
      // The guest's memory went away, or its room is in more pieces than the kernel takes.
      this.#delivery.add(room, 0);
      return this.#discard(fd, "hostError");
    }
    const count = readv(fd.number, vector);
    this.#delivery.add(room, Math.max(0, count));
    if (count <= 0) return this.#endOf(count);
    this.#counters.framesIn++;
    this.#counters.bytesIn += count;
    return null;
  }

  /** Takes a datagram out for nobody; or finds that there is none. */
  #discard(fd: Fd, cause: "tooShort" | "tooLong" | "noRoom" | "hostError"): ReadEnd | null {
    const vector = this.#vector;
    vector.clear();
    vector.pushAddress(this.#wasteAddress, 1);
    const count = readv(fd.number, vector);
    if (count < 0) return this.#endOf(count);
    this.#counters.dropped[cause]++;
    return null;
  }

  /** An error that waited at the socket was told and is gone: mostly that a datagram sent before found nobody. */
  #endOf(count: number): ReadEnd | null {
    if (count === -Errno.EAGAIN) return ReadEnd.Drained;
    if (count === -Errno.ECONNREFUSED) this.#counters.dropped.noPeer++;
    return count === 0 || count === -Errno.EINTR ? null : ReadEnd.Drained;
  }
}
