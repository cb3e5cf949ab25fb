import type { FaultOptions, FaultSettings, RateLimit } from "@vmmkit/backend-fault";

/** What `--fault` and `nic fault` take, in short. */
export const FAULT_USAGE = "NAME=VALUE,… with tx. or rx. before a name for one direction";

const WHOLE_CARD: readonly string[] = ["disconnect", "reconnectMs", "seed"];
const LIMITS: readonly string[] = ["bytes", "frames"];
const MULTIPLIERS: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9 };

/** Settings of one direction, while they are put together. */
type Draft = { -readonly [Key in keyof FaultSettings]: FaultSettings[Key] };

/**
 * Reads faults as "drop=0.01,rx.delayMs=20,bytes=1M/64k,seed=1": names and values of `faultBackend`'s, for both directions
 * or, with `tx.` or `rx.` before it, for one. A limit is what may pass in a second, and behind a slash what may pass at
 * once; "off" lifts it.
 * @throws RangeError for what is no such list; which names and values there are, `faultBackend` says
 */
export function parseFault(text: string): FaultOptions {
  const both: { tx: Draft; rx: Draft } = { tx: {}, rx: {} };
  const whole: Record<string, number> = {};
  for (const part of text === "" ? [] : text.split(",")) {
    const [, direction, name, value] = /^(?:(tx|rx)\.)?([a-zA-Z]+)=(.+)$/.exec(part) ?? [];
    if (name === undefined || value === undefined) {
      throw new RangeError(`expected NAME=VALUE, tx.NAME=VALUE or rx.NAME=VALUE, got "${part}"`);
    }
    if (direction === undefined && WHOLE_CARD.includes(name)) {
      whole[name] = readNumber(value, part);
      continue;
    }
    const setting = LIMITS.includes(name) ? readLimit(value, part) : readNumber(value, part);
    for (const side of ["tx", "rx"] as const) {
      if (direction === undefined || direction === side) Object.assign(both[side], { [name]: setting });
    }
  }
  return { ...both, ...whole };
}

/** "1M/64k": a million in a second, 64 thousand at once. */
function readLimit(text: string, part: string): RateLimit | null {
  if (text === "off") return null;
  const [perSecond = "", burst, ...more] = text.split("/");
  if (more.length > 0) throw new RangeError(`expected PER_SECOND or PER_SECOND/BURST, got "${part}"`);
  const limit = { perSecond: readNumber(perSecond, part) };
  return burst === undefined ? limit : { ...limit, burst: readNumber(burst, part) };
}

/** A number, with k, M or G for thousands, millions or billions. */
function readNumber(text: string, part: string): number {
  const [, digits, suffix = ""] = /^(\d+(?:\.\d+)?|\.\d+)([kMG]?)$/.exec(text) ?? [];
  if (digits === undefined) throw new RangeError(`expected a number, perhaps with k, M or G behind it, got "${part}"`);
  return Number(digits) * (MULTIPLIERS[suffix] ?? 1);
}
