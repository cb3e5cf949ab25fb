import Table from "cli-table3";
import type { CableCounts } from "../data-path/cable.ts";
import type { CardReport, Direction } from "../data-path/card-report.ts";
import type { ProcessReport } from "../data-path/process-report.ts";
import type { UplinkReport } from "../data-path/uplink.ts";

/** All cards at one time. */
interface Sample {
  readonly timeMs?: number;
  readonly cards?: readonly CardReport[];
  readonly uplinks?: readonly UplinkReport[];
  readonly processes?: readonly ProcessReport[];
}

/** Rates between two samples, as a table. */
export function formatTop(before: Sample, after: Sample): string {
  const seconds = secondsBetween(before, after);
  const table = new Table({
    head: ["card", "link", "", "frames/s", "MB/s", "interrupts/s", "ring", "cpu", "dropped"],
    style: { head: [], border: [] },
  });
  for (const card of after.cards ?? []) {
    const old = before.cards?.find(({ name }) => name === card.name);
    if (old === undefined) continue;
    const state = `${card.linkUp ? "up" : "down"}${card.connected ? "" : ", no VMM"}`;
    table.push([
      card.name,
      state,
      "tx",
      ...rates(old.transmit, card.transmit, seconds, share(card.name, before, after)),
    ]);
    table.push(["", "", "rx", ...rates(old.receive, card.receive, seconds, "")]);
  }
  for (const [index, uplink] of (after.uplinks ?? []).entries()) {
    const old = before.uplinks?.[index];
    if (old === undefined) continue;
    table.push([uplink.uplink, "", "out", ...uplinkRates(old.out, uplink.out, seconds)]);
    table.push(["", "", "in", ...uplinkRates(old.in, uplink.in, seconds)]);
  }
  return table.toString();
}

function uplinkRates(before: CableCounts, after: CableCounts, seconds: number): string[] {
  const [frames, megabytes] = frameRates(before, after, seconds);
  return [frames, megabytes, "", "", "", after.failed > 0 ? `failed ${after.failed}` : ""];
}

/** Frames and megabytes in a second; 0 where another process has begun to count anew. */
function frameRates(
  before: { readonly frames: number; readonly bytes: number },
  after: { readonly frames: number; readonly bytes: number },
  seconds: number,
): [frames: string, megabytes: string] {
  return [
    rate(after.frames - before.frames, seconds).toFixed(0),
    (rate(after.bytes - before.bytes, seconds) / 1e6).toFixed(2),
  ];
}

/** How much of a processor the process has that begins with this card; nothing where it is another one now. */
function share(card: string, before: Sample, after: Sample): string {
  const now = after.processes?.find(({ cards }) => cards[0] === card);
  const old = before.processes?.find(({ pid }) => pid === now?.pid);
  if (now === undefined || old === undefined) return "";
  const used = now.userSeconds + now.systemSeconds - old.userSeconds - old.systemSeconds;
  return `${(100 * rate(used, secondsBetween(before, after))).toFixed(0)} %`;
}

function secondsBetween(before: Sample, after: Sample): number {
  return ((after.timeMs ?? 0) - (before.timeMs ?? 0)) / 1000;
}

function rate(count: number, seconds: number): number {
  return seconds > 0 ? Math.max(0, count / seconds) : 0;
}

function rates(before: Direction, after: Direction, seconds: number, cpu: string): string[] {
  const sum = (of: (ring: Direction["rings"][number]) => number): number =>
    after.rings.reduce((total, ring) => total + of(ring), 0);
  const causes = [...Object.entries(after.dropped), ...Object.entries(after.faults.dropped)].filter(
    ([, count]) => count > 0,
  );
  return [
    ...frameRates(before, after, seconds),
    rate(after.interrupts - before.interrupts, seconds).toFixed(0),
    after.rings.length === 0 ? "" : `${sum(({ filled }) => filled)}/${sum(({ size }) => size)}`,
    cpu,
    causes.map(([cause, count]) => `${cause} ${count}`).join(", "),
  ];
}
