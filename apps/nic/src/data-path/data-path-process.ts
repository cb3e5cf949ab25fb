import type { FaultChange } from "@vmmkit/backend-fault";
import { type Fd, SupervisedProcess } from "@vmmkit/posix";
import type { CardConfig } from "../config.ts";
import type { DataPathHandle, DataPathReport, Order } from "./orders.ts";
import type { DataPathConfig } from "./plan.ts";

/**
 * A data path in a process of its own. When that dies, as a VMM that makes its memory shorter can have it, another one takes
 * its place, with the links and faults as they were last ordered; captures have ended, and counts begin anew.
 */
export class DataPathProcess implements DataPathHandle {
  readonly cards: readonly string[];
  #config: DataPathConfig;
  #process: SupervisedProcess | null = null;
  #last: DataPathReport = { cards: [], uplinks: [], processes: [] };

  private constructor(config: DataPathConfig) {
    this.#config = config;
    this.cards = config.cards.map(({ name }) => name);
  }

  /** @param listeners where VMMs come to. They stay the caller's @throws (rejects) Error with what cannot be had */
  static async start(
    config: DataPathConfig,
    listeners: readonly Fd[],
    log: (line: string) => void,
  ): Promise<DataPathProcess> {
    const path = new DataPathProcess(config);
    path.#process = await SupervisedProcess.start({
      entry: new URL("../../bin/data-path.js", import.meta.url),
      execArgv: [],
      fds: listeners,
      name: `the process of ${path.cards.join(", ")}`,
      start: () => path.#config,
      log,
    });
    // A file that was begun is not begun again: what is in it would be gone.
    path.#changeCards(({ pcap: _begun, ...card }) => card);
    await path.report();
    return path;
  }

  async order(order: Order): Promise<void> {
    await this.#process?.ask(order);
    if (order.do === "link") this.#changeCard(order.card, { linkUp: order.up });
    if (order.do === "fault") this.#changeCard(order.card, order.change);
  }

  async report(): Promise<DataPathReport> {
    const running = this.#process;
    const restarts = running?.restarts ?? 0;
    try {
      const report = (await running?.ask({ do: "report" } satisfies Order)) as DataPathReport;
      this.#last = { ...report, cards: report.cards.map((card) => ({ ...card, restarts })) };
    } catch {
      // There is none now: a card that nobody works for.
      const cards = this.#last.cards.map((card) => ({ ...card, connected: false, capture: null, pid: -1, restarts }));
      this.#last = { ...this.#last, cards, processes: [] };
    }
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#process?.close();
  }

  #changeCards(change: (card: CardConfig) => CardConfig): void {
    this.#config = { ...this.#config, cards: this.#config.cards.map(change) };
  }

  #changeCard(name: string, { tx, rx, ...rest }: FaultChange & { readonly linkUp?: boolean }): void {
    this.#changeCards((card) => {
      if (card.name !== name) return card;
      const { fault } = card;
      return { ...card, fault: { ...fault, ...rest, tx: { ...fault.tx, ...tx }, rx: { ...fault.rx, ...rx } } };
    });
  }
}
