import {
  type EthDriver,
  Frame,
  type LinkInfo,
  type RawIfaceCallbacks,
  type RawIfaceFuncs,
  readFrame,
} from "@vmmkit/ethif";
import type { Peer } from "./options.ts";
import { isTestFrame } from "./test-frames.ts";

/**
 * A far end that is a card itself, for backends that join two of them: it stands on another backend of the same
 * wire. It always has room, unless it is paused, and checks nothing.
 */
export class PeerCard implements Peer {
  /** What its backend said of the link. */
  readonly link: LinkInfo;
  readonly #funcs: RawIfaceFuncs;
  readonly #driver: EthDriver;
  readonly #arrived: Uint8Array[] = [];
  readonly #waiting: ((frame: Uint8Array) => void)[] = [];
  #paused = false;
  #starved = false;
  #nextCookie = 0;

  /** @param funcs the backend at the far end of the wire */
  constructor(funcs: RawIfaceFuncs) {
    this.#funcs = funcs;
    const callbacks: RawIfaceCallbacks = {
      txComplete: () => {},
      allocateRxBuf: (sizeBytes) => this.#allocate(sizeBytes),
      rxComplete: (count, frames, lengths) => this.#take(count, frames, lengths),
      linkChange: () => {},
    };
    this.#driver = { name: "peer card", callbacks, funcs, ethData: null, raiseIrq: () => {} };
    this.link = funcs.lowLevelInit(this.#driver);
  }

  send(bytes: Uint8Array): void {
    const frame = room(bytes.length);
    frame.bytes[0]?.set(bytes);
    frame.cookie = this.#nextCookie++;
    this.#funcs.rawTx(this.#driver, frame, frame.cookie);
    this.#funcs.rawTxFlush?.(this.#driver);
  }

  receive(): Promise<Uint8Array> {
    const frame = this.#arrived.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#starved) this.#funcs.rawPoll(this.#driver);
    this.#starved = false;
  }

  #allocate(sizeBytes: number): Frame | null {
    this.#starved ||= this.#paused;
    return this.#paused ? null : room(sizeBytes);
  }

  #take(count: number, frames: readonly Frame[], lengths: readonly number[]): void {
    for (let i = 0; i < count; i++) {
      const frame = frames[i];
      const bytes = new Uint8Array(lengths[i] ?? 0);
      if (frame === undefined || readFrame(frame, bytes) === 0 || !isTestFrame(bytes)) continue;
      const next = this.#waiting.shift();
      if (next === undefined) this.#arrived.push(bytes);
      else next(bytes);
    }
  }
}

function room(sizeBytes: number): Frame {
  const frame = new Frame();
  if (sizeBytes > 0) frame.push(new Uint8Array(sizeBytes), 0, sizeBytes);
  return frame;
}
