import type { GuestTransport } from "./transport.ts";

/** Words of 32 feature bits that are looked at: bits 0 to 63. */
const WORDS = [0, 1];

/** The feature bits of a device, and those that its driver has accepted (VIRTIO 1.2, 2.2). */
export class FeatureSet {
  readonly #transport: GuestTransport;
  #accepted: ReadonlySet<number> = new Set();

  /** Nothing is accepted yet. */
  constructor(transport: GuestTransport) {
    this.#transport = transport;
  }

  /** Whether the device offers a feature. Reads the register each time. */
  offers(bit: number): boolean {
    return ((this.#transport.readDeviceFeatures(bit >> 5) >>> (bit & 31)) & 1) === 1;
  }

  /** Whether a feature has been accepted. */
  has(bit: number): boolean {
    return this.#accepted.has(bit);
  }

  /** Accepts those of `wanted` that the device offers, and tells it. */
  accept(wanted: readonly number[]): void {
    this.#accepted = new Set(wanted.filter((bit) => this.offers(bit)));
    for (const word of WORDS) {
      let bits = 0;
      for (const bit of this.#accepted) if (bit >> 5 === word) bits |= 1 << (bit & 31);
      this.#transport.writeDriverFeatures(word, bits >>> 0);
    }
  }
}
