import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createServer, get, type Server } from "node:http";
import { promisify } from "node:util";
import type { PingResult } from "../ping.ts";
import { icmpPing } from "./icmp-ping.ts";
import {
  type Fetched,
  HTTP_PORT,
  iperfRate,
  PING_INTERVAL_MS,
  PINGS,
  type Station,
  StationError,
  TRANSFER_TIMEOUT_MS,
} from "./station.ts";

const run = promisify(execFile);
const PIECE_BYTES = 64 * 1024;

/** The host itself, through whatever network namespace this thread is in. */
export class HostStation implements Station {
  readonly name = "host";
  readonly address: string;
  readonly web: string;
  readonly #httpPort: number;
  #server: Server | null = null;

  /** @param address its own on the guests' network */
  constructor(address: string, httpPort: number = HTTP_PORT) {
    this.address = address;
    this.web = `${address}:${httpPort}`;
    this.#httpPort = httpPort;
  }

  ping(to: Station): Promise<PingResult> {
    return icmpPing(to.address, PINGS, PING_INTERVAL_MS);
  }

  async serve(mebibytes: number): Promise<string> {
    const data = randomBytes(mebibytes * 2 ** 20);
    const server = createServer((_request, response) => {
      response.setHeader("content-length", data.length);
      // In pieces, as it is sent: whoever reads 16 MiB at a time keeps this thread from everything else.
      for (let at = 0; at < data.length; at += PIECE_BYTES) response.write(data.subarray(at, at + PIECE_BYTES));
      response.end();
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#httpPort, this.address, resolve);
    });
    return createHash("md5").update(data).digest("hex");
  }

  async fetch(from: Pick<Station, "name" | "address" | "web">): Promise<Fetched> {
    const start = performance.now();
    const hash = createHash("md5");
    await new Promise<void>((resolve, reject) => {
      const request = get(`http://${from.web ?? from.address}/data`, { timeout: TRANSFER_TIMEOUT_MS }, (response) => {
        if (response.statusCode !== 200) reject(new StationError(`${from.name} answered ${response.statusCode}`));
        response.on("data", (piece: Buffer) => hash.update(piece));
        response.on("end", resolve);
        response.on("error", reject);
      });
      request.on("timeout", () => request.destroy(new StationError(`${from.name} does not answer`)));
      request.on("error", reject);
    });
    return { seconds: (performance.now() - start) / 1000, sum: hash.digest("hex") };
  }

  async iperfServer(): Promise<(() => Promise<void>) | null> {
    if (!(await hasIperf3())) return null;
    const child = spawn("iperf3", ["--server", "--one-off", "--forceflush", "--bind", this.address], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    // It says so when it listens.
    await Promise.race([ended, new Promise<void>((resolve) => child.stdout.once("data", () => resolve()))]);
    return async () => {
      child.kill();
      await ended;
    };
  }

  async iperfTo(to: Station, seconds: number): Promise<number> {
    const args = ["--client", to.address, "--time", String(seconds), "--json"];
    const { stdout } = await run("iperf3", args, { timeout: TRANSFER_TIMEOUT_MS });
    return iperfRate(stdout, this.name);
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}

function hasIperf3(): Promise<boolean> {
  return run("iperf3", ["--version"]).then(
    () => true,
    () => false,
  );
}
