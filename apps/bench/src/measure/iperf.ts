import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { BenchNetwork } from "../tap/bench-network.ts";

const run = promisify(execFile);
/** At the start: left out of the rate. */
const OMITTED_SECONDS = 1;

/** What iperf3 says of a transfer. */
interface IperfReport {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

/** A transfer by TCP. */
export interface Transfer {
  readonly gigabitsPerSecond: number;
  /** Gigabytes that passed, with those that the rate leaves out. */
  readonly gigabytes: number;
}

/** Lets iperf3 in a network send to a server, or receive from it with `--reverse`. */
export async function transfer(
  network: BenchNetwork,
  server: string,
  seconds: number,
  ...more: readonly string[]
): Promise<Transfer> {
  const options = ["--client", server, "--time", String(seconds), "--omit", String(OMITTED_SECONDS), "--json"];
  const { stdout } = await run(...network.command("iperf3", ...options, ...more), { maxBuffer: 1 << 24 });
  const bits = (JSON.parse(stdout) as IperfReport).end.sum_received.bits_per_second;
  return { gigabitsPerSecond: bits / 1e9, gigabytes: (bits / 8e9) * (seconds + OMITTED_SECONDS) };
}
