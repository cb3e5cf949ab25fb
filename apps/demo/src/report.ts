import Table from "cli-table3";
import type { CaptureRow } from "./backends/wire.ts";
import { featureTable, type Negotiated } from "./features.ts";
import type { PingResult } from "./ping.ts";

/** One transfer of data from one station to another. */
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

/** What iperf3 said of one direction. */
export interface IperfRow {
  readonly from: string;
  readonly to: string;
  readonly bitsPerSecond: number;
}

/** One station's answers to its pings. */
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
  /** As `--backend` said it. */
  readonly backend: string;
  readonly guests: number;
  readonly bootSeconds: readonly number[];
  readonly pings: readonly PingRow[];
  readonly transfers: readonly TransferResult[];
  /** Empty unless it was asked for. */
  readonly iperf: readonly IperfRow[];
  readonly cards: readonly CardRow[];
  /** What each card and its guest agreed on. */
  readonly negotiated: readonly Negotiated[];
  readonly captures: readonly CaptureRow[];
  readonly seconds: number;
  /** Whether all pings were answered and all data arrived intact. */
  readonly held: boolean;
}

/**
 * The report as tables for people.
 * @param features whether it lists what was negotiated, feature by feature
 */
export function formatReport(report: DemoReport, features: boolean): string {
  return [
    ...(report.pings.length > 0 ? [pingTable(report.pings)] : []),
    transferTable(report.transfers),
    ...(report.iperf.length > 0 ? [iperfTable(report.iperf)] : []),
    cardTable(report.cards),
    ...(features ? [featureTable(report.negotiated)] : []),
    ...report.captures.map(captureLine),
    report.held
      ? `Nothing was lost, every checksum matched. ${report.seconds.toFixed(1)} s.`
      : `NOT everything held: see above. ${report.seconds.toFixed(1)} s.`,
  ].join("\n");
}

function captureLine({ file, frames, dropped, error }: CaptureRow): string {
  if (error !== null) return `${file} could not be written: ${error}`;
  return `${frames} frames in ${file}${dropped > 0 ? `, ${dropped} left out as the disk was slow` : ""}`;
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

function iperfTable(rows: readonly IperfRow[]): string {
  const table = newTable(["iperf3, TCP", "Mbit/s"]);
  for (const { from, to, bitsPerSecond } of rows) table.push([`${from} → ${to}`, (bitsPerSecond / 1e6).toFixed(1)]);
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
