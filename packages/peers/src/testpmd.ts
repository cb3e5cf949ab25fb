import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants } from "node:fs/promises";
import { type PortCounts, portCounts } from "./port-counts.ts";

const PROGRAM = "/usr/bin/dpdk-testpmd";

/** How testpmd is started. */
export interface TestpmdOptions {
  /** Its one port: `net_virtio_user0,path=…`. */
  readonly vdev: string;
  /** DPDK's `--lcores`: the first takes commands, the second polls. Default: on the processors 0 and 1. */
  readonly lcores?: string;
  /** More arguments of testpmd's own: `--no-flush-rx`. */
  readonly parameters?: readonly string[];
}

let started = 0;

/** DPDK's packet generator with one port, without huge pages. One processor is its alone while it forwards. */
export class Testpmd {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #said = "";

  constructor({ vdev, lcores = "0,1", parameters = [] }: TestpmdOptions) {
    const prefix = `vmmkit${process.pid}-${started++}`;
    const memory = ["--no-huge", "-m", "128", "--no-pci", "--no-telemetry", "--file-prefix", prefix];
    const port = ["--lcores", lcores, `--vdev=${vdev}`, "--", "-i", "--total-num-mbufs=4096", ...parameters];
    // To a pipe it would say nothing before it ends.
    this.#process = spawn("stdbuf", ["-oL", PROGRAM, ...memory, ...port], { stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
      });
    }
    this.#ended = once(this.#process, "exit");
  }

  /** What it said so far. */
  get said(): string {
    return this.#said;
  }

  /** Waits until it takes commands. @throws Error with all it said, where it ends instead */
  async ready(): Promise<void> {
    await this.#untilSaid(() => this.#said.includes("testpmd>"));
  }

  /** Gives it commands. */
  command(...lines: readonly string[]): void {
    this.#process.stdin?.write(`${lines.join("\n")}\n`);
  }

  /** What its port has counted so far, asked while it forwards or rests. @throws Error where it ends instead */
  async counts(): Promise<PortCounts> {
    const from = this.#said.length;
    this.command("show port stats all");
    await this.#untilSaid(() => portCounts(this.#said.slice(from)) !== null);
    return portCounts(this.#said.slice(from)) as PortCounts;
  }

  /** Stops forwarding, lets it quit, and reads what it counted. */
  async finish(): Promise<PortCounts> {
    this.command("stop", "show port stats all", "quit");
    await this.#ended;
    const counts = portCounts(this.#said);
    if (counts === null) throw new Error(`testpmd said:\n${this.#said}`);
    return counts;
  }

  /** Ends it at once, if it has not ended. */
  async destroy(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill("SIGKILL");
    await this.#ended;
  }

  async #untilSaid(condition: () => boolean): Promise<void> {
    const ended = this.#ended.then(() => Promise.reject(new Error(`testpmd ended:\n${this.#said}`)));
    ended.catch(() => {});
    while (!condition()) await Promise.race([ended, once(this.#process.stdout ?? this.#process, "data")]);
  }
}

/** Why testpmd cannot be run here; null where it can. */
export async function whyNoTestpmd(): Promise<string | null> {
  try {
    await access(PROGRAM, constants.X_OK);
    return null;
  } catch {
    return "dpdk-testpmd is not installed";
  }
}
