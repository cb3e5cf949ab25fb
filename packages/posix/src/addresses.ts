import { koffi } from "./libc.ts";

/*
 * A raw address does not keep alive what is there: a buffer that only its address is known of is collected, and who
 * writes there then corrupts the heap. So addresses come from here alone, in two ways:
 *
 * - `addressOf`, for a system call that is made before the caller returns: the caller has the view in its hands.
 * - `Pin`, for an address that outlives the call: the pin holds the buffer until it is released.
 *
 * Bytes of an `ArrayBuffer`, a `SharedArrayBuffer` and WebAssembly memory do not move while they live. Small typed
 * arrays that were made without a buffer may lie on the JavaScript heap, which does move things; asking for `.buffer`
 * moves them off it for good.
 */

/** Where buffers start. The collector forgets the entries of those that go. */
const starts = new WeakMap<ArrayBufferLike, number>();

/** What `addressOf` takes. */
export type Bytes = ArrayBufferView;

/**
 * The address of a view's first byte. Good for a system call that is made at once, while the caller keeps the view;
 * for anything longer there is `Pin`.
 * @returns 0 for a view without bytes, detached ones included
 */
export function addressOf(view: Bytes): number {
  if (view.byteLength === 0) return 0;
  const { buffer } = view;
  let start = starts.get(buffer);
  if (start === undefined) {
    // SharedArrayBuffers have an address only as a view; so has each of the others.
    start = Number(koffi().address(new Uint8Array(buffer)));
    starts.set(buffer, start);
  }
  return start + view.byteOffset;
}

const pinned = new Set<Pin>();

/** Keeps a buffer alive at its address, for whoever goes on using it after a call: the kernel, another process. */
export class Pin {
  /** The address of the first byte, until `release`. */
  readonly address: number;
  /** Bytes from there on. */
  readonly lengthBytes: number;
  #view: Bytes | null;

  /** @throws RangeError for a view without bytes: it has no address */
  constructor(view: Bytes) {
    if (view.byteLength === 0) throw new RangeError('"view" expected at least 1 byte, got 0');
    this.address = addressOf(view);
    this.lengthBytes = view.byteLength;
    this.#view = view;
    pinned.add(this);
  }

  /** Whether the buffer is still held. */
  get held(): boolean {
    return this.#view !== null;
  }

  /** The buffer may go. Nobody may use the address any more. A second call does nothing. */
  release(): void {
    this.#view = null;
    pinned.delete(this);
  }
}
