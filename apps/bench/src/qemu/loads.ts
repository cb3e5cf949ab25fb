import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { transfer } from "../measure/iperf.ts";
import { percentile } from "../measure/percentile.ts";
import { processorSeconds } from "../measure/processor-time.ts";
import type { Figure } from "../section.ts";
import type { BenchNetwork } from "../tap/bench-network.ts";
import { pingTimes } from "./ping-times.ts";

const run = promisify(execFile);

/**
 * What a round has figures of, in this order: pings from the host, and TCP into the guest and out of it.
 * Processor time is that of QEMU and of what serves the card.
 */
export const FIGURES: readonly Pick<Figure, "name" | "unit" | "lessIsBetter">[] = [
  { name: "ping, median", unit: "us", lessIsBetter: true },
  { name: "ping, 99th of 100", unit: "us", lessIsBetter: true },
  { name: "TCP in", unit: "Gbit/s", lessIsBetter: false },
  { name: "TCP in, processor time", unit: "s/GB", lessIsBetter: true },
  { name: "TCP out", unit: "Gbit/s", lessIsBetter: false },
  { name: "TCP out, processor time", unit: "s/GB", lessIsBetter: true },
];

/**
 * All loads on one card.
 * @param pids the processes that do it; those of the other cards rest meanwhile
 * @returns a number for each of `FIGURES`
 */
export async function measureRound(
  network: BenchNetwork,
  subnet: string,
  pids: readonly number[],
  short: boolean,
): Promise<number[]> {
  const guest = `${subnet}.2`;
  const count = short ? 100 : 300;
  const ping = network.command("ping", "-n", "-c", String(count), "-i", "0.01", "-W", "5", guest);
  const times = pingTimes((await run(...ping)).stdout);
  const figures = [percentile(times, 0.5), percentile(times, 0.99)];
  for (const more of [[], ["--reverse"]]) {
    const before = used(pids);
    const { gigabitsPerSecond, gigabytes } = await transfer(network, guest, short ? 2 : 3, ...more);
    figures.push(gigabitsPerSecond, (used(pids) - before) / gigabytes);
  }
  return figures;
}

function used(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processorSeconds(pid), 0);
}
