import { ClosedError } from "./errors.ts";
import type { Fd } from "./fd.ts";

/** What a watch waits for, and what is reported to it. */
export const Ready = {
  /** There is something to read. */
  Read: 0x1,
  /** Writing is possible again. */
  Write: 0x4,
  /** Something is wrong with the descriptor. Reported whether it was asked for or not. */
  Error: 0x8,
  /** The other side is gone. Reported whether it was asked for or not. */
  HangUp: 0x10,
} as const;

/** Told what a descriptor is ready for: bits of `Ready`. */
export type ReadyListener = (ready: number) => void;

/** What a watch needs of its poller. */
export interface WatchOwner {
  /** What the kernel reports of a descriptor from now on, where it reported `before` until now. */
  change(fd: number, slot: number, before: number, events: number): void;
  /** One more watch, or one less, keeps the process alive. */
  keepAlive(more: boolean): void;
  /** The watch in this place is closed. */
  remove(slot: number): void;
}

/** A descriptor that a poller watches. */
export class Watch {
  readonly #owner: WatchOwner;
  readonly #fd: number;
  readonly #slot: number;
  readonly #listener: ReadyListener;
  readonly #forget: () => void;
  #events = 0;
  #referenced = true;
  #closed = false;

  /** Use `Poller.watch`. @throws ClosedError */
  constructor(owner: WatchOwner, fd: Fd, slot: number, listener: ReadyListener) {
    this.#owner = owner;
    this.#fd = fd.number;
    this.#slot = slot;
    this.#listener = listener;
    this.#forget = fd.beforeClose(() => this.close());
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What it waits for now: bits of `Ready`. */
  get events(): number {
    return this.#events;
  }

  /**
   * Waits for something else from now on. For 0 nothing is reported at all, errors neither, until there is another.
   * @param events bits of `Ready`
   * @throws ClosedError, PosixError
   */
  setEvents(events: number): void {
    if (this.#closed) throw new ClosedError("the watch is closed");
    if (events === this.#events) return;
    this.#owner.change(this.#fd, this.#slot, this.#events, events);
    this.#set(events, this.#referenced);
  }

  /** Lets the process end although this waits. */
  unref(): this {
    this.#set(this.#events, false);
    return this;
  }

  /** Keeps the process alive as long as this waits for something, which is how a watch starts. */
  ref(): this {
    this.#set(this.#events, true);
    return this;
  }

  /** Ends it at once: the listener is not called again. Call it before the descriptor is closed elsewhere. */
  close(): void {
    if (this.#closed) return;
    this.setEvents(0);
    this.#closed = true;
    this.#forget();
    this.#owner.remove(this.#slot);
  }

  /** For the poller: something is ready. */
  report(ready: number): void {
    // It may have stopped waiting since the kernel said so.
    if (this.#events !== 0 && (ready & (this.#events | Ready.Error | Ready.HangUp)) !== 0) this.#listener(ready);
  }

  #set(events: number, referenced: boolean): void {
    const before = this.#referenced && this.#events !== 0;
    this.#events = events;
    this.#referenced = referenced;
    const now = referenced && events !== 0;
    if (now !== before) this.#owner.keepAlive(now);
  }
}
