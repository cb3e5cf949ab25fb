import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { benchGuest } from "./bench-guest.ts";
import { USUAL } from "./loop.ts";
import { Stopwatch } from "./stopwatch.ts";

/*
 * A process with many cards whose drivers are up and have sent a ring of frames, and that then does nothing:
 * `idle-cards.js COUNT MILLISECONDS`. Prints, as JSON, heap and array buffers per card beyond guest memory, how much of
 * the idle time the process spent on a processor, and how often one of its threads woke up in it.
 */
const [count = 1000, milliseconds = 2000] = process.argv.slice(2).map(Number);
const RING = 256;
/** Few pages are touched, so most of it is only promised. */
const GUEST_BYTES = 2 << 20;
const SETTLE_MS = 1000;
const NAP_MS = 1000;
const SLEEPS = 3;

const watch = new Stopwatch();
const settle = (): NodeJS.MemoryUsage => {
  globalThis.gc?.();
  return process.memoryUsage();
};
const options = { ...USUAL, ring: RING, memoryBytes: GUEST_BYTES };
const drivers = [makeOne()];
const before = settle();
for (let i = 0; i < count; i++) drivers.push(makeOne());
const after = settle();
// The collector's helpers are still sweeping.
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
// Going to sleep and waking up costs the same however long the sleep, once it is so long that others took the caches and a
// machine within a machine its page tables: it is what a shorter one takes. What the engine left for later is done at some
// wake-up or other, so the least of several counts.
const naps = [];
const sleeps = [];
for (let i = 0; i < SLEEPS; i++) {
  naps.push(await asleep(NAP_MS));
  sleeps.push(await asleep(NAP_MS + milliseconds));
}
const [nap, sleep] = [least(naps), least(sleeps)];
const bytes = after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers - count * GUEST_BYTES);
const idleShare = Math.max(0, sleep.busyMs - nap.busyMs) / milliseconds;
const figures = { bytesPerCard: bytes / count, idleShare, wakeUps: sleep.wakeUps - nap.wakeUps, cards: drivers.length };
process.stdout.write(`${JSON.stringify(figures)}\n`);

/** What the process did while it slept. */
interface Sleep {
  /** What it spent on a processor. */
  readonly busyMs: number;
  /** How often one of its threads woke up. */
  readonly wakeUps: number;
}

/** Does nothing for a time. */
async function asleep(ms: number): Promise<Sleep> {
  const from = process.resourceUsage();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const to = process.resourceUsage();
  const busyMs = (to.userCPUTime - from.userCPUTime + to.systemCPUTime - from.systemCPUTime) / 1000;
  return { busyMs, wakeUps: to.voluntaryContextSwitches - from.voluntaryContextSwitches };
}

function least(sleeps: readonly Sleep[]): Sleep {
  const of = (what: keyof Sleep): number => Math.min(...sleeps.map((sleep) => sleep[what]));
  return { busyMs: of("busyMs"), wakeUps: of("wakeUps") };
}

function makeOne(): ReturnType<typeof benchGuest> {
  const driver = benchGuest(virtioNetDefaultBackend(), options, watch);
  driver.burst(64, 64);
  return driver;
}
