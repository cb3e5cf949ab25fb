import { spawn } from "node:child_process";
import { transfer } from "../measure/iperf.ts";
import { processorSeconds } from "../measure/processor-time.ts";
import type { Figure, SectionContext } from "../section.ts";
import { BenchNetwork } from "./bench-network.ts";
import type { NativeTap } from "./native-tap.ts";
import { type Language, programOf } from "./programs.ts";

const NAME = "fwd0";
const CLIENT = "10.88.0.1";
const SERVER = "10.88.0.2";

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
    const { gigabitsPerSecond, gigabytes } = await transfer(client, SERVER, seconds);
    const used = processorSeconds(forwarder.pid ?? 0) - before;
    return { gigabitsPerSecond, secondsPerGigabyte: used / gigabytes };
  } finally {
    forwarder.stdin.end();
    await ended;
  }
}
