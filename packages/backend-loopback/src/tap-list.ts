import type { Frame } from "@vmmkit/ethif";

/** Which way a frame crossed a port: `in` from the port into the hub, `out` from the hub to the port. */
export type TapDirection = "in" | "out";

/**
 * Is shown each frame that crosses a port. The frame lies in memory that a guest may be writing, and belongs to the
 * hub: copy what is needed (`readFrame`) before returning, and call nothing of the hub's.
 * @param lengthBytes how many of the frame's bytes count
 * @param port the port's name
 */
export type TapListener = (frame: Frame, lengthBytes: number, port: string, direction: TapDirection) => void;

/** Who listens at a hub. */
export class TapList {
  /** Whether there is anybody. Asked for each frame, so it costs a field and no more. */
  listening = false;
  /** Listeners that threw, and were told nothing more. */
  failed = 0;
  #listeners: readonly TapListener[] = [];

  /** Adds a listener. Answers the function that ends it. */
  add(listener: TapListener): () => void {
    this.#set([...this.#listeners, listener]);
    return () => this.#set(this.#listeners.filter((other) => other !== listener));
  }

  /** Shows a frame to all. One that throws is not to stop the frames: it is left out from then on. */
  show(frame: Frame, lengthBytes: number, port: string, direction: TapDirection): void {
    for (const listener of this.#listeners) {
      try {
        listener(frame, lengthBytes, port, direction);
      } catch {
        this.failed++;
        this.#set(this.#listeners.filter((other) => other !== listener));
      }
    }
  }

  #set(listeners: readonly TapListener[]): void {
    this.#listeners = listeners;
    this.listening = listeners.length > 0;
  }
}
