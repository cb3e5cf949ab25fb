import { type Backend, type EthDriver, Frame, Offload, type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";

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

/** Whatever there is in `Offload`. */
export const ALL_OFFLOADS: number =
  Offload.Csum | Offload.Tso4 | Offload.Tso6 | Offload.Ecn | Offload.Ufo | Offload.Uso;

/**
 * Joins two backends: what comes out of one goes into the other as it is, checksums left open and long segments too, as far
 * as the other one takes that.
 */
export class Cable {
  readonly #ends: readonly [CableEnd, CableEnd];

  /** @throws RangeError where one end leaves more to the other than that takes, and cannot be told not to */
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
  readonly takes: number;
  readonly #gives: number;
  readonly #backend: RawIfaceFuncs | Backend;
  readonly #driver: EthDriver;
  /** By cookie: room for a frame, which the other end's backend then sends. */
  readonly #rooms: readonly Frame[];
  /** Cookies of rooms that nothing is in. */
  readonly #spare: number[] = [];
  readonly #roomBytes: number;
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
    this.takes = txOffloads;
    this.#gives = rxOffloads;
    const isLong = (rxOffloads & ~Offload.Csum) !== 0;
    this.#roomBytes = isLong ? LONG_BYTES : mtu + OVERHEAD_BYTES;
    this.#rooms = Array.from({ length: isLong ? LONG_ROOMS : ROOMS }, (_, cookie) => this.#makeRoom(cookie));
  }

  /** From here on frames pass. @throws RangeError as `Cable` does */
  join(other: CableEnd): void {
    const { setRxOffloads } = this.#backend;
    if (setRxOffloads !== undefined) setRxOffloads(this.#driver, this.#gives & other.takes);
    else if ((this.#gives & ~other.takes) !== 0) {
      throw new RangeError(
        `"offloads" expected no more than 0x${other.takes.toString(16)}, got 0x${this.#gives.toString(16)}`,
      );
    }
    this.#other = other;
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
    const room = this.#rooms[cookie];
    if (room === undefined) return;
    this.#empty(room);
    this.#spare.push(cookie);
    if (!this.#starved) return;
    this.#starved = false;
    this.#backend.rawPoll(this.#driver);
  }

  async close(): Promise<void> {
    this.#other = null;
    if ("close" in this.#backend) await this.#backend.close();
  }

  #allocate(sizeBytes: number): Frame | null {
    if (sizeBytes > this.#roomBytes) return null;
    const cookie = this.#spare.pop();
    if (cookie === undefined) this.#starved = true;
    return cookie === undefined ? null : (this.#rooms[cookie] ?? null);
  }

  #pass(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    const other = this.#other;
    for (let i = 0; i < count; i++) {
      const [frame, length] = [frames[i], lengths[i] ?? 0];
      if (frame === undefined) continue;
      const bytes = frame.bytes[0];
      let result: TxResult = TxResult.Complete;
      if (length > 0 && other !== null && bytes !== undefined) {
        frame.pushAlone(bytes, 0, length, 0, 0);
        result = other.send(frame);
        this.counts.frames++;
        this.counts.bytes += length;
        if (result === TxResult.Failed) this.counts.failed++;
      }
      if (result !== TxResult.Enqueued) this.giveBack(frame.cookie);
    }
    other?.flush();
  }

  #makeRoom(cookie: number): Frame {
    const frame = new Frame();
    frame.push(new Uint8Array(this.#roomBytes), 0, this.#roomBytes);
    frame.cookie = cookie;
    this.#spare.push(cookie);
    return frame;
  }

  /** Makes a frame room again, from its start to its end. */
  #empty(frame: Frame): void {
    const bytes = frame.bytes[0];
    frame.clear();
    if (bytes !== undefined) frame.push(bytes, 0, this.#roomBytes);
  }
}
