import type { Doorbell } from "../../src/index.ts";

/** A doorbell that counts, and whose messages arrive when the test says so. */
export class FakeDoorbell implements Doorbell {
  /** Messages sent from here, in all. */
  rung = 0;
  closed = false;
  #underWay = 0;
  #other: FakeDoorbell | null = null;
  readonly #listeners = { message: new Set<() => void>(), close: new Set<() => void>() };

  /** Two that belong together. */
  static pair(): [FakeDoorbell, FakeDoorbell] {
    const first = new FakeDoorbell();
    const second = new FakeDoorbell();
    first.#other = second;
    second.#other = first;
    return [first, second];
  }

  postMessage(): void {
    if (this.closed) throw new Error("a message was posted to a doorbell that is closed");
    this.rung++;
    if (this.#other !== null) this.#other.#underWay++;
  }

  /** Messages sent to here arrive now. Answers how many there were. */
  deliver(): number {
    const count = this.#underWay;
    this.#underWay = 0;
    for (let i = 0; i < count; i++) this.#call("message");
    return count;
  }

  /** The other side's thread ends without a word. */
  lose(): void {
    this.#call("close");
  }

  addEventListener(type: "message" | "close", listener: () => void): void {
    this.#listeners[type].add(listener);
  }

  removeEventListener(type: "message" | "close", listener: () => void): void {
    this.#listeners[type].delete(listener);
  }

  close(): void {
    this.closed = true;
  }

  #call(type: "message" | "close"): void {
    for (const listener of [...this.#listeners[type]]) listener();
  }
}
