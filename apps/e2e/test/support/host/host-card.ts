import { type EthDriver, Frame, type RawIfaceFuncs, readFrame } from "@vmmkit/ethif";

/** Room for the longest frame that there is. */
const ROOM_BYTES = 65535 + 18;

/** A card without a guest: the host itself on a hub's port. Runs wherever JavaScript does. */
export class HostCard {
  /** The port's address. */
  readonly mac: Uint8Array;
  readonly #backend: RawIfaceFuncs;
  readonly #driver: EthDriver;
  readonly #spare: Frame[] = [];

  /**
   * @param backend a port
   * @param onFrame gets each frame that comes; the bytes are its own
   */
  constructor(backend: RawIfaceFuncs, onFrame: (frame: Uint8Array) => void) {
    this.#backend = backend;
    this.#driver = {
      name: "host",
      funcs: backend,
      ethData: null,
      callbacks: {
        txComplete: () => {
          // Each frame is sent from bytes of its own, so there is nothing to take back.
        },
        allocateRxBuf: () => this.#spare.pop() ?? newRoom(),
        rxComplete: (count, frames, lengths) => this.#received(frames.slice(0, count), lengths, onFrame),
        linkChange: () => {
          // The host sends and receives all the same.
        },
      },
      raiseIrq: () => {
        // The host looks at once; nobody interrupts it.
      },
    };
    this.mac = backend.lowLevelInit(this.#driver).mac.slice();
  }

  /** Sends a frame. The bytes belong to the wire from now on. */
  send(bytes: Uint8Array): void {
    const frame = new Frame();
    frame.push(bytes, 0, bytes.length);
    frame.cookie = 0;
    this.#backend.rawTx(this.#driver, frame, 0);
    this.#backend.rawTxFlush?.(this.#driver);
  }

  #received(frames: readonly Frame[], lengths: readonly number[], onFrame: (frame: Uint8Array) => void): void {
    const arrived: Uint8Array[] = [];
    for (const [i, frame] of frames.entries()) {
      const bytes = new Uint8Array(lengths[i] ?? 0);
      readFrame(frame, bytes);
      if (bytes.length > 0) arrived.push(bytes);
      this.#spare.push(frame);
    }
    for (const bytes of arrived) onFrame(bytes);
  }
}

function newRoom(): Frame {
  const frame = new Frame();
  frame.push(new Uint8Array(ROOM_BYTES), 0, ROOM_BYTES);
  return frame;
}
