/** Where `viewOf` keeps a view: so many of a region's places. A power of two. */
const VIEWS = 512;
/** Spreads offsets over those places: 2^32 divided by the golden ratio. */
const SPREAD = 0x9e37_79b1;
/** Offsets within a line of a cache share a place: buffers that a guest uses again start on one. */
const LINE_BITS = 4;

/** Shorter arrays are hardly guest memory, and may have been made for one frame: views of them would not pay. */
const REGION_BYTES = 0x1_0000;

const known = new WeakMap<Uint8Array, WideBytes>();

/**
 * A region of guest memory in wider words, for copying. All views are made once and start at the same byte, the last
 * multiple of 8 of the buffer before the region; `shift` bytes behind it the region begins.
 */
export class WideBytes {
  readonly bytes: Uint8Array;
  readonly shift: number;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly u64: BigInt64Array;
  readonly #buffer: ArrayBufferLike;
  readonly #byteOffset: number;
  /** Views handed out before, and where they start. */
  readonly #views: (Uint8Array | null)[] = new Array<Uint8Array | null>(VIEWS).fill(null);
  readonly #viewFrom: Float64Array = new Float64Array(VIEWS);

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#buffer = bytes.buffer;
    this.#byteOffset = bytes.byteOffset;
    this.shift = this.#byteOffset & 7;
    const start = this.#byteOffset - this.shift;
    const length = this.shift + bytes.length;
    this.u16 = new Uint16Array(this.#buffer, start, length >>> 1);
    this.u32 = new Uint32Array(this.#buffer, start, length >>> 2);
    this.u64 = new BigInt64Array(this.#buffer, start, length >>> 3);
  }

  /**
   * A view of `count` bytes. Making one costs 20 ns and the collector's time; guests use their buffers again and
   * again, so the one of last time is mostly the right one.
   */
  viewOf(from: number, count: number): Uint8Array {
    const at = Math.imul(from >>> LINE_BITS, SPREAD) >>> 23;
    const kept = this.#views[at];
    if (kept !== null && kept !== undefined && this.#viewFrom[at] === from && kept.length === count) return kept;
    const view = new Uint8Array(this.#buffer, this.#byteOffset + from, count);
    this.#views[at] = view;
    this.#viewFrom[at] = from;
    return view;
  }
}

/** The wide views of a region: the same ones each time. Null for an array too short to be one, or detached. */
export function wideBytes(bytes: Uint8Array): WideBytes | null {
  if (bytes.length < REGION_BYTES) return null;
  let wide = known.get(bytes);
  if (wide === undefined) {
    wide = new WideBytes(bytes);
    known.set(bytes, wide);
  }
  return wide;
}
