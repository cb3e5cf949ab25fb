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
const NAP_MS = 100;

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
// Going to sleep and waking up costs the same however long the sleep: it is what a short one takes.
const nap = await asleep(NAP_MS);
const sleep = await asleep(NAP_MS + milliseconds);
const bytes = after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers - count * GUEST_BYTES);
const idleShare = Math.max(0, sleep.busyMs - nap.busyMs) / milliseconds;
const figures = { bytesPerCard: bytes / count, idleShare, wakeUps: sleep.wakeUps - nap.wakeUps, cards: drivers.length };
process.stdout.write(`${JSON.stringify(figures)}\n`);

/** Does nothing for a time: what the process spent on a processor meanwhile, and how often one of its threads woke up. */
async function asleep(ms: number): Promise<{ busyMs: number; wakeUps: number }> {
  const from = process.resourceUsage();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const to = process.resourceUsage();
  const busyMs = (to.userCPUTime - from.userCPUTime + to.systemCPUTime - from.systemCPUTime) / 1000;
  return { busyMs, wakeUps: to.voluntaryContextSwitches - from.voluntaryContextSwitches };
}

function makeOne(): ReturnType<typeof benchGuest> {
  const driver = benchGuest(virtioNetDefaultBackend(), options, watch);
  driver.burst(64, 64);
  return driver;
}
