import { type Backend, copyFrame, type EthDriver, Frame, Offload, type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";
import { FrameCutter, neededOffloads } from "@vmmkit/virtio-net";
import { Rooms } from "./rooms.ts";

/** An Ethernet header with one VLAN tag. */
const OVERHEAD_BYTES = 18;
/** A frame that is still to be segmented, with such a header. */
const LONG_BYTES = 65_535 + OVERHEAD_BYTES;
/** Frames that may be under way in one direction, and where they may be long. */
const ROOMS = 256;
const LONG_ROOMS = 64;
/** What long ones are cut into: with those rooms no more than a backend has wait. */
const PIECES = 192;

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
  /** Frames that are to be cut, and those behind them. */
  readonly #waiting: Frame[] = [];
  /** The first of them has been begun with. */
  #cutting = false;
  #sending = false;
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
    this.#pieces = new Rooms(this.#rooms.count, rxOffloads === 0 ? 0 : PIECES, this.#longestBytes);
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
    if (cookie >= this.#rooms.count) {
      this.#pieces.giveBack(cookie);
      if (this.#waiting.length === 0 || this.#sending) return;
      this.#sendWaiting();
      this.#other?.flush();
      return;
    }
    this.#rooms.giveBack(cookie);
    if (!this.#starved) return;
    this.#starved = false;
    this.#backend.rawPoll(this.#driver);
  }

  async close(): Promise<void> {
    this.#other = null;
    this.#sendWaiting();
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
    if (this.#waiting.length === 0 && !other.#lacks(frame)) return this.#send(other, frame);
    this.#waiting.push(frame);
    this.#sendWaiting();
    return TxResult.Enqueued;
  }

  #send(other: CableEnd, frame: Frame): TxResult {
    const result = other.send(frame);
    if (result === TxResult.Failed) this.counts.failed++;
    return result;
  }

  /** Whether something has to be done for a frame before the backend takes it. */
  #lacks(frame: Frame): boolean {
    return (neededOffloads(frame.flags, frame.gsoType) & ~this.#takes) !== 0;
  }

  /** Sends frames that wait, in order, as far as there is room for what they are cut into. */
  #sendWaiting(): void {
    if (this.#sending) return;
    this.#sending = true;
    for (let frame = this.#waiting[0]; frame !== undefined; frame = this.#waiting[0]) {
      const other = this.#other;
      const result = other === null ? TxResult.Complete : this.#sendOneThatWaits(other, frame);
      if (result === null) break;
      this.#waiting.shift();
      if (result !== TxResult.Enqueued) this.giveBack(frame.cookie);
    }
    this.#sending = false;
  }

  /** Null where it has to wait on. */
  #sendOneThatWaits(other: CableEnd, frame: Frame): TxResult | null {
    if (!other.#lacks(frame)) return this.#send(other, frame);
    if (!this.#cutting) {
      this.#cutting = this.#cutter.begin(frame, this.#longestBytes);
      if (!this.#cutting) this.counts.failed++;
    }
    let room: Frame | null = null;
    while (this.#cutting) {
      room = this.#pieces.take();
      if (room === null) return null;
      this.#cutting = this.#cutter.next(this.#piece);
      if (!this.#cutting) break;
      this.#pieces.shorten(room, copyFrame(this.#piece, room));
      if (this.#send(other, room) !== TxResult.Enqueued) this.#pieces.giveBack(room.cookie);
      room = null;
    }
    // The one that there was no piece for.
    if (room !== null) this.#pieces.giveBack(room.cookie);
    return TxResult.Complete;
  }
}
