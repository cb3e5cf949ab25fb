import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Figure, SectionContext } from "../section.ts";
import { BenchNetwork } from "./bench-network.ts";
import type { NativeTap } from "./native-tap.ts";
import { type Language, programOf } from "./programs.ts";

const run = promisify(execFile);
const NAME = "fwd0";
const CLIENT = "10.88.0.1";
const SERVER = "10.88.0.2";
/** Of `/proc/PID/stat`, on all architectures of Linux. */
const TICKS_PER_SECOND = 100;

/** One run of iperf3 through a forwarder. */
interface Run {
  readonly gigabitsPerSecond: number;
  /** Processor seconds of the forwarder per gigabyte. */
  readonly secondsPerGigabyte: number;
}

/** TCP through a program that joins two TAP interfaces, with the offloads: iperf3 between two network namespaces. */
export async function forwarderFigures(native: NativeTap, { short, say }: SectionContext): Promise<Figure[]> {
  const networks = [new BenchNetwork("client"), new BenchNetwork("server")] as const;
  const [client, server] = networks;
  for (const [network, address] of [
    [client, CLIENT],
    [server, SERVER],
  ] as const) {
    network.run("ip", "tuntap", "add", "dev", NAME, "mode", "tap", "vnet_hdr");
    network.run("ip", "addr", "add", `${address}/24`, "dev", NAME);
    network.run("ip", "link", "set", NAME, "up");
  }
  const iperf = spawn(...server.command("iperf3", "--server"), { stdio: "ignore" });
  const runs: Record<Language, Run[]> = { ours: [], C: [] };
  try {
    for (let round = 0; round < (short ? 2 : 5); round++) {
      for (const language of ["ours", "C"] as const) {
        say(`TCP through a forwarder, ${language}`);
        const forward = programOf(language, native, ["forward", client.path, NAME, server.path, NAME]);
        runs[language].push(await measureRun(forward, client, short ? 2 : 4));
      }
    }
  } finally {
    const ended = new Promise((resolve) => iperf.once("close", resolve));
    iperf.kill();
    await ended;
    for (const network of networks) network.close();
  }
  return [
    {
      name: "TCP through a forwarder with offloads",
      unit: "Gbit/s",
      lessIsBetter: false,
      rounds: runs.ours.map((one) => one.gigabitsPerSecond),
      against: { name: "C", rounds: runs.C.map((one) => one.gigabitsPerSecond) },
      targetRatio: 0.95,
    },
    {
      name: "the forwarder's processor time",
      unit: "s/GB",
      lessIsBetter: true,
      rounds: runs.ours.map((one) => one.secondsPerGigabyte),
      against: { name: "C", rounds: runs.C.map((one) => one.secondsPerGigabyte) },
    },
  ];
}

async function measureRun([file, args]: [string, string[]], client: BenchNetwork, seconds: number): Promise<Run> {
  const forwarder = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => forwarder.once("close", resolve));
  try {
    await Promise.race([ended, new Promise((resolve) => forwarder.stdout.once("data", resolve))]);
    const before = processorSeconds(forwarder.pid ?? 0);
    const options = ["--client", SERVER, "--time", String(seconds), "--omit", "1", "--json"];
    const { stdout } = await run(...client.command("iperf3", ...options), { maxBuffer: 1 << 24 });
    const used = processorSeconds(forwarder.pid ?? 0) - before;
    const { sum_received: sum } = (JSON.parse(stdout) as IperfReport).end;
    // What was left out of the rate passed through the forwarder all the same.
    const gigabytes = (sum.bits_per_second / 8e9) * (seconds + 1);
    return { gigabitsPerSecond: sum.bits_per_second / 1e9, secondsPerGigabyte: used / gigabytes };
  } finally {
    forwarder.stdin.end();
    await ended;
  }
}

interface IperfReport {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

/** User and system time of a process so far. */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
