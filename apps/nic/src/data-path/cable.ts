import { type Backend, type EthDriver, Frame, type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";

/** An Ethernet header with one VLAN tag. */
const OVERHEAD_BYTES = 18;
/** Frames that may be under way in one direction. */
const ROOMS = 256;

/** What a cable carried. Counts only grow. */
export interface CableCounts {
  readonly frames: number;
  readonly bytes: number;
  /** Frames that the other end did not take. */
  readonly failed: number;
}

/**
 * Joins two backends: what comes out of one goes into the other. To each it looks like a card, one without a guest and
 * without offloads; so where an end is a hub's port, the hub is to have none either.
 */
export class Cable {
  readonly #ends: readonly [End, End];

  /** @param mtu largest payload of a frame that passes */
  constructor(name: string, one: RawIfaceFuncs | Backend, other: RawIfaceFuncs | Backend, mtu: number) {
    const ends = [new End(`${name}/1`, one, mtu), new End(`${name}/2`, other, mtu)] as const;
    this.#ends = ends;
    ends[0].join(ends[1]);
    ends[1].join(ends[0]);
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

/** The card that one backend sees. */
class End {
  /** Frames that came out of this end's backend. */
  readonly counts = { frames: 0, bytes: 0, failed: 0 };
  readonly #backend: RawIfaceFuncs | Backend;
  readonly #driver: EthDriver;
  /** By cookie: room for a frame, which the other end's backend then sends. */
  readonly #rooms: readonly Frame[];
  /** Cookies of rooms that nothing is in. */
  readonly #spare: number[] = [];
  readonly #roomBytes: number;
  /** The backend found no room, and wants to be told of some. */
  #starved = false;
  #other: End | null = null;

  constructor(name: string, backend: RawIfaceFuncs | Backend, mtu: number) {
    this.#backend = backend;
    this.#roomBytes = mtu + OVERHEAD_BYTES;
    this.#rooms = Array.from({ length: ROOMS }, (_, cookie) => this.#makeRoom(cookie));
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
  }

  /** From here on frames pass. */
  join(other: End): void {
    this.#other = other;
    this.#backend.lowLevelInit(this.#driver);
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
        frame.clear();
        frame.push(bytes, 0, length);
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
