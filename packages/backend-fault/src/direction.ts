import type { Frame } from "@vmmkit/ethif";
import { Alarm } from "./alarm.ts";
import type { FaultClock } from "./clock.ts";
import { DirectionCounters, type DirectionStats, type LossCause } from "./counters.ts";
import { Fate } from "./fate.ts";
import type { HeldFrame } from "./held-frame.ts";
import { Line } from "./line.ts";
import type { Link } from "./link.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { type DirectionSettings, hasFaults, NO_FAULTS } from "./settings.ts";

/**
 * How many frames one call hands on before the rest waits for a later turn. Two guests that answer each other from
 * within their interrupts would otherwise keep a call from ever returning.
 */
const FRAMES_PER_CALL = 4096;

/** What a direction is made with. */
export interface DirectionPlace {
  readonly seed: number;
  readonly clock: FaultClock;
  readonly link: Link;
}

/**
 * One direction: what is done to its frames, in the order in which a wire would do it. A frame is lost, or stands in
 * line, or stands aside to be overtaken; at the head of the line it waits for its time and for the rate limits; then
 * its bits are turned over, and it is handed on once or twice.
 */
export abstract class Direction {
  /** Whether anything may happen to the next frame. Where it is false frames need not come through here. */
  active = false;
  settings: DirectionSettings = NO_FAULTS;
  protected readonly counters: DirectionCounters = new DirectionCounters();
  protected readonly line: Line = new Line();
  protected readonly fate: Fate;
  /** `drain` runs: who comes meanwhile stands in line and goes. */
  protected draining = false;
  readonly #clock: FaultClock;
  readonly #link: Link;
  readonly #limiter = new RateLimiter();
  readonly #alarm: Alarm;

  /** @param index 0, 1, …: directions with the same seed are to differ */
  constructor({ seed, clock, link }: DirectionPlace, index: number) {
    this.fate = new Fate(seed, index, this.counters);
    this.#clock = clock;
    this.#link = link;
    this.#alarm = new Alarm(clock, () => this.#wake());
  }

  /** Other settings from now on. Frames that wait keep their time. */
  configure(settings: DirectionSettings): void {
    this.settings = settings;
    this.#limiter.set(settings.bytes, settings.frames, this.#clock.now());
    this.refresh();
    if (this.line.count > 0) this.#alarm.set(this.#clock.now());
  }

  /** What `active` hangs on has changed. */
  refresh(): void {
    this.active = this.line.count > 0 || !this.#link.steady || hasFaults(this.settings);
  }

  /** Loses all that waits. */
  loseAll(cause: LossCause): void {
    this.#alarm.clear();
    for (let held = this.line.takeAny(); held !== null; held = this.line.takeAny()) {
      this.counters.dropped[cause]++;
      this.giveUp(held.frame);
      this.line.recycle(held);
    }
    this.settle();
    this.refresh();
  }

  /** What was counted so far. */
  stats(): DirectionStats {
    return this.counters.snapshot(this.line.count);
  }

  /** A frame comes in. Null where it stands in line now, otherwise why it is lost. */
  protected admit(frame: Frame, bytes: number): LossCause | null {
    const { counters, settings, line } = this;
    counters.frames++;
    counters.bytes += bytes;
    const cause = this.#link.lossOf() ?? this.fate.lossOf(settings, line.count);
    if (cause !== null) {
      counters.dropped[cause]++;
      return cause;
    }
    const held = line.entry(frame, bytes);
    const now = this.#clock.now();
    this.fate.mark(held, settings, now);
    const overtakers = line.hasAside ? 0 : this.fate.overtakersOf(settings);
    if (overtakers > 0 || line.head !== null || held.dueMs > now) this.keep(held);
    if (overtakers > 0) line.putAside(held, overtakers, now + settings.reorderMs);
    else line.push(held);
    return null;
  }

  /** Hands on what may go now. */
  protected drain(): void {
    if (this.draining) return;
    this.draining = true;
    let budget = FRAMES_PER_CALL;
    try {
      do budget = this.#passReady(budget);
      while (this.settle() && budget > 0);
    } finally {
      this.draining = false;
      this.refresh();
      if (this.line.count > 0) this.#arm();
    }
  }

  /** Hands a frame on; it counts what becomes of it. The entry is used again afterwards. */
  protected abstract pass(held: HeldFrame): void;

  /** A frame that stood in line goes back to its owner without having been handed on. */
  protected abstract giveUp(frame: Frame): void;

  /** A frame is going to wait. */
  protected abstract keep(held: HeldFrame): void;

  /** What was handed on takes effect. True where it has to be looked whether more may go now. */
  protected abstract settle(): boolean;

  /** The timer's turn is over: nobody else says that this was all. */
  protected abstract endTurn(): void;

  #passReady(budget: number): number {
    const { line } = this;
    const now = this.#clock.now();
    for (let left = budget; left > 0; left--) {
      const held = line.head;
      if (held === null || held.dueMs > now || this.#limited(held, now)) return left;
      line.shift();
      this.pass(held);
      line.recycle(held);
    }
    return 0;
  }

  /** Whether the rate limits hold a frame back; otherwise it was paid for. */
  #limited(held: HeldFrame, now: number): boolean {
    if (this.#limiter.waitMs(held.passBytes, held.passFrames, now) > 0) {
      if (!held.limited) this.counters.limited++;
      held.limited = true;
      return true;
    }
    this.#limiter.take(held.passBytes, held.passFrames);
    return false;
  }

  /** The alarm rings when the head of the line, or the one aside, may go. */
  #arm(): void {
    const { line } = this;
    if (line.hasAside) this.#alarm.set(line.asideUntilMs);
    const head = line.head;
    if (head === null) return;
    const now = this.#clock.now();
    this.#alarm.set(Math.max(head.dueMs, now + this.#limiter.waitMs(head.passBytes, head.passFrames, now)));
  }

  #wake(): void {
    if (this.line.hasAside && this.line.asideUntilMs <= this.#clock.now()) this.line.rejoin();
    this.drain();
    this.endTurn();
  }
}
