import { afterMicroseconds } from "./later.ts";

/** How long after each acknowledgement the guest is asked again. */
const PAUSES_USECS: readonly number[] = [50_000, 150_000];

/**
 * Has the guest announce itself where it is now: at once, and twice more, a while after it acknowledged. One announcement
 * may be lost on the way, and Linux loses it by itself where it hears of it together with a link that came up: it sends
 * before it takes the link for one.
 */
export class Announcer {
  readonly #ask: () => boolean;
  /** How often it was acknowledged since `start`; past the last pause where nothing is to be repeated. */
  #rounds = PAUSES_USECS.length;
  #cancel: (() => void) | null = null;

  /** @param ask asks once; false where there is nobody to ask */
  constructor(ask: () => boolean) {
    this.#ask = ask;
  }

  /** Asks for the first time. False where there is nobody to ask. */
  start(): boolean {
    this.stop();
    if (!this.#ask()) return false;
    this.#rounds = 0;
    return true;
  }

  /** The guest has done as it was asked. */
  acknowledged(): void {
    const pause = PAUSES_USECS[this.#rounds];
    if (pause === undefined || this.#cancel !== null) return;
    this.#rounds++;
    this.#cancel = afterMicroseconds(pause, () => {
      this.#cancel = null;
      this.#ask();
    });
  }

  /** Nothing is repeated any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#rounds = PAUSES_USECS.length;
  }
}
