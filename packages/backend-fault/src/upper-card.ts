import type { EthDriver, Frame, RawIfaceCallbacks } from "@vmmkit/ethif";

/** The card above, once there is one. Before that it takes nothing. */
export class UpperCard implements RawIfaceCallbacks {
  #driver: EthDriver | null = null;

  /** The card itself, or null. */
  get driver(): EthDriver | null {
    return this.#driver;
  }

  /** @throws Error where there is a card already */
  attach(driver: EthDriver): void {
    if (this.#driver !== null) {
      throw new Error(`"driver" expected no other card, but "${this.#driver.name}" has this backend already`);
    }
    this.#driver = driver;
  }

  // Called without `this`, so these are fields.
  readonly txComplete = (cookie: number): void => this.#driver?.callbacks.txComplete(cookie);

  readonly allocateRxBuf = (sizeBytes: number, queue?: number): Frame | null =>
    this.#driver === null ? null : this.#driver.callbacks.allocateRxBuf(sizeBytes, queue);

  readonly rxComplete = (count: number, frames: readonly Frame[], lengths: readonly number[]): void =>
    this.#driver?.callbacks.rxComplete(count, frames, lengths);

  readonly linkChange = (up: boolean): void => this.#driver?.callbacks.linkChange(up);
}
