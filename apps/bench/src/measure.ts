import { PerformanceObserver, performance } from "node:perf_hooks";

/** What a run of a loop cost. */
export interface Cost {
  /** Nanoseconds per frame, the median of the rounds. */
  readonly nsPerFrame: number;
  /** The fastest and the slowest round. */
  readonly spread: readonly [number, number];
  /** Bytes of heap per frame over the rounds, or null where the collector ran and the figure means nothing. */
  readonly bytesPerFrame: number | null;
}

const ROUNDS = 9;
const WARM_UP_MS = 300;
const ROUND_MS = 120;

/**
 * Measures several loops side by side: their rounds take turns, so a slow spell of the machine meets all of them.
 * @param loops each runs its frames once and answers how many
 */
export async function measure(loops: ReadonlyMap<string, () => number>): Promise<Map<string, Cost>> {
  for (const loop of loops.values()) runFor(loop, WARM_UP_MS);
  const rounds = new Map<string, number[]>([...loops.keys()].map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, loop] of loops) rounds.get(name)?.push(runFor(loop, ROUND_MS));
  }
  const costs = new Map<string, Cost>();
  for (const [name, loop] of loops) {
    const sorted = [...(rounds.get(name) ?? [])].sort((a, b) => a - b);
    const at = (i: number): number => sorted[i] ?? Number.NaN;
    costs.set(name, {
      nsPerFrame: at(Math.floor(sorted.length / 2)),
      spread: [at(0), at(sorted.length - 1)],
      bytesPerFrame: await allocated(loop),
    });
  }
  return costs;
}

function runFor(loop: () => number, milliseconds: number): number {
  const start = performance.now();
  let frames = 0;
  let now = start;
  while (now - start < milliseconds) {
    for (let i = 0; i < 50; i++) frames += loop();
    now = performance.now();
  }
  return ((now - start) * 1e6) / frames;
}

const FRAMES_FOR_HEAP = 1_000_000;

/**
 * Heap that a million frames leave behind. The young generation is large (`--max-semi-space-size`), so nothing is
 * collected meanwhile; if something was after all, there is no figure.
 */
async function allocated(loop: () => number): Promise<number | null> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  globalThis.gc?.();
  observer.observe({ entryTypes: ["gc"] });
  const before = process.memoryUsage().heapUsed;
  let frames = 0;
  while (frames < FRAMES_FOR_HEAP) frames += loop();
  const after = process.memoryUsage().heapUsed;
  await new Promise((resolve) => setTimeout(resolve, 10));
  observer.disconnect();
  return collections > 0 ? null : (after - before) / frames;
}
