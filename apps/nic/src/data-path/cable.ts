import {
  type Backend,
  copyFrame,
  type EthDriver,
  Frame,
  type FrameMemory,
  Offload,
  type RawIfaceFuncs,
  TxResult,
} from "@vmmkit/ethif";
import { FrameCutter, neededOffloads } from "@vmmkit/virtio-net";

/** An Ethernet header with one VLAN tag. */
const OVERHEAD_BYTES = 18;
/** A frame that is still to be segmented, with such a header. */
const LONG_BYTES = 65_535 + OVERHEAD_BYTES;
/** Frames that may be under way in one direction, and where they may be long. */
const ROOMS = 256;
const LONG_ROOMS = 64;

/** What a cable carried. Counts only grow. */
export interface CableCounts {
  readonly frames: number;
  readonly bytes: number;
  /** Frames that the other end did not take. */
  readonly failed: number;
}

/**
 * Joins two backends: what comes out of one goes into the other as it is, checksums left open and long segments too, if the
 * other one takes that; and otherwise with its checksum, cut into segments.
 */
export class Cable {
  readonly #ends: readonly [CableEnd, CableEnd];

  constructor(one: CableEnd, other: CableEnd) {
    this.#ends = [one, other];
    one.join(other);
    other.join(one);
  }

  /** From the first end to the second, and back. */
  counts(): readonly [CableCounts, CableCounts] {
    const [one, other] = this.#ends;
    return [{ ...one.counts }, { ...other.counts }];
  }

  /** Takes it out of both ends, and closes them. */
  async close(): Promise<void> {
    for (const end of this.#ends) await end.close();
  }
}

/** The card that the backend at one end sees: one without a guest. */
export class CableEnd {
  /** Frames that came out of this end's backend. */
  readonly counts = { frames: 0, bytes: 0, failed: 0 };
  /** What its backend takes as it is: bits of `Offload`. */
  readonly #takes: number;
  readonly #gives: number;
  readonly #backend: RawIfaceFuncs | Backend;
  readonly #driver: EthDriver;
  /** Room for frames that come out of the backend, and for what they are cut into: the other end's backend sends them. */
  readonly #rooms: Rooms;
  readonly #pieces: Rooms;
  readonly #longestBytes: number;
  readonly #cutter = new FrameCutter();
  readonly #piece = new Frame();
  /** The backend found no room, and wants to be told of some. */
  #starved = false;
  #other: CableEnd | null = null;

  /** @param mtu largest payload of a frame that passes in one piece @throws what the backend throws */
  constructor(name: string, backend: RawIfaceFuncs | Backend, mtu: number) {
    this.#backend = backend;
    this.#driver = {
      name,
      funcs: backend,
      ethData: null,
      callbacks: {
        txComplete: (cookie) => this.#other?.giveBack(cookie),
        allocateRxBuf: (sizeBytes) => this.#allocate(sizeBytes),
        rxComplete: (count, frames, lengths) => this.#pass(count, frames, lengths),
        linkChange: () => {
          // Frames that come where there is no carrier are that backend's to drop.
        },
      },
      raiseIrq: () => {
        // There is no guest.
      },
    };
    const { txOffloads = 0, rxOffloads = 0 } = backend.lowLevelInit(this.#driver);
    this.#takes = txOffloads;
    this.#gives = rxOffloads;
    this.#longestBytes = mtu + OVERHEAD_BYTES;
    const isLong = (rxOffloads & ~Offload.Csum) !== 0;
    this.#rooms = isLong ? new Rooms(0, LONG_ROOMS, LONG_BYTES) : new Rooms(0, ROOMS, this.#longestBytes);
    this.#pieces = new Rooms(this.#rooms.count, rxOffloads === 0 ? 0 : ROOMS, this.#longestBytes);
  }

  /** From here on frames pass. */
  join(other: CableEnd): void {
    this.#other = other;
    // Who need not leave it to others may as well do it.
    this.#backend.setRxOffloads?.(this.#driver, this.#gives & other.#takes);
  }

  /** Sends a frame of the other end's. */
  send(frame: Frame): TxResult {
    return this.#backend.rawTx(this.#driver, frame, frame.cookie);
  }

  flush(): void {
    this.#backend.rawTxFlush?.(this.#driver);
  }

  /** The other end's backend is done with a frame of this one's. */
  giveBack(cookie: number): void {
    const rooms = cookie < this.#rooms.count ? this.#rooms : this.#pieces;
    rooms.giveBack(cookie);
    if (!this.#starved || rooms !== this.#rooms) return;
    this.#starved = false;
    this.#backend.rawPoll(this.#driver);
  }

  async close(): Promise<void> {
    this.#other = null;
    if ("close" in this.#backend) await this.#backend.close();
  }

  #allocate(sizeBytes: number): Frame | null {
    if (sizeBytes > this.#rooms.roomBytes) return null;
    const room = this.#rooms.take();
    if (room === null) this.#starved = true;
    return room;
  }

  #pass(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    const other = this.#other;
    for (let i = 0; i < count; i++) {
      const [frame, length] = [frames[i], lengths[i] ?? 0];
      if (frame === undefined) continue;
      const result = length > 0 && other !== null ? this.#passOne(other, frame, length) : TxResult.Complete;
      if (result !== TxResult.Enqueued) this.giveBack(frame.cookie);
    }
    other?.flush();
  }

  #passOne(other: CableEnd, frame: Frame, length: number): TxResult {
    this.#rooms.shorten(frame, length);
    this.counts.frames++;
    this.counts.bytes += length;
    if ((neededOffloads(frame.flags, frame.gsoType) & ~other.#takes) !== 0) {
      if (!this.#passPieces(other, frame)) this.counts.failed++;
      return TxResult.Complete;
    }
    const result = other.send(frame);
    if (result === TxResult.Failed) this.counts.failed++;
    return result;
  }

  /** Sends what a frame is cut into, each in a room of its own. False where that could not all be sent. */
  #passPieces(other: CableEnd, frame: Frame): boolean {
    if (!this.#cutter.begin(frame, this.#longestBytes)) return false;
    while (this.#cutter.next(this.#piece)) {
      const room = this.#pieces.take();
      if (room === null) return false;
      this.#pieces.shorten(room, copyFrame(this.#piece, room));
      const result = other.send(room);
      if (result !== TxResult.Enqueued) this.#pieces.giveBack(room.cookie);
      if (result === TxResult.Failed) return false;
    }
    return true;
  }
}

/** Rooms for frames, in one piece of memory. */
class Rooms {
  readonly count: number;
  readonly roomBytes: number;
  readonly #firstCookie: number;
  readonly #place: FrameMemory;
  /** From one room's start to the next one's: on words, so that checksums are taken of words. */
  readonly #stride: number;
  readonly #frames: readonly Frame[];
  /** Those that nothing is in. */
  readonly #spare: Frame[] = [];

  /** @param firstCookie the cookie of the first room; the others' follow */
  constructor(firstCookie: number, count: number, roomBytes: number) {
    this.count = count;
    this.roomBytes = roomBytes;
    this.#firstCookie = firstCookie;
    this.#stride = (roomBytes + 3) & ~3;
    this.#place = { bytes: new Uint8Array(count * this.#stride), gpa: 0, hostAddress: 0 };
    this.#frames = Array.from({ length: count }, (_, index) => {
      const frame = new Frame();
      frame.cookie = firstCookie + index;
      return frame;
    });
    for (const frame of this.#frames) this.giveBack(frame.cookie);
  }

  /** A room, from its start to its end; null where all are taken. */
  take(): Frame | null {
    return this.#spare.pop() ?? null;
  }

  /** A room has a frame of that length. Its offload fields stay. */
  shorten(room: Frame, lengthBytes: number): void {
    room.place(this.#place, (room.cookie - this.#firstCookie) * this.#stride, lengthBytes);
  }

  giveBack(cookie: number): void {
    const room = this.#frames[cookie - this.#firstCookie];
    if (room === undefined) return;
    room.clear();
    this.shorten(room, this.roomBytes);
    this.#spare.push(room);
  }
}
