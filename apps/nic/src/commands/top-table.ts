import Table from "cli-table3";
import type { CardReport, Direction } from "../card-report.ts";

/** All cards at one time. */
interface Sample {
  readonly timeMs?: number;
  readonly cards?: readonly CardReport[];
}

/** Rates between two samples, as a table. */
export function formatTop(before: Sample, after: Sample): string {
  const seconds = ((after.timeMs ?? 0) - (before.timeMs ?? 0)) / 1000;
  const table = new Table({
    head: ["card", "link", "", "frames/s", "MB/s", "interrupts/s", "ring", "dropped"],
    style: { head: [], border: [] },
  });
  for (const card of after.cards ?? []) {
    const old = before.cards?.find(({ name }) => name === card.name);
    if (old === undefined) continue;
    const state = `${card.linkUp ? "up" : "down"}${card.connected ? "" : ", no VMM"}`;
    table.push([card.name, state, "tx", ...rates(old.transmit, card.transmit, seconds)]);
    table.push(["", "", "rx", ...rates(old.receive, card.receive, seconds)]);
  }
  return table.toString();
}

function rates(before: Direction, after: Direction, seconds: number): string[] {
  const rate = (count: number): number => (seconds > 0 ? count / seconds : 0);
  const sum = (of: (ring: Direction["rings"][number]) => number): number =>
    after.rings.reduce((total, ring) => total + of(ring), 0);
  const causes = [...Object.entries(after.dropped), ...Object.entries(after.faults.dropped)].filter(
    ([, count]) => count > 0,
  );
  return [
    rate(after.frames - before.frames).toFixed(0),
    (rate(after.bytes - before.bytes) / 1e6).toFixed(2),
    rate(after.interrupts - before.interrupts).toFixed(0),
    after.rings.length === 0 ? "" : `${sum(({ filled }) => filled)}/${sum(({ size }) => size)}`,
    causes.map(([cause, count]) => `${cause} ${count}`).join(", "),
  ];
}
