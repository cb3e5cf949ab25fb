import { copyFrame, Frame } from "@vmmkit/ethif";

/** The cookie of the first copy. Cards count from 0 up, and -1 stands for none. */
const FIRST_COOKIE = -2;

/** How many copies that came back are kept for later. */
const SPARE_COPIES = 64;

/** Frames of our own, for bytes that cannot stay in the guest's memory. They are numbered below every card's cookies. */
export class Copies {
  readonly #limitBytes: number;
  #outBytes = 0;
  /** By number; null where one is not out. */
  readonly #out: (Frame | null)[] = [];
  readonly #free: number[] = [];
  readonly #spare: Uint8Array[] = [];

  /** @param limitBytes how many bytes may be out at a time */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes that are out. */
  get outBytes(): number {
    return this.#outBytes;
  }

  /** A copy of a frame, or null where the limit does not allow for it. */
  take(source: Frame): Frame | null {
    const bytes = source.totalBytes;
    if (this.#outBytes + bytes > this.#limitBytes) return null;
    const frame = new Frame();
    frame.push(this.#room(bytes), 0, bytes);
    copyFrame(source, frame);
    const number = this.#free.pop() ?? this.#out.length;
    frame.cookie = FIRST_COOKIE - number;
    this.#out[number] = frame;
    this.#outBytes += bytes;
    return frame;
  }

  /** Takes a copy back. False where the cookie is not one of ours. @throws RangeError for a copy that is not out */
  release(cookie: number): boolean {
    if (!(cookie <= FIRST_COOKIE)) return false;
    const number = FIRST_COOKIE - cookie;
    const frame = this.#out[number];
    if (frame === undefined || frame === null) {
      throw new RangeError(`"cookie" expected a frame that is out, got ${cookie}`);
    }
    this.#out[number] = null;
    this.#free.push(number);
    this.#outBytes -= frame.totalBytes;
    const memory = frame.bytes[0];
    if (memory !== undefined && this.#spare.length < SPARE_COPIES) this.#spare.push(memory);
    return true;
  }

  #room(bytes: number): Uint8Array {
    const spare = this.#spare.pop();
    return spare !== undefined && spare.length >= bytes ? spare : new Uint8Array(bytes);
  }
}
