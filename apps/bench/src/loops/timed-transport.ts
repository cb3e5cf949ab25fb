import type { GuestTransport } from "@vmmkit/guest-driver";
import type { Stopwatch } from "./stopwatch.ts";

/** A transport whose notifications are timed: from the guest's instruction until it goes on. */
export class TimedTransport implements GuestTransport {
  readonly legacyLayout: boolean;
  readonly #below: GuestTransport;
  readonly #watch: Stopwatch;

  constructor(below: GuestTransport, watch: Stopwatch) {
    this.legacyLayout = below.legacyLayout;
    this.#below = below;
    this.#watch = watch;
  }

  notify(queue: number): void {
    this.#watch.start();
    this.#below.notify(queue);
    this.#watch.stop();
  }

  readDeviceFeatures(word: number): number {
    return this.#below.readDeviceFeatures(word);
  }

  writeDriverFeatures(word: number, bits: number): void {
    this.#below.writeDriverFeatures(word, bits);
  }

  readStatus(): number {
    return this.#below.readStatus();
  }

  writeStatus(status: number): void {
    this.#below.writeStatus(status);
  }

  readIsr(): number {
    return this.#below.readIsr();
  }

  readQueueSize(queue: number): number {
    return this.#below.readQueueSize(queue);
  }

  writeQueue(queue: number, descTable: number, availRing: number, usedRing: number, size?: number): void {
    this.#below.writeQueue(queue, descTable, availRing, usedRing, size);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.#below.readConfig(offset, size);
  }

  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    this.#below.writeConfig(offset, size, value);
  }
}
