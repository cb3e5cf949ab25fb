import type { PingResult } from "../ping.ts";

/** What a transfer brought. */
export interface Fetched {
  readonly seconds: number;
  /** Checksum (MD5) of what arrived. */
  readonly sum: string;
}

/** What some stations cannot do. */
export type StationLack = "ping" | "be pinged" | "transfer" | "iperf";

/** Somebody on the network: a guest, or the host itself. */
export interface Station {
  readonly name: string;
  /** Its IPv4 address. */
  readonly address: string;
  /** Where it serves its data: address and port. Default: port 80 of its address. */
  readonly web?: string;
  /** What it cannot do, or cannot have done to it. Default: nothing. */
  readonly cannot?: readonly StationLack[];
  /** Pings another station. */
  ping(to: Station): Promise<PingResult>;
  /** Makes random data and serves it by HTTP. @returns its checksum */
  serve(mebibytes: number): Promise<string>;
  /** Fetches what another station serves. */
  fetch(from: Station): Promise<Fetched>;
  /** The server's end of iperf3, for one test; null where this station has no iperf3. */
  iperfServer(): Promise<(() => Promise<void>) | null>;
  /** Sends to another station by iperf3 for some seconds. @returns bits per second, as the receiver saw it */
  iperfTo(to: Station, seconds: number): Promise<number>;
  /** Ends what it serves. A guest is ended elsewhere. */
  close(): Promise<void>;
}

/** Something at a station did not go as it has to. */
export class StationError extends Error {
  override readonly name = "StationError";
}

/** How many pings, and how far apart. */
export const PINGS = 20;
export const PING_INTERVAL_MS = 100;

/** The port that stations serve their data on. */
export const HTTP_PORT = 80;

/** Generous: a loaded machine with cold caches moves a megabyte a second. */
export const TRANSFER_TIMEOUT_MS = 180_000;

/** The receiver's rate in what `iperf3 --json` prints. @throws StationError */
export function iperfRate(output: string, name: string): number {
  const start = output.indexOf("{");
  try {
    const report = JSON.parse(output.slice(start)) as { end: { sum_received: { bits_per_second: number } } };
    return report.end.sum_received.bits_per_second;
  } catch {
    throw new StationError(`${name}: iperf3 said: ${output.trim()}`);
  }
}
