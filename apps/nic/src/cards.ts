import type { CardConfig } from "./config.ts";
import type { CardReport } from "./data-path/card-report.ts";
import type { DataPathHandle, DataPathReport } from "./data-path/orders.ts";

/** All cards, by name, wherever their data paths are. */
export class Cards {
  readonly #names: readonly string[];
  readonly #paths: readonly DataPathHandle[];

  constructor(cards: readonly CardConfig[], paths: readonly DataPathHandle[]) {
    this.#names = cards.map(({ name }) => name);
    this.#paths = paths;
  }

  /** The data path that has a card. @throws RangeError for a name that there is not */
  pathOf(name: unknown): DataPathHandle {
    const path = this.#paths.find(({ cards }) => cards.some((one) => one === name));
    if (path === undefined) throw new RangeError(`"card" expected one of ${this.#names.join(", ")}`);
    return path;
  }

  /** What all of them say, in the order of the configuration. */
  async report(): Promise<DataPathReport> {
    const reports = await Promise.all(this.#paths.map((path) => path.report()));
    const cards = reports.flatMap((report) => report.cards);
    const at = ({ name }: CardReport): number => this.#names.indexOf(name);
    return {
      cards: cards.sort((a, b) => at(a) - at(b)),
      uplinks: reports.flatMap(({ uplinks }) => uplinks),
      processes: reports.flatMap(({ processes }) => processes),
    };
  }
}
