import type { Frame } from "@vmmkit/ethif";
import { HeldFrame } from "./held-frame.ts";

/** How many entries a line starts with: a power of two. */
const FIRST_ENTRIES = 64;

/**
 * Frames that wait in line, and at most one that stands aside until others have overtaken it. What is taken out comes
 * back with `recycle`, so that nothing is allocated for a frame once the line is as long as it gets.
 */
export class Line {
  /** A circle; its length is a power of two. */
  #entries: (HeldFrame | null)[] = new Array<HeldFrame | null>(FIRST_ENTRIES).fill(null);
  #first = 0;
  #count = 0;
  #lastDueMs = 0;
  #aside: HeldFrame | null = null;
  #toOvertake = 0;
  #asideUntilMs = 0;
  readonly #spare: HeldFrame[] = [];

  /** How many frames there are, the one aside included. */
  get count(): number {
    return this.#aside === null ? this.#count : this.#count + 1;
  }

  /** The next to go, or null. */
  get head(): HeldFrame | null {
    return this.#count === 0 ? null : (this.#entries[this.#first] ?? null);
  }

  /** Whether one stands aside. */
  get hasAside(): boolean {
    return this.#aside !== null;
  }

  /** When it has to stand in line again at the latest. */
  get asideUntilMs(): number {
    return this.#asideUntilMs;
  }

  /** An entry for a frame. */
  entry(frame: Frame, bytes: number): HeldFrame {
    const held = this.#spare.pop() ?? new HeldFrame();
    held.begin(frame, bytes);
    return held;
  }

  /** Puts a frame at the end; it goes no sooner than the one before it. */
  push(held: HeldFrame): void {
    this.#append(held);
    if (this.#aside !== null && --this.#toOvertake === 0) this.rejoin();
  }

  /** Puts a frame aside, where none is, until `frames` others were pushed or `rejoin` is called. */
  putAside(held: HeldFrame, frames: number, untilMs: number): void {
    this.#aside = held;
    this.#toOvertake = frames;
    this.#asideUntilMs = untilMs;
  }

  /** The one that stands aside, if there is one, goes to the end of the line. */
  rejoin(): void {
    const aside = this.#aside;
    if (aside === null) return;
    this.#aside = null;
    this.#append(aside);
  }

  /** Takes the head out of the line, or answers null. */
  shift(): HeldFrame | null {
    const held = this.head;
    if (held === null) return null;
    this.#entries[this.#first] = null;
    this.#first = (this.#first + 1) & (this.#entries.length - 1);
    this.#count--;
    return held;
  }

  /** Takes the head out of the line, and when that is empty the one that stands aside. */
  takeAny(): HeldFrame | null {
    if (this.#count === 0) this.rejoin();
    return this.shift();
  }

  /** An entry is used no longer. */
  recycle(held: HeldFrame): void {
    held.end();
    this.#spare.push(held);
  }

  #append(held: HeldFrame): void {
    if (this.#count === this.#entries.length) this.#grow();
    if (this.#count > 0) held.dueMs = Math.max(held.dueMs, this.#lastDueMs);
    this.#lastDueMs = held.dueMs;
    this.#entries[(this.#first + this.#count) & (this.#entries.length - 1)] = held;
    this.#count++;
  }

  #grow(): void {
    const entries = this.#entries;
    const inOrder = [...entries.slice(this.#first), ...entries.slice(0, this.#first)];
    this.#entries = [...inOrder, ...new Array<HeldFrame | null>(entries.length).fill(null)];
    this.#first = 0;
  }
}
