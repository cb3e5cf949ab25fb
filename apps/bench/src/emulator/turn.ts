import type { LinuxGuest } from "@vmmkit/linux-guest";
import type { Wire } from "./wires.ts";

/** One of the cards, and what it takes to put a load on it. */
export interface Site {
  readonly guest: LinuxGuest;
  readonly wire: Wire;
  /** The card's name in the guest. */
  readonly device: string;
}

/** What a load did in one turn. */
export interface Turn {
  /** How much came across: frames, bytes. */
  readonly amount: number;
  readonly seconds: number;
  /** What the guest's processor executed for it. The machine's pace has no part in that. */
  readonly instructions: number;
}

/** A load that stands on a card and rests but for its turns. */
export interface StandingLoad {
  turn(): Promise<Turn>;
  end(): Promise<void>;
}

/** How long a turn counts. The machine changes its pace every few seconds, so a turn and its neighbour have mostly the same. */
const TURN_MS = 800;
/** Before that: connections find their window again, the card the better way to serve the guest. */
const RUN_UP_MS = 200;
/** A load that was told to stop rests when nothing has come across for so long. */
const QUIET_MS = 40;
const LOOK_MS = 5;
const DEADLINE_MS = 30_000;

/** Measures how a count grows in one turn of a load that is under way. */
export async function measureTurn(wire: Wire, count: () => number): Promise<Turn> {
  const before = count();
  await until(() => count() > before);
  await sleep(RUN_UP_MS);
  const [first, start, instructions] = [count(), performance.now(), wire.instructions()];
  await sleep(TURN_MS);
  return {
    amount: count() - first,
    seconds: (performance.now() - start) / 1000,
    instructions: (wire.instructions() - instructions) >>> 0,
  };
}

/** Comes when a count has not grown for some time. */
export async function untilQuiet(count: () => number): Promise<void> {
  let last = count();
  let since = performance.now();
  await until(() => {
    const now = count();
    if (now !== last) {
      last = now;
      since = performance.now();
    }
    return performance.now() - since > QUIET_MS;
  });
}

/** Comes when the condition holds. Rejects where it does not in half a minute. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`the guest did not follow in ${DEADLINE_MS / 1000} s`);
    await sleep(LOOK_MS);
  }
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
