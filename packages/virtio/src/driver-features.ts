import type { VirtioDevice } from "./device.ts";
import * as spec from "./spec.ts";

/** Through which interface a driver speaks to the device. A legacy driver knows no FEATURES_OK (3.1.2). */
export type VirtioInterface = "legacy" | "modern";

/** Bits 0 to 31 that the legacy interface alone has (6.3): NOTIFY_ON_EMPTY, ANY_LAYOUT, and bit 30, which nothing uses. */
const LEGACY_FEATURES = 2 ** spec.VIRTIO_F_NOTIFY_ON_EMPTY + 2 ** spec.VIRTIO_F_ANY_LAYOUT + 2 ** 30;

/** What a device offers, and what its driver took of it (VIRTIO 1.2, 2.2). */
export class DriverFeatures {
  /** Features that both sides have, bits 0 to 31. */
  low = 0;
  /** Features that both sides have, bits 32 to 63. */
  high = 0;
  /** The driver accepted a feature that was never offered. */
  tookTooMuch = false;
  readonly #device: VirtioDevice;

  constructor(device: VirtioDevice) {
    this.#device = device;
  }

  /** Whether both sides have feature `bit`. Through the legacy interface nobody has one beyond 31 (4.1.4.10). */
  has(bit: number): boolean {
    const word = bit < 32 ? this.low : this.high;
    return bit < 64 && ((word >>> (bit & 31)) & 1) !== 0;
  }

  /** Features that both sides have: bits `32 * word` to `32 * word + 31`. */
  word(word: number): number {
    if (word === 0) return this.low;
    return word === 1 ? this.high : 0;
  }

  /** Features on offer, likewise. What only the legacy interface has is offered there alone. */
  offered(word: number, by: VirtioInterface): number {
    if (by === "legacy") return word === 0 ? this.#device.featuresLow >>> 0 : 0;
    if (word === 0) return (this.#device.featuresLow & ~LEGACY_FEATURES) >>> 0;
    return word === 1 ? this.#device.featuresHigh >>> 0 : 0;
  }

  /** The driver chooses, likewise. What was not on offer is not taken. */
  take(word: number, value: number, by: VirtioInterface): void {
    const taken = (value & this.offered(word, by)) >>> 0;
    if (taken !== value >>> 0) this.tookTooMuch = true;
    if (word === 0) this.low = taken;
    else if (word === 1) this.high = taken;
  }

  /** Whether the device can work with what was taken: a modern driver's FEATURES_OK stands or falls with it (2.2.2). */
  acceptable(): boolean {
    if (this.tookTooMuch || !this.has(spec.VIRTIO_F_VERSION_1)) return false;
    return this.#device.acceptsFeatures?.(this.low, this.high) ?? true;
  }

  /** Nothing was taken. */
  reset(): void {
    this.low = 0;
    this.high = 0;
    this.tookTooMuch = false;
  }
}
