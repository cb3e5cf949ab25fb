import { type EthDriver, type RawIfaceFuncs, readFrame, TxResult, writeFrame } from "@vmmkit/ethif";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";

/** What carries no frame any further, until it is told to. A frame starts with its number, 32 bits of it. */
export class SlowCarrier {
  readonly funcs: RawIfaceFuncs;
  /** By number of the frame: its cookie. */
  readonly #waiting = new Map<number, number>();
  #card: EthDriver | null = null;

  constructor() {
    this.funcs = {
      ...virtioNetDefaultBackend(),
      lowLevelInit: (driver) => {
        this.#card = driver;
        return { mac: new Uint8Array([0x52, 0x54, 0, 0, 0, 1]), mtu: 1500 };
      },
      rawTx: (_driver, sent, cookie) => {
        const bytes = new Uint8Array(sent.totalBytes);
        readFrame(sent, bytes);
        this.#waiting.set(frameNumber(bytes), cookie);
        return TxResult.Enqueued;
      },
    };
  }

  /** Numbers of frames that the guest sent and that wait here, in order. */
  get waiting(): readonly number[] {
    return [...this.#waiting.keys()];
  }

  /** A frame has been carried. */
  complete(number: number): void {
    const cookie = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (cookie !== undefined) this.#card?.callbacks.txComplete(cookie);
  }

  /** Gives the guest a frame. False where it has no room. */
  deliver(bytes: Uint8Array): boolean {
    const { callbacks } = this.#card ?? {};
    const room = callbacks?.allocateRxBuf(bytes.length) ?? null;
    if (room === null) return false;
    writeFrame(room, bytes);
    callbacks?.rxComplete(1, [room], [bytes.length]);
    return true;
  }
}

/** A frame with a number. */
export function numbered(number: number, lengthBytes = 60): Uint8Array {
  const bytes = new Uint8Array(lengthBytes).fill(number);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

/** The number of a frame. */
export function frameNumber(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
