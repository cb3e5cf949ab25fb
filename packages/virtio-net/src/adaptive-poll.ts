/** The transmit direction as far as polling is concerned. */
export interface PolledQueue {
  /** Batches leave the guest's notifications off. */
  polled: boolean;
  /** Chains that wait to be taken. */
  waiting(): number;
  /** Takes what waits. Where `polled` is false it asks for notifications and looks once more. */
  run(): void;
}

/** What a card has moved so far, both directions together. */
export interface MovedSoFar {
  frames(): number;
  bytes(): number;
}

/** Notifications in a millisecond from which on polling may pay. Fewer cost the guest too little to be noticed. */
const DENSE_PER_MS = 1;
/** How long a way of working is tried, in milliseconds: slices and their contents vary much. */
const TRIAL_MS = 40;
/** How many trials the better way is kept until the other one is tried again. */
const HOLD_TRIALS = 24;
/** A trial of the way that was worse last time goes on for so long only. */
const PROBE_MS = 20;

/**
 * Notifications have to move so much more to be preferred. Where the two ways differ little, what the machine does beside
 * decides a trial; a guest that polling really slows down loses half.
 */
const NOTIFIED_ADVANTAGE = 1.25;

/**
 * And they have to do so in so many comparisons on end, the two ways in turns: each is tried twice. On a machine that has
 * other work a single trial is off by more than the advantage.
 */
const NOTIFIED_WINS = 3;

/** How many trials polling is kept when it is chosen for the first time, before it has been compared. */
const FIRST_HOLD_TRIALS = 5;

/** The two ways. */
const NOTIFIED = 0;
const POLLED = 1;

/**
 * Whether a guest notifies of each frame or is looked after at the end of its time slices. In an emulator a
 * notification costs as much as the rest of sending a small frame, so a guest that sends many is better polled; but
 * then its frames wait for the slice's end, and a sender that waits for an answer to each window may get slower.
 *
 * Two rules. While polling is preferred, a notification is answered at once and only what follows it in the same
 * slice waits: a frame now and then is never late. Notifications come back when a slice brought nothing. And whether
 * it is preferred is measured: where notifications are dense, both ways are tried for some milliseconds each, the one
 * that moved more bytes is kept for a second, and the other gets another try. Only the first quarter of a second is a
 * guess: as many notifications as make a trial dense, however soon they have come, begin it with polling. Polling is
 * given up only where it loses again and again, as one bad trial would cost a second of notifications. Bytes and not
 * frames, as a guest that is notified of less may put the same into fewer frames.
 */
export class AdaptivePoll {
  readonly #queue: PolledQueue;
  readonly #moved: MovedSoFar;
  readonly #nowMs: () => number;
  #preferred = NOTIFIED;
  /** Bytes per millisecond, weighed, when each way was last tried; below 0 where it was not. */
  readonly #rates: [number, number] = [-1, -1];
  #notifications = 0;
  #trialStart: number;
  #framesAtStart = 0;
  #bytesAtStart = 0;
  #trialMs = TRIAL_MS;
  /** Trials of the preferred way until the other is tried. */
  #hold = 0;
  /** The preferred way has won, and is kept. Otherwise it is on trial. */
  #settled = false;
  /** Comparisons on end that notifications have won. */
  #notifiedWins = 0;

  /**
   * @param moved what tells the two ways apart
   * @param nowMs a clock in milliseconds
   */
  constructor(queue: PolledQueue, moved: MovedSoFar, nowMs: () => number = Date.now) {
    this.#queue = queue;
    this.#moved = moved;
    this.#nowMs = nowMs;
    this.#trialStart = nowMs();
  }

  /** The guest notified; the queue is run behind this. */
  notified(): void {
    this.#notifications++;
    if (this.#preferred === POLLED) this.#queue.polled = true;
  }

  /** A slice of the guest is over: takes what it left, or asks for notifications again where it left nothing. */
  afterSlice(): void {
    const queue = this.#queue;
    if (queue.polled) {
      if (this.#preferred === NOTIFIED || queue.waiting() === 0) queue.polled = false;
      // Where notifications are on again from here, it looks once more: a frame of the last moment is not lost.
      queue.run();
    }
    const now = this.#nowMs();
    if (now - this.#trialStart >= this.#trialMs) this.#judge(now);
    else if (this.#isBusyAtOnce()) this.#pollUntried(now);
  }

  /** Whether there were as many notifications in part of the first trial as make a whole one dense. */
  #isBusyAtOnce(): boolean {
    return this.#rates[POLLED] < 0 && this.#preferred === NOTIFIED && this.#notifications >= DENSE_PER_MS * TRIAL_MS;
  }

  /** Most busy guests are better polled, and many a transfer is over before that could be measured. */
  #pollUntried(now: number): void {
    this.#preferred = POLLED;
    this.#hold = FIRST_HOLD_TRIALS;
    this.#begin(now);
  }

  #begin(now: number): void {
    this.#trialStart = now;
    this.#framesAtStart = this.#moved.frames();
    this.#bytesAtStart = this.#moved.bytes();
    this.#notifications = 0;
  }

  #judge(now: number): void {
    const elapsed = now - this.#trialStart;
    const dense = this.#preferred === POLLED || this.#notifications >= DENSE_PER_MS * elapsed;
    const frames = this.#moved.frames() - this.#framesAtStart;
    const bytes = this.#moved.bytes() - this.#bytesAtStart;
    const weight = this.#preferred === POLLED ? NOTIFIED_ADVANTAGE : 1;
    this.#rates[this.#preferred] = (weight * bytes) / elapsed;
    // Long idle: what was learned before means nothing any more.
    if (!dense || elapsed > 4 * TRIAL_MS || frames < DENSE_PER_MS * elapsed) this.#forget();
    else this.#choose();
    this.#begin(now);
  }

  #forget(): void {
    this.#preferred = NOTIFIED;
    this.#rates[NOTIFIED] = -1;
    this.#rates[POLLED] = -1;
    this.#hold = 0;
    this.#settled = false;
    this.#notifiedWins = 0;
    this.#trialMs = TRIAL_MS;
  }

  /** The other way has not been tried since the guest was idle. */
  #compareLater(other: number): void {
    if (this.#hold > 0) {
      this.#hold--;
      return;
    }
    this.#preferred = other;
    if (other === NOTIFIED) this.#trialMs = PROBE_MS;
  }

  #choose(): void {
    const tried = this.#preferred;
    const other = 1 - tried;
    const otherRate = this.#rates[other] ?? -1;
    const winner = (this.#rates[tried] ?? -1) >= otherRate ? tried : other;
    this.#trialMs = TRIAL_MS;
    if (otherRate < 0) {
      this.#compareLater(other);
      return;
    }
    this.#notifiedWins = winner === POLLED ? 0 : this.#notifiedWins + 1;
    if (winner === NOTIFIED && this.#notifiedWins < NOTIFIED_WINS) {
      this.#preferred = other;
      this.#settled = false;
    } else if (winner !== tried || !this.#settled) {
      this.#preferred = winner;
      this.#settled = true;
      this.#hold = HOLD_TRIALS;
    } else if (this.#hold > 0) {
      this.#hold--;
    } else {
      // It has been kept long enough: the other way gets a short try.
      this.#preferred = other;
      this.#settled = false;
      this.#trialMs = PROBE_MS;
    }
  }
}
