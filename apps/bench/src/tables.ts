import Table from "cli-table3";
import type { Comparison } from "./emulator/compare.ts";
import type { Cost } from "./measure.ts";

/** What loops cost, as a table. */
export function costTable(costs: ReadonlyMap<string, Cost>): string {
  const table = newTable(["loop", "ns/frame", "spread", "frames/s", "heap bytes/frame"]);
  for (const [name, cost] of costs) {
    table.push([
      name,
      cost.nsPerFrame.toFixed(1),
      cost.spread.map((ns) => ns.toFixed(0)).join("-"),
      Math.round(1e9 / cost.nsPerFrame).toLocaleString("en"),
      cost.bytesPerFrame === null ? "collected" : cost.bytesPerFrame.toFixed(3),
    ]);
  }
  return table.toString();
}

/** Two cards side by side, as a table: medians, and the ratio of each round's pair. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  const table = newTable(["load", "v86's own", "ours", "unit", "ours/own (median of pairs)"]);
  for (const { load, own, ours } of comparisons) {
    const ratios = ours.map((figure, i) => figure / (own[i] ?? Number.NaN));
    table.push([
      `${load.name}${load.lessIsBetter ? " (less is better)" : ""}`,
      figure(median(own)),
      figure(median(ours)),
      load.unit,
      median(ratios).toFixed(2),
    ]);
  }
  return table.toString();
}

function newTable(head: readonly string[]): Table.Table {
  return new Table({ head: [...head], style: { head: [], border: [] } });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
