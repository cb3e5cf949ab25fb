import { type EthDriver, Frame, type FrameMemory, type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";

const ROOM_BYTES = 65536 + 64;
/** Rooms that frames are in on their way: as many as may wait on the other side, and those of a batch. */
const ROOMS = 512;

/** What is done with a frame that came: `Enqueued` where its room is still needed. */
export type OnFrame = (frame: Frame) => TxResult;

/**
 * The least that a card can be: each frame that comes is handed on in the room that it was read into. Rooms come
 * back with `give`.
 */
export class CableEnd {
  readonly driver: EthDriver;
  readonly #free: Frame[] = [];
  readonly #all: Frame[] = [];
  /** The memory of each, by its cookie. */
  readonly #memory: FrameMemory[] = [];

  /**
   * @param onFrame gets a frame as long as it came
   * @param onBatch called when those were all for now
   */
  constructor(backend: RawIfaceFuncs, onFrame: OnFrame, onBatch: () => void = () => {}) {
    for (let i = 0; i < ROOMS; i++) {
      const frame = new Frame();
      frame.cookie = i;
      this.#all.push(frame);
      this.#memory.push({ bytes: new Uint8Array(ROOM_BYTES), gpa: 0, hostAddress: 0 });
      this.give(i);
    }
    this.driver = {
      name: "cable",
      funcs: backend,
      ethData: null,
      callbacks: {
        txComplete: () => {},
        allocateRxBuf: () => this.#free.pop() ?? null,
        rxComplete: (count, frames, lengths) => {
          for (let i = 0; i < count; i++) this.#pass(frames[i], lengths[i] ?? 0, onFrame);
          onBatch();
        },
        linkChange: () => {},
      },
      raiseIrq: () => {},
    };
    backend.lowLevelInit(this.driver);
  }

  /** A room is not needed any more. */
  give(cookie: number): void {
    const frame = this.#all[cookie];
    if (frame === undefined) return;
    this.#setLength(frame, ROOM_BYTES);
    this.#free.push(frame);
  }

  #pass(frame: Frame | undefined, length: number, onFrame: OnFrame): void {
    if (frame === undefined) return;
    if (length > 0) {
      this.#setLength(frame, length);
      if (onFrame(frame) === TxResult.Enqueued) return;
    }
    this.give(frame.cookie);
  }

  #setLength(frame: Frame, bytes: number): void {
    const memory = this.#memory[frame.cookie];
    if (memory !== undefined) frame.place(memory, 0, bytes);
  }
}

/** The backend, told where rooms go back to. */
export function returning(backend: RawIfaceFuncs, txComplete: (cookie: number) => void): RawIfaceFuncs {
  return {
    ...backend,
    lowLevelInit: (driver) => {
      Object.assign(driver.callbacks, { txComplete });
      return backend.lowLevelInit(driver);
    },
  };
}
