/**
 * A variable of 32 bits in v86's WebAssembly memory. v86's own name for it is a Proxy, which makes a typed array at each
 * access and costs ten times as much; the address stays, so a view can be kept until the memory grows.
 */
export class EmulatorWord {
  readonly #memory: { readonly buffer: ArrayBuffer };
  readonly #byteOffset: number;
  #view: Int32Array;

  /** @param memory whose `buffer` is another one each time it has grown */
  constructor(memory: { readonly buffer: ArrayBuffer }, byteOffset: number) {
    this.#memory = memory;
    this.#byteOffset = byteOffset;
    this.#view = new Int32Array(memory.buffer, byteOffset, 1);
  }

  get value(): number {
    return this.#current()[0] as number;
  }

  set value(value: number) {
    this.#current()[0] = value;
  }

  /** The memory took the bytes of a view that was made before it grew. */
  #current(): Int32Array {
    if (this.#view.length === 0) this.#view = new Int32Array(this.#memory.buffer, this.#byteOffset, 1);
    return this.#view;
  }
}
