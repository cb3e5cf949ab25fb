import type { Frame } from "@vmmkit/ethif";
import { addressOf, Errno, type Fd, IoVector, readv } from "@vmmkit/posix";
import type { Counters } from "./counters.ts";
import type { Delivery } from "./delivery.ts";
import { pushFrame } from "./frame-vector.ts";
import { HEADER_BYTES } from "./link.ts";
import { ReadEnd } from "./read-end.ts";
import { LENGTH_BYTES, MAX_FRAME_BYTES } from "./stream-spec.ts";

/**
 * Takes frames out of a stream, straight into the guest's buffers. A body is read together with the length of the
 * next frame, so in a burst each frame costs one system call and no copy. A frame for which the guest has no room
 * stays in the socket, which slows the sender down.
 */
export class StreamReader {
  readonly #delivery: Delivery;
  readonly #counters: Counters;
  readonly #longest: number;
  readonly #vector = new IoVector();
  readonly #lengthBytes = new Uint8Array(new ArrayBuffer(LENGTH_BYTES));
  readonly #lengthAddress: number = addressOf(this.#lengthBytes);
  /** Takes what nobody gets. */
  readonly #waste = new Uint8Array(new ArrayBuffer(MAX_FRAME_BYTES));
  readonly #wasteAddress: number = addressOf(this.#waste);
  /** Bytes of the length that were read. */
  #lengthRead = 0;
  /** Bytes of the body; -1 while the length is not known. */
  #bodyBytes = -1;
  /** Bytes of the body that were read. */
  #bodyRead = 0;
  /** Where the body goes, once there is room. */
  #room: Frame | null = null;
  /** The body is read and thrown away. */
  #wasting = false;

  /** @param longest the longest frame of the link, in bytes */
  constructor(delivery: Delivery, counters: Counters, longest: number) {
    this.#delivery = delivery;
    this.#counters = counters;
    this.#longest = longest;
  }

  /** Reads what there is, until the batch is full. */
  read(fd: Fd): ReadEnd {
    // Looking for room may let the guest run, and close the backend.
    while (!fd.closed) {
      if (this.#delivery.full) return ReadEnd.Full;
      const end = this.#bodyBytes < 0 ? this.#readLength(fd) : this.#readBody(fd);
      if (end !== null) return end;
    }
    return ReadEnd.Over;
  }

  /** The connection is over: the frame that was being read is not coming. Its room goes into the batch, unused. */
  forget(): void {
    if (this.#room !== null) this.#delivery.add(this.#room, 0);
    this.#room = null;
    this.#lengthRead = 0;
    this.#bodyBytes = -1;
  }

  #readLength(fd: Fd): ReadEnd | null {
    this.#vector.clear();
    this.#pushLength();
    const count = readv(fd.number, this.#vector);
    if (count <= 0) return endOf(count);
    this.#lengthRead += count;
    return this.#lengthRead < LENGTH_BYTES ? ReadEnd.Drained : this.#begin();
  }

  /** The length is known. */
  #begin(): ReadEnd | null {
    const [a = 0, b = 0, c = 0, d = 0] = this.#lengthBytes;
    const bytes = a * 0x100_0000 + ((b << 16) | (c << 8) | d);
    this.#lengthRead = 0;
    this.#bodyRead = 0;
    this.#wasting = true;
    if (bytes > MAX_FRAME_BYTES) return ReadEnd.Corrupt;
    const { dropped } = this.#counters;
    if (bytes < HEADER_BYTES) dropped.tooShort++;
    else if (bytes > this.#longest) dropped.tooLong++;
    else this.#wasting = false;
    this.#bodyBytes = bytes === 0 ? -1 : bytes;
    return null;
  }

  #readBody(fd: Fd): ReadEnd | null {
    if (!this.#wasting && !this.#haveRoom()) return ReadEnd.Starved;
    if (fd.closed) return ReadEnd.Over;
    const vector = this.#vector;
    const rest = this.#bodyBytes - this.#bodyRead;
    vector.clear();
    if (this.#wasting) vector.pushAddress(this.#wasteAddress, rest);
    else if (!this.#pushRoom(rest)) return null;
    // The next frame's length comes along, where the body's ranges have left place for it.
    if (vector.totalBytes === rest) this.#pushLength();
    const count = readv(fd.number, vector);
    if (count <= 0) return endOf(count);
    if (count < rest) {
      this.#bodyRead += count;
      return count < vector.totalBytes ? ReadEnd.Drained : null;
    }
    this.#finish();
    this.#lengthRead = count - rest;
    if (this.#lengthRead === LENGTH_BYTES) return this.#begin();
    return count < vector.totalBytes ? ReadEnd.Drained : null;
  }

  /** The body is complete. */
  #finish(): void {
    if (this.#room !== null) {
      this.#delivery.add(this.#room, this.#bodyBytes);
      this.#counters.framesIn++;
      this.#counters.bytesIn += this.#bodyBytes;
    }
    this.#room = null;
    this.#bodyBytes = -1;
  }

  /** Whether there is room for the body, or it is clear that there never will be. */
  #haveRoom(): boolean {
    if (this.#room !== null) return true;
    this.#room = this.#delivery.room(this.#bodyBytes);
    if (this.#room !== null) return true;
    if (!this.#delivery.neverFits()) return false;
    this.#counters.dropped.noRoom++;
    this.#wasting = true;
    return true;
  }

  /** The rest of the body goes into its room. False where that is gone: then it is wasted. */
  #pushRoom(rest: number): boolean {
    const room = this.#room;
    if (room !== null && room.totalBytes >= this.#bodyBytes) {
      const added = pushFrame(this.#vector, room, this.#bodyRead, rest);
      if (added === rest || this.#vector.count === this.#vector.capacity) return true;
    }
    // A reset of the card has emptied it, or the guest's memory went away.
    if (room !== null) {
      this.#delivery.add(room, 0);
      this.#counters.dropped.reset++;
    }
    this.#room = null;
    this.#wasting = true;
    return false;
  }

  #pushLength(): void {
    this.#vector.pushAddress(this.#lengthAddress + this.#lengthRead, LENGTH_BYTES - this.#lengthRead);
  }
}

function endOf(count: number): ReadEnd | null {
  if (count === -Errno.EINTR) return null;
  return count === -Errno.EAGAIN ? ReadEnd.Drained : ReadEnd.Over;
}
