import Table from "cli-table3";
import type { PingResult } from "./ping.ts";

/** One transfer of data from one guest to another. */
export interface TransferResult {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly seconds: number;
  /** Whether what arrived has the checksum of what was sent. */
  readonly intact: boolean;
  /** Whether data went the other way at the same time. */
  readonly bothWays: boolean;
}

/** One guest's answers to its pings. */
export interface PingRow extends PingResult {
  readonly from: string;
  readonly to: string;
}

/** What a card counted while the tests ran. */
export interface CardRow {
  readonly guest: string;
  readonly mac: string;
  readonly driver: string;
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly interruptsPerFrame: number;
  readonly notificationsPerFrame: number;
  readonly dropped: number;
}

/** Everything that the demo found. */
export interface DemoReport {
  readonly kernel: string;
  readonly guests: number;
  readonly bootSeconds: readonly number[];
  readonly pings: readonly PingRow[];
  readonly transfers: readonly TransferResult[];
  readonly cards: readonly CardRow[];
  readonly capture: { readonly file: string; readonly frames: number; readonly dropped: number };
  readonly seconds: number;
  /** Whether all pings were answered and all data arrived intact. */
  readonly held: boolean;
}

/** The report as tables for people. */
export function formatReport(report: DemoReport): string {
  return [
    pingTable(report.pings),
    transferTable(report.transfers),
    cardTable(report.cards),
    `${report.capture.frames} frames in ${report.capture.file}` +
      (report.capture.dropped > 0 ? `, ${report.capture.dropped} left out as the disk was slow` : ""),
    report.held
      ? `Nothing was lost, every checksum matched. ${report.seconds.toFixed(1)} s.`
      : `NOT everything held: see above. ${report.seconds.toFixed(1)} s.`,
  ].join("\n");
}

function newTable(head: readonly string[]): Table.Table {
  return new Table({ head: [...head], style: { head: [], border: [] } });
}

function pingTable(pings: readonly PingRow[]): string {
  const table = newTable(["ping", "sent", "answered", "RTT min", "avg", "max (ms)"]);
  for (const ping of pings) {
    const times = [ping.minMs, ping.avgMs, ping.maxMs].map((ms) => (Number.isNaN(ms) ? "-" : ms.toFixed(3)));
    table.push([`${ping.from} → ${ping.to}`, ping.sent, ping.received, ...times]);
  }
  return table.toString();
}

function transferTable(transfers: readonly TransferResult[]): string {
  const table = newTable(["transfer", "MiB", "seconds", "MB/s", "checksum"]);
  for (const { from, to, bytes, seconds, intact, bothWays } of transfers) {
    table.push([
      `${from} → ${to}${bothWays ? " (both at once)" : ""}`,
      (bytes / 2 ** 20).toFixed(0),
      seconds.toFixed(2),
      (bytes / 1e6 / seconds).toFixed(1),
      intact ? "matches" : "DIFFERS",
    ]);
  }
  return table.toString();
}

function cardTable(cards: readonly CardRow[]): string {
  const table = newTable(["card", "address", "frames out", "in", "interrupts/frame", "notifications/frame", "dropped"]);
  for (const card of cards) {
    table.push([
      card.guest,
      card.mac,
      card.framesSent,
      card.framesReceived,
      card.interruptsPerFrame.toFixed(3),
      card.notificationsPerFrame.toFixed(3),
      card.dropped,
    ]);
  }
  return table.toString();
}
