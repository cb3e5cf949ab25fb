import { Fd, FIRST_SUPERVISED_FD, runSupervised } from "@vmmkit/posix";
import { DataPath } from "./data-path.ts";
import type { Order } from "./orders.ts";
import type { DataPathConfig } from "./plan.ts";

/*
 * The process of a data path.
 */

let path: DataPath | null = null;

runSupervised({
  start: async (data, log) => {
    const config = data as DataPathConfig;
    const listeners = config.cards.map((_, index) => new Fd(FIRST_SUPERVISED_FD + index));
    path = await DataPath.open(config, listeners, log);
  },
  answer: (order) => path?.order(order as Order),
  close: () => path?.close(),
});
