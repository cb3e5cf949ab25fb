import { checkKeys, checkNumber, checkProbability, checkRate } from "./check.ts";

/** A token bucket: how much may pass in a second, and how much at once. */
export interface RateLimit {
  /** Bytes or frames that may pass in a second, more than 0. */
  readonly perSecond: number;
  /**
   * How much the bucket holds: what may pass at once after a rest, 1 or more. A frame longer than that passes when the
   * bucket is full, and those behind it wait the longer. Default: what may pass in 50 ms.
   */
  readonly burst?: number;
  /** What may pass at once on top of that, a single time. Default 0. */
  readonly oneTimeBurst?: number;
}

/** What is done to the frames of one direction. Probabilities are from 0 (never) to 1 (each frame). */
export interface FaultSettings {
  /** Probability that a frame is lost. Default 0. */
  readonly drop?: number;
  /** Probability that a frame comes twice, the second right behind the first. Default 0. */
  readonly duplicate?: number;
  /** Probability that bits of a frame are turned over. Default 0. */
  readonly corrupt?: number;
  /** How many bits of such a frame, chosen at random, 1 or more. Default 1. */
  readonly corruptBits?: number;
  /** Probability that a frame is overtaken, where none is being overtaken already. Default 0. */
  readonly reorder?: number;
  /** How many frames overtake it: a random number from 1 to this. Default 3. */
  readonly reorderFrames?: number;
  /** How long it waits for them at most, in milliseconds. Default 50. */
  readonly reorderMs?: number;
  /** Probability that a frame is delayed, and with it those behind it: order is kept. Default 1, for `delayMs` of 0. */
  readonly delay?: number;
  /** How long, in milliseconds. Default 0. */
  readonly delayMs?: number;
  /** A random time up to this is added to `delayMs`. Default 0. */
  readonly jitterMs?: number;
  /** How many bytes may pass; null for all. Default null. */
  readonly bytes?: RateLimit | null;
  /** How many frames may pass; null for all. Default null. */
  readonly frames?: RateLimit | null;
  /**
   * How many frames wait at most because of a delay or a limit, 1 or more. Those beyond are lost. They wait in the
   * guest's own buffers, so no more than it has can wait in any case. Default 65536.
   */
  readonly queueFrames?: number;
}

/** What is done to both directions, as it may be changed at any time. */
export interface FaultChange {
  /** From the guest to the backend. */
  readonly tx?: FaultSettings;
  /** From the backend to the guest. */
  readonly rx?: FaultSettings;
  /** Probability, for each frame of either direction, that the link goes down at it. The frame is lost. Default 0. */
  readonly disconnect?: number;
  /** How long it stays down then, in milliseconds. Default 1000. */
  readonly reconnectMs?: number;
}

/** The settings of a direction with none left out. */
export type DirectionSettings = Required<FaultSettings>;

/** What directions have in common, with none left out. */
export type LinkSettings = Required<Pick<FaultChange, "disconnect" | "reconnectMs">>;

/** No fault at all. */
export const NO_FAULTS: DirectionSettings = {
  drop: 0,
  duplicate: 0,
  corrupt: 0,
  corruptBits: 1,
  reorder: 0,
  reorderFrames: 3,
  reorderMs: 50,
  delay: 1,
  delayMs: 0,
  jitterMs: 0,
  bytes: null,
  frames: null,
  queueFrames: 65536,
};

/** A link that stays. */
export const STEADY_LINK: LinkSettings = { disconnect: 0, reconnectMs: 1000 };

/** Timers of hosts go no further: 2^31 - 1 milliseconds. */
const MAX_MS = 0x7fff_ffff;

/** No frame is longer, and no queue holds more frames. */
const MANY = 65536;

/**
 * Settings with a change applied.
 * @param name where the change stands, for messages: `tx` or `rx`
 * @throws TypeError for a name that there is not, RangeError for an impossible value
 */
export function changeDirection(before: DirectionSettings, change: FaultSettings, name: string): DirectionSettings {
  checkKeys(name, change, before);
  const after = { ...before, ...change };
  for (const key of ["drop", "duplicate", "corrupt", "reorder", "delay"] as const) {
    checkProbability(`${name}.${key}`, after[key]);
  }
  for (const key of ["reorderMs", "delayMs", "jitterMs"] as const) {
    checkNumber(`${name}.${key}`, after[key], 0, MAX_MS / 2);
  }
  for (const key of ["corruptBits", "reorderFrames", "queueFrames"] as const) {
    checkNumber(`${name}.${key}`, after[key], 1, MANY, true);
  }
  for (const key of ["bytes", "frames"] as const) checkRate(`${name}.${key}`, after[key]);
  return after;
}

/** @throws RangeError for an impossible value */
export function changeLink(before: LinkSettings, change: FaultChange): LinkSettings {
  const { disconnect = before.disconnect, reconnectMs = before.reconnectMs } = change;
  checkProbability("disconnect", disconnect);
  checkNumber("reconnectMs", reconnectMs, 0, MAX_MS);
  return { disconnect, reconnectMs };
}

/** Whether anything is to be done to frames. */
export function hasFaults(settings: DirectionSettings): boolean {
  const { drop, duplicate, corrupt, reorder, delay, delayMs, jitterMs, bytes, frames } = settings;
  const delays = delay > 0 && delayMs + jitterMs > 0;
  return drop > 0 || duplicate > 0 || corrupt > 0 || reorder > 0 || delays || bytes !== null || frames !== null;
}
