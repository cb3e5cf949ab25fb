import { Hub } from "@vmmkit/backend-loopback";
import { Poller } from "@vmmkit/posix";
import type { Cable } from "./cable.ts";
import { Card } from "./card.ts";
import { hubMtu, type NicConfig } from "./config.ts";
import { Control } from "./control/server.ts";
import { MetricsServer } from "./metrics/server.ts";
import { openUplink } from "./open-uplink.ts";
import { type Activation, isFilePath } from "./system/activation.ts";
import { become, findIdentity, giveAway } from "./system/privileges.ts";

/** The cards of one process, the hub between those that want it, the control socket and the counts for Prometheus. */
export class Nic {
  readonly cards: Card[] = [];
  #control: Control | null = null;
  #metrics: MetricsServer | null = null;
  #poller: Poller | null = null;
  readonly #uplinks: Cable[] = [];

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
    for (const card of this.cards) await card.close();
    for (const uplink of this.#uplinks) await uplink.close();
    this.#poller?.close();
  }

  async #open(config: NicConfig, activation: Activation, log: (line: string) => void): Promise<void> {
    // First of all, as a mistake in it is cheap to tell then.
    const identity = config.user === undefined ? null : findIdentity(config.user);
    const { cards } = this;
    const poller = new Poller({ spinUs: config.spinUs });
    this.#poller = poller;
    const mtu = hubMtu(config.cards);
    // An uplink is no card of ours, which would do for its guest what that does not take.
    const hub = new Hub(config.uplinks.length > 0 ? { mtu, offloads: 0 } : { mtu });
    for (const uplink of config.uplinks) this.#uplinks.push(openUplink(uplink, hub, mtu, poller));
    for (const settings of config.cards) {
      const card = new Card(settings, { listen: activation.resolve(settings.path), hub, poller, log });
      cards.push(card);
      if (settings.pcap !== undefined) await card.startCapture(settings.pcap);
    }
    if (config.metrics !== undefined) {
      this.#metrics = await MetricsServer.start(config.metrics, () => cards.map((card) => card.report()));
    }
    if (config.control !== undefined) this.#control = new Control(activation.resolve(config.control), cards);
    if (identity === null) return;
    const paths = [...config.cards.map(({ path }) => path), ...(config.control === undefined ? [] : [config.control])];
    giveAway(paths.filter(isFilePath), identity);
    become(identity);
  }
}
