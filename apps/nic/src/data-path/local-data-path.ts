import type { Fd } from "@vmmkit/posix";
import { DataPath } from "./data-path.ts";
import type { DataPathHandle } from "./orders.ts";
import type { DataPathConfig } from "./plan.ts";

/** A data path in this process. @throws (rejects) what cannot be had */
export async function openLocally(
  config: DataPathConfig,
  listeners: readonly Fd[],
  log: (line: string) => void,
): Promise<DataPathHandle> {
  const path = await DataPath.open(config, listeners, log);
  return {
    cards: config.cards.map(({ name }) => name),
    order: async (order) => {
      // This process has become that already.
      if (order.do !== "become") await path.order(order);
    },
    // This process has more to do than that.
    report: async () => ({ ...path.report(), processes: [] }),
    close: () => path.close(),
  };
}
