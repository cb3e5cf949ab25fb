import { type Fd, openUnixListener, removeSocketFile } from "@vmmkit/posix";
import { Cards } from "./cards.ts";
import type { NicConfig } from "./config.ts";
import { Control } from "./control/server.ts";
import { DataPathProcess } from "./data-path/data-path-process.ts";
import type { DataPathHandle } from "./data-path/orders.ts";
import { planDataPaths } from "./data-path/plan.ts";
import { MetricsServer } from "./metrics/server.ts";
import { type Activation, isFilePath } from "./system/activation.ts";
import { become, findIdentity, giveAway } from "./system/privileges.ts";

/** Permissions of the sockets: their user's alone. */
const SOCKET_MODE = 0o600;

/** The data paths of cards, the sockets that VMMs find them at, the control socket and the counts for Prometheus. */
export class Nic {
  readonly #paths: DataPathHandle[] = [];
  /** Sockets of cards, by path. */
  readonly #listeners = new Map<string, Fd>();
  #control: Control | null = null;
  #metrics: MetricsServer | null = null;

  private constructor() {}

  /**
   * Serves what is asked for, and then becomes the user that it is to run as.
   * @throws (rejects) what cannot be had, named; nothing is left open then
   */
  static async start(config: NicConfig, activation: Activation, log: (line: string) => void): Promise<Nic> {
    const nic = new Nic();
    try {
      await nic.#open(config, activation, log);
      return nic;
    } catch (error) {
      await nic.close();
      throw error;
    }
  }

  /** Where the counts for Prometheus are; null for nowhere. */
  get metricsUrl(): string | null {
    return this.#metrics?.url ?? null;
  }

  /** Sockets go, VMMs are told, captures are written to their end. */
  async close(): Promise<void> {
    this.#metrics?.close();
    this.#control?.close();
    for (const [path, fd] of this.#listeners) {
      if (isFilePath(path)) removeSocketFile({ family: "unix", path });
      fd.close();
    }
    await Promise.all(this.#paths.map((path) => path.close()));
  }

  async #open(config: NicConfig, activation: Activation, log: (line: string) => void): Promise<void> {
    // First of all, as a mistake in it is cheap to tell then.
    const identity = config.user === undefined ? null : findIdentity(config.user);
    for (const { path } of config.cards) this.#listen(path, activation);
    await this.#openPaths(config, log);
    const cards = new Cards(config.cards, this.#paths);
    if (config.metrics !== undefined) this.#metrics = await MetricsServer.start(config.metrics, () => cards.report());
    if (config.control !== undefined) this.#control = new Control(activation.resolve(config.control), cards);
    if (identity === null) return;
    const paths = [...config.cards.map(({ path }) => path), ...(config.control === undefined ? [] : [config.control])];
    giveAway(paths.filter(isFilePath), identity);
    for (const path of this.#paths) await path.order({ do: "become", identity });
    become(identity);
  }

  #listen(path: string, activation: Activation): void {
    const at = activation.resolve(path);
    this.#listeners.set(path, typeof at === "string" ? openUnixListener(at, SOCKET_MODE).fd : at);
  }

  /** All at once, as each may take a while. @throws (rejects) the first one's reason */
  async #openPaths(config: NicConfig, log: (line: string) => void): Promise<void> {
    // What a card is made of is loaded where one is made.
    const open = config.oneProcess
      ? (await import("./data-path/local-data-path.ts")).openLocally
      : DataPathProcess.start;
    const opening = planDataPaths(config).map((plan) => {
      const listeners = plan.cards.flatMap(({ path }) => this.#listeners.get(path) ?? []);
      return open(plan, listeners, log);
    });
    const opened = await Promise.allSettled(opening);
    for (const one of opened) if (one.status === "fulfilled") this.#paths.push(one.value);
    for (const one of opened) if (one.status === "rejected") throw one.reason;
  }
}
