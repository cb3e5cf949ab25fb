import type { node } from "koffi";
import { addressOf } from "./addresses.ts";
import { Errno, posixError } from "./errno.ts";
import { CLOEXEC, Fd } from "./fd.ts";
import { errno, koffi, libc } from "./libc.ts";
import { type ReadyListener, Watch, type WatchOwner } from "./watch.ts";

/*
 * How a thread waits for many descriptors (the figures are in the README):
 *
 * All descriptors are in one epoll set, and the event loop waits for that set's own descriptor. So there is one
 * handle in the loop however many descriptors are watched, none of libuv's worker threads is used, and a descriptor
 * can be taken out and closed at once, in the middle of a wait and in the middle of a batch of events.
 *
 * The handle comes from koffi, and has three traps that are dealt with here and nowhere else:
 * - A handle that nobody refers to is collected, and waiting stops without a word. `running` refers to all of them.
 * - An exception that leaves its callback stays pending and the loop goes deaf. `#onTurn` lets none out.
 * - It keeps the process alive until it is unreferenced. It is, except while a watch wants that.
 */

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

/** `struct epoll_event`, which is packed on x64 and nowhere else: 32 bits of events, 64 bits of ours. */
const EVENT_WORDS = process.arch === "x64" ? 3 : 4;
const DATA_WORD = process.arch === "x64" ? 1 : 2;

/** Events taken at a time. What is left is reported in the next turn of the event loop. */
const BATCH = 64;

/**
 * How often one turn of the event loop looks again behind a look that found something: coming back from the event loop
 * costs several times what a look does.
 */
const MORE_LOOKS = 4;
/** After a look in vain, so many turns do not look again. */
const REST_TURNS = 8;

/** A poller that spins leaves the event loop to others at the latest after so long. */
const MOST_SPIN_MS = 0.5;

/** Options of a poller. */
export interface PollerOptions {
  /**
   * For how many microseconds it goes on looking after something was ready, before the thread may sleep: 0 to 500. What
   * comes one upon the other is found sooner so, for a processor that does nothing else meanwhile. Where nothing comes,
   * nothing is spun. Default 0.
   */
  readonly spinUs?: number;
}

/** The handles in the event loop. Without a reference from here they would be collected and stop silently. */
const running = new Set<node.PollHandle>();

/**
 * Waits for any number of descriptors on one thread. Level-triggered: what is ready and was not dealt with is
 * reported again. Listeners run in the event loop, or inside `wait`.
 */
export class Poller implements WatchOwner {
  readonly #epoll: Fd;
  readonly #watches: (Watch | undefined)[] = [];
  /** Per place, how many watches it has had: an event for one of them is not for the next. */
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  readonly #events: Int32Array = new Int32Array(new ArrayBuffer(BATCH * EVENT_WORDS * 4));
  readonly #eventsAddress: number = addressOf(this.#events);
  /** For `epoll_ctl`; apart from `#events`, as listeners change watches while that is being read. */
  readonly #request: Int32Array = new Int32Array(new ArrayBuffer(EVENT_WORDS * 4));
  readonly #requestAddress: number = addressOf(this.#request);
  #handle: node.PollHandle | null = null;
  /** Watches that keep the process alive. */
  #alive = 0;
  #dispatching = false;
  /** So many turns more do not look again. */
  #rest = 0;

  readonly #spinMs: number;

  /** @throws RangeError, PosixError, UnsupportedPlatformError */
  constructor(options: PollerOptions = {}) {
    const { spinUs = 0 } = options;
    if (!(spinUs >= 0 && spinUs <= 1000 * MOST_SPIN_MS)) {
      throw new RangeError(`"spinUs" expected a number from 0 to ${1000 * MOST_SPIN_MS}, got ${spinUs}`);
    }
    this.#spinMs = spinUs / 1000;
    const number = libc().epoll_create1(CLOEXEC);
    if (number < 0) throw posixError(errno(), "epoll_create1");
    this.#epoll = new Fd(number);
  }

  /** How many descriptors are watched. */
  get size(): number {
    return this.#watches.length - this.#free.length;
  }

  /**
   * Watches a descriptor. It is to be in no other watch of this poller. Closing the `Fd` closes the watch.
   * @param events bits of `Ready`; 0 to wait for nothing yet
   * @param listener called in a later turn of the event loop, or from within `wait`. What it throws is an uncaught
   * exception of the process, and the others are told all the same
   * @throws ClosedError, PosixError: EPERM for a file that is always ready, EEXIST for one that is watched
   */
  watch(fd: Fd, events: number, listener: ReadyListener): Watch {
    this.#start();
    const slot = this.#free.pop() ?? this.#watches.length;
    const watch = new Watch(this, fd, slot, listener);
    this.#watches[slot] = watch;
    try {
      watch.setEvents(events);
    } catch (error) {
      watch.close();
      throw error;
    }
    return watch;
  }

  /**
   * Waits on this thread, without the event loop: for a worker that does nothing else, the fastest way there is.
   * Timers and messages wait as long, and a worker cannot be terminated meanwhile.
   * @param timeoutMs how long at most; 0 only looks, -1 is for ever
   * @returns how many descriptors were ready
   * @throws what a listener threw, once all were told; ClosedError, PosixError; Error from within a listener
   */
  wait(timeoutMs: number): number {
    if (this.#dispatching) throw new Error("a listener cannot wait on its own poller");
    const count = libc().epoll_wait(this.#epoll.number, this.#eventsAddress, BATCH, timeoutMs);
    if (count < 0) {
      const reason = errno();
      if (reason === Errno.EINTR) return 0;
      throw posixError(reason, "epoll_wait");
    }
    const failures = this.#dispatch(count);
    if (failures.length > 0) throw failures[0];
    return count;
  }

  /** Closes all watches, and itself. The descriptors stay open. A second call does nothing. */
  close(): void {
    for (const watch of this.#watches) watch?.close();
    if (this.#handle !== null) {
      running.delete(this.#handle);
      this.#handle.close();
      this.#handle = null;
    }
    this.#epoll.close();
  }

  /** For `Watch`. @throws PosixError */
  change(fd: number, slot: number, before: number, events: number): void {
    const operation = before === 0 ? EPOLL_CTL_ADD : events === 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    this.#request[0] = events;
    this.#request[DATA_WORD] = slot;
    this.#request[DATA_WORD + 1] = this.#generations[slot] ?? 0;
    if (libc().epoll_ctl(this.#epoll.number, operation, fd, this.#requestAddress) < 0) {
      throw posixError(errno(), "epoll_ctl", `file descriptor ${fd}`);
    }
  }

  /** For `Watch`. */
  keepAlive(more: boolean): void {
    this.#alive += more ? 1 : -1;
    if (more && this.#alive === 1) this.#handle?.ref();
    if (!more && this.#alive === 0) this.#handle?.unref();
  }

  /** For `Watch`. */
  remove(slot: number): void {
    this.#watches[slot] = undefined;
    this.#generations[slot] = ((this.#generations[slot] ?? 0) + 1) | 0;
    this.#free.push(slot);
  }

  #start(): void {
    if (this.#handle !== null) return;
    this.#handle = koffi().node.poll(this.#epoll.number, { readable: true }, () => this.#onTurn());
    this.#handle.unref();
    running.add(this.#handle);
  }

  /** The event loop says that something is ready. Nothing is thrown from here. */
  #onTurn(): void {
    // A listener that waits for another poller may have come here again.
    if (this.#dispatching || this.#epoll.closed) return;
    this.#look();
    if (this.#spinMs > 0) this.#spin();
    else if (this.#rest > 0) this.#rest--;
    else this.#lookAgain();
  }

  /** Looks once, and tells the listeners. Answers how many descriptors were ready. */
  #look(): number {
    const count = libc().epoll_wait(this.#epoll.number, this.#eventsAddress, BATCH, 0);
    for (const failure of this.#dispatch(count)) {
      setImmediate(() => {
        throw failure;
      });
    }
    return count;
  }

  /** Looks on, while there is something each time. */
  #lookAgain(): void {
    for (let left = MORE_LOOKS; left > 0 && !this.#epoll.closed; left--) {
      if (this.#look() > 0) continue;
      this.#rest = REST_TURNS;
      return;
    }
  }

  /** Goes on looking, as long as things keep coming. */
  #spin(): void {
    const start = performance.now();
    let last = start;
    for (let now = start; now - last < this.#spinMs && now - start < MOST_SPIN_MS; now = performance.now()) {
      if (this.#epoll.closed) return;
      if (this.#look() > 0) last = now;
    }
  }

  /** Tells the listeners. Answers what they threw. */
  #dispatch(count: number): readonly unknown[] {
    const events = this.#events;
    let failures = NONE;
    this.#dispatching = true;
    for (let i = 0; i < count; i++) {
      const at = i * EVENT_WORDS;
      const slot = events[at + DATA_WORD] ?? 0;
      if (events[at + DATA_WORD + 1] !== (this.#generations[slot] ?? 0)) continue;
      try {
        this.#watches[slot]?.report(events[at] ?? 0);
      } catch (error) {
        failures = [...failures, error];
      }
    }
    this.#dispatching = false;
    return failures;
  }
}

const NONE: readonly unknown[] = [];

let shared: Poller | null = null;

/** The poller of this thread, which all may share. Nobody closes it. @throws PosixError, UnsupportedPlatformError */
export function threadPoller(): Poller {
  shared ??= new Poller();
  return shared;
}
