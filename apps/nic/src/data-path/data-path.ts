import { Hub } from "@vmmkit/backend-loopback";
import type { Fd } from "@vmmkit/posix";
import { become } from "../system/privileges.ts";
import { Card } from "./card.ts";
import type { DataPathReport, Order } from "./orders.ts";
import type { DataPathConfig } from "./plan.ts";
import { reportProcess } from "./process-report.ts";
import { Uplink } from "./uplink.ts";
import { makeWaiter, type Waiter } from "./waiting.ts";

/** Cards with what carries their frames, the hub between them if they have one, and what waits for all of it. */
export class DataPath {
  readonly #cards: Card[] = [];
  readonly #uplinks: Uplink[] = [];
  readonly #waiter: Waiter;

  private constructor({ waiting, spinUs }: DataPathConfig) {
    this.#waiter = makeWaiter(waiting, spinUs);
  }

  /**
   * @param listeners where VMMs come to, one for each card. They are its own from now on
   * @throws (rejects) what cannot be had; nothing is left open then
   */
  static async open(config: DataPathConfig, listeners: readonly Fd[], log: (line: string) => void): Promise<DataPath> {
    const path = new DataPath(config);
    try {
      await path.#open(config, listeners, log);
      return path;
    } catch (error) {
      await path.close();
      throw error;
    }
  }

  report(): DataPathReport {
    return {
      cards: this.#cards.map((card) => card.report()),
      uplinks: this.#uplinks.map((uplink) => uplink.report()),
      processes: [reportProcess(this.#cards.map(({ name }) => name))],
    };
  }

  /** @throws what is wrong with it, at once or (rejects) later */
  async order(order: Order): Promise<DataPathReport | undefined> {
    switch (order.do) {
      case "report":
        return this.report();
      case "link":
        this.#find(order.card).setLink(order.up);
        break;
      case "fault":
        this.#find(order.card).setFaults(order.change);
        break;
      case "capture-start":
        await this.#find(order.card).startCapture(order.file);
        break;
      case "capture-stop":
        await this.#find(order.card).stopCapture();
        break;
      case "become":
        become(order.identity);
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const card of this.#cards) await card.close();
    for (const uplink of this.#uplinks) await uplink.close();
    this.#waiter.close();
  }

  async #open(
    { cards, uplinks, mtu }: DataPathConfig,
    listeners: readonly Fd[],
    log: (line: string) => void,
  ): Promise<void> {
    const { poller } = this.#waiter;
    const hub = new Hub({ mtu });
    for (const uplink of uplinks) this.#uplinks.push(new Uplink(uplink, hub, mtu, poller));
    for (const [index, settings] of cards.entries()) {
      const listen = listeners[index];
      if (listen === undefined) throw new Error(`no socket for ${settings.name}`);
      const card = new Card(settings, { listen, hub, poller, log });
      this.#cards.push(card);
      if (settings.pcap !== undefined) await card.startCapture(settings.pcap);
    }
  }

  #find(name: string): Card {
    const card = this.#cards.find((one) => one.name === name);
    if (card === undefined) throw new RangeError(`there is no card "${name}"`);
    return card;
  }
}
