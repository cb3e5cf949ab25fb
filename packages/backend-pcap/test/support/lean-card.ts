import { type Backend, type EthDriver, Frame, type RawIfaceCallbacks } from "@vmmkit/ethif";

const PIECE_BYTES = 20;
const PIECES = 3;

/**
 * A card that allocates nothing itself: one frame to send again and again, and rooms that come back at once. Both lie
 * in pieces shorter than what is copied through a view.
 */
export class LeanCard {
  received = 0;
  readonly #backend: Backend;
  readonly #driver: EthDriver;
  readonly #memory = new Uint8Array(1 << 20);
  readonly #frame: Frame;
  readonly #rooms: Frame[] = [];
  #out = 0;

  /** @param rooms how many rooms there are */
  constructor(backend: Backend, rooms: number) {
    this.#frame = this.#pieces(0);
    for (let i = 1; i <= rooms; i++) this.#rooms.push(this.#pieces(i * 1024));
    const callbacks: RawIfaceCallbacks = {
      txComplete: () => {},
      allocateRxBuf: () => this.#rooms[this.#out++] ?? null,
      rxComplete: (count) => {
        this.received += count;
        this.#out = 0;
      },
      linkChange: () => {},
    };
    this.#backend = backend;
    this.#driver = { name: "lean card", callbacks, funcs: backend, ethData: null, raiseIrq: () => {} };
    backend.lowLevelInit(this.#driver);
  }

  /** Sends the frame so many times, and flushes. */
  send(count: number): void {
    for (let i = 0; i < count; i++) this.#backend.rawTx(this.#driver, this.#frame, 0);
    this.#backend.rawTxFlush?.(this.#driver);
  }

  #pieces(at: number): Frame {
    const frame = new Frame();
    for (let i = 0; i < PIECES; i++) frame.push(this.#memory, at + i * PIECE_BYTES, PIECE_BYTES);
    return frame;
  }
}
