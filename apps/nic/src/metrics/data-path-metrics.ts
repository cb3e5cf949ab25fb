import type { ProcessReport } from "../data-path/process-report.ts";
import { PREFIX } from "./card-metrics.ts";
import type { Metric } from "./exposition.ts";

/** The metrics of processes that are data paths. */
export function dataPathMetrics(processes: readonly ProcessReport[]): Metric[] {
  return [
    {
      name: `${PREFIX}_data_path_cpu_seconds_total`,
      type: "counter",
      help: "Processor time of a data path's process, in seconds.",
      samples: processes.flatMap(({ cards, userSeconds, systemSeconds }) => [
        { labels: { cards: cards.join(","), mode: "user" }, value: userSeconds },
        { labels: { cards: cards.join(","), mode: "system" }, value: systemSeconds },
      ]),
    },
  ];
}
