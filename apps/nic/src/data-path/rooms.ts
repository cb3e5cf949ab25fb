import { Frame, type FrameMemory } from "@vmmkit/ethif";

/** Rooms for frames, in one piece of memory. */
export class Rooms {
  readonly count: number;
  readonly roomBytes: number;
  readonly #firstCookie: number;
  readonly #memory: FrameMemory;
  /** From one room's start to the next one's: on words, so that checksums are taken of words. */
  readonly #stride: number;
  readonly #frames: readonly Frame[];
  /** Those that nothing is in. */
  readonly #spare: Frame[] = [];

  /** @param firstCookie the cookie of the first room; the others' follow */
  constructor(firstCookie: number, count: number, roomBytes: number) {
    this.count = count;
    this.roomBytes = roomBytes;
    this.#firstCookie = firstCookie;
    this.#stride = (roomBytes + 3) & ~3;
    this.#memory = { bytes: new Uint8Array(count * this.#stride), gpa: 0, hostAddress: 0 };
    this.#frames = Array.from({ length: count }, (_, index) => {
      const frame = new Frame();
      frame.cookie = firstCookie + index;
      return frame;
    });
    for (const frame of this.#frames) this.giveBack(frame.cookie);
  }

  /** A room, from its start to its end; null where all are taken. */
  take(): Frame | null {
    return this.#spare.pop() ?? null;
  }

  /** A room has a frame of that length. Its offload fields stay. */
  shorten(room: Frame, lengthBytes: number): void {
    room.place(this.#memory, (room.cookie - this.#firstCookie) * this.#stride, lengthBytes);
  }

  giveBack(cookie: number): void {
    const room = this.#frames[cookie - this.#firstCookie];
    if (room === undefined) return;
    room.clear();
    this.shorten(room, this.roomBytes);
    this.#spare.push(room);
  }
}
