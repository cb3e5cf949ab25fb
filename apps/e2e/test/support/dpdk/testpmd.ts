import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants } from "node:fs/promises";

const PROGRAM = "/usr/bin/dpdk-testpmd";

/** Frames that testpmd's one port received and sent. */
export interface PortCounts {
  readonly received: number;
  readonly sent: number;
}

/** DPDK's packet generator with one port, a virtio device of its own that speaks vhost-user. One core is its alone. */
export class Testpmd {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #said = "";

  /** @param vdev what stands behind `net_virtio_user0,` */
  constructor(vdev: string) {
    const memory = ["--no-huge", "-m", "128", "--no-pci", "--no-telemetry", "--file-prefix", `vmmkit${process.pid}`];
    const port = ["-l", "0,1", `--vdev=net_virtio_user0,${vdev}`, "--", "-i", "--total-num-mbufs=4096"];
    this.#process = spawn(PROGRAM, [...memory, ...port], { stdio: ["pipe", "pipe", "pipe"] });
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
    const ended = this.#ended.then(() => Promise.reject(new Error(`testpmd ended:\n${this.#said}`)));
    ended.catch(() => {});
    while (!this.#said.includes("testpmd>")) {
      await Promise.race([ended, once(this.#process.stdout ?? this.#process, "data")]);
    }
  }

  /** Gives it commands. */
  command(...lines: readonly string[]): void {
    this.#process.stdin?.write(`${lines.join("\n")}\n`);
  }

  /** Stops forwarding, lets it quit, and reads what it counted. */
  async finish(): Promise<PortCounts> {
    this.command("stop", "show port stats all", "quit");
    await this.#ended;
    const count = (name: string): number => {
      const match = new RegExp(`${name}-packets: (\\d+) +${name === "RX" ? "RX-missed" : "TX-errors"}`).exec(
        this.#said,
      );
      if (match === null) throw new Error(`testpmd said:\n${this.#said}`);
      return Number(match[1]);
    };
    return { received: count("RX"), sent: count("TX") };
  }

  /** Ends it at once, if it has not ended. */
  async destroy(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill("SIGKILL");
    await this.#ended;
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
