import type { CableCounts } from "../data-path/cable.ts";
import type { UplinkReport } from "../data-path/uplink.ts";
import { PREFIX } from "./card-metrics.ts";
import type { Metric } from "./exposition.ts";

/** The metrics of what joins the hub with others; none where nothing does. */
export function uplinkMetrics(uplinks: readonly UplinkReport[]): Metric[] {
  if (uplinks.length === 0) return [];
  const count = (name: string, help: string, of: (counts: CableCounts) => number): Metric => ({
    name: `${PREFIX}_uplink_${name}_total`,
    type: "counter",
    help,
    samples: uplinks.flatMap((report) =>
      (["out", "in"] as const).map((direction) => ({
        labels: { uplink: report.uplink, direction },
        value: of(report[direction]),
      })),
    ),
  });
  return [
    count("frames", "Frames that left the hub (out) or came to it (in).", ({ frames }) => frames),
    count("bytes", "Their bytes.", ({ bytes }) => bytes),
    count("failed_frames", "Those that the other end did not take.", ({ failed }) => failed),
  ];
}
