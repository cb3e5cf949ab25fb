import { type Backend, type EthDriver, Frame, type RawIfaceCallbacks } from "@vmmkit/ethif";

const ROOM_BYTES = 2048;

/**
 * A card that allocates nothing itself, for tests of what a backend allocates. It has one frame to send, again and
 * again, and rooms that come back at once. Both lie in pieces of 20 bytes: shorter than what is copied through a
 * view, so that a copy between two guests' memories needs none.
 */
export class LeanCard {
  /** Frames that arrived. */
  received = 0;
  readonly #backend: Backend;
  readonly #driver: EthDriver;
  readonly #memory = new Uint8Array(1 << 20);
  readonly #frame = new Frame();
  readonly #rooms: Frame[] = [];
  #roomsOut = 0;

  /** @param rooms how many rooms there are */
  constructor(backend: Backend, rooms: number) {
    for (let i = 0; i < rooms; i++) {
      const room = new Frame();
      for (let at = 0; at < 80; at += 20) room.push(this.#memory, ROOM_BYTES * (i + 1) + at, 20);
      this.#rooms.push(room);
    }
    const callbacks: RawIfaceCallbacks = {
      txComplete: () => {},
      allocateRxBuf: () => this.#rooms[this.#roomsOut++] ?? null,
      rxComplete: (count) => {
        this.received += count;
        this.#roomsOut = 0;
      },
      linkChange: () => {},
    };
    this.#backend = backend;
    this.#driver = { name: "lean card", callbacks, funcs: backend, ethData: null, raiseIrq: () => {} };
    backend.lowLevelInit(this.#driver);
    this.#memory.set(backend.getMac(this.#driver), 6);
    for (let at = 0; at < 60; at += 20) this.#frame.push(this.#memory, at, 20);
  }

  /** The address that frames go to. */
  set to(mac: Uint8Array) {
    this.#memory.set(mac, 0);
  }

  /** This card's address. */
  get mac(): Uint8Array {
    return this.#backend.getMac(this.#driver);
  }

  /** Sends the frame so many times, and flushes. */
  send(count: number): void {
    for (let i = 0; i < count; i++) this.#backend.rawTx(this.#driver, this.#frame, 0);
    this.#backend.rawTxFlush?.(this.#driver);
  }
}
