import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { benchGuest } from "./bench-guest.ts";
import { USUAL } from "./loop.ts";
import { Stopwatch } from "./stopwatch.ts";

/*
 * A process with many cards whose drivers are up and have sent a ring of frames, and that then does nothing:
 * `idle-cards.js COUNT MILLISECONDS`. Prints, as JSON, heap and array buffers per card beyond guest memory, and how
 * much of the idle time the process spent on a processor.
 */
const [count = 1000, milliseconds = 2000] = process.argv.slice(2).map(Number);
const RING = 256;
/** Few pages are touched, so most of it is only promised. */
const GUEST_BYTES = 2 << 20;
const SETTLE_MS = 1000;

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
const cpu = process.cpuUsage();
await new Promise((resolve) => setTimeout(resolve, milliseconds));
const busy = process.cpuUsage(cpu);
const bytes = after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers - count * GUEST_BYTES);
const idleShare = (busy.user + busy.system) / 1000 / milliseconds;
process.stdout.write(`${JSON.stringify({ bytesPerCard: bytes / count, idleShare, cards: drivers.length })}\n`);

function makeOne(): ReturnType<typeof benchGuest> {
  const driver = benchGuest(virtioNetDefaultBackend(), options, watch);
  driver.burst(64, 64);
  return driver;
}
