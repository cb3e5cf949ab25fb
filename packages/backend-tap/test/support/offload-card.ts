import { type EthDriver, Frame, type LinkInfo, type RawIfaceFuncs, readFrame, type TxResult } from "@vmmkit/ethif";

/** A frame with what its virtio-net header says. */
export interface OffloadFrame {
  readonly bytes: Uint8Array;
  readonly flags: number;
  readonly gsoType: number;
  readonly hdrLen: number;
  readonly gsoSize: number;
  readonly csumStart: number;
  readonly csumOffset: number;
  /** Which queue pair it came through. */
  readonly queue: number;
}

/** Buffers of a guest's size, as MRG_RXBUF joins them for long frames. */
const PIECE_BYTES = 4096;

/** A card whose guest takes frames of any kind, with room for as many as there are. */
export class OffloadCard {
  readonly link: LinkInfo;
  readonly received: OffloadFrame[] = [];
  /** Cookies that came back. */
  completed = 0;
  readonly #driver: EthDriver;
  readonly #backend: RawIfaceFuncs;

  constructor(backend: RawIfaceFuncs) {
    this.#backend = backend;
    this.#driver = {
      name: "offload card",
      funcs: backend,
      ethData: null,
      callbacks: {
        txComplete: () => {
          this.completed++;
        },
        allocateRxBuf: (sizeBytes, queue = 0) => this.#room(sizeBytes, queue),
        rxComplete: (count, frames, lengths) => this.#take(frames.slice(0, count), lengths),
        linkChange: () => {},
      },
      raiseIrq: () => {},
    };
    this.link = backend.lowLevelInit(this.#driver);
  }

  /** Sends a frame, in pieces as a guest's pages are. */
  send({ bytes, queue, ...fields }: OffloadFrame): TxResult {
    const frame = new Frame();
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      frame.push(bytes, at, Math.min(PIECE_BYTES, bytes.length - at));
    }
    Object.assign(frame, fields, { cookie: 0, queue });
    return this.#backend.rawTx(this.#driver, frame, 0);
  }

  #room(sizeBytes: number, queue: number): Frame {
    const frame = new Frame();
    frame.queue = queue;
    for (let bytes = 0; bytes < sizeBytes; bytes += PIECE_BYTES)
      frame.push(new Uint8Array(PIECE_BYTES), 0, PIECE_BYTES);
    return frame;
  }

  #take(frames: readonly Frame[], lengths: readonly number[]): void {
    for (const [i, frame] of frames.entries()) {
      const bytes = new Uint8Array(lengths[i] ?? 0);
      if (bytes.length === 0) continue;
      readFrame(frame, bytes);
      const { flags, gsoType, hdrLen, gsoSize, csumStart, csumOffset, queue } = frame;
      this.received.push({ bytes, flags, gsoType, hdrLen, gsoSize, csumStart, csumOffset, queue });
    }
  }
}
