import Table from "cli-table3";
import { type Figure, median, ratio } from "../section.ts";

/** A section's figures as a table: medians with their spread, the ratio to what they are compared with, targets. */
export function figureTable(figures: readonly Figure[]): string {
  const head = ["", "median", "spread", "unit", "ratio", "to", "target"];
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const figure of figures) {
    const times = ratio(figure);
    table.push([
      `${figure.name}${figure.note === undefined ? "" : ` (${figure.note})`}`,
      short(median(figure.rounds)),
      figure.rounds.length > 1 ? `${short(Math.min(...figure.rounds))} - ${short(Math.max(...figure.rounds))}` : "",
      figure.unit,
      times === null ? "" : times.toFixed(2),
      figure.against === undefined ? "" : `${figure.against.name}: ${short(median(figure.against.rounds))}`,
      targetOf(figure),
    ]);
  }
  return table.toString();
}

/** The target and whether it is reached; empty without one. */
export function targetOf(figure: Figure): string {
  const { target, targetRatio, lessIsBetter } = figure;
  const wanted = targetRatio ?? target;
  if (wanted === undefined) return "";
  const value = targetRatio === undefined ? median(figure.rounds) : (ratio(figure) ?? Number.NaN);
  const reached = lessIsBetter ? value <= wanted : value >= wanted;
  const bound = `${lessIsBetter ? "≤" : "≥"} ${short(wanted)}${targetRatio === undefined ? "" : "×"}`;
  return `${bound} ${reached ? "✓" : "✗"}`;
}

/** Three digits that count, or all of a larger number's. */
export function short(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
