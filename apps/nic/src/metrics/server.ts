import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { DataPathReport } from "../data-path/orders.ts";
import type { MetricsAddress } from "./address.ts";
import { cardMetrics, processMetrics } from "./card-metrics.ts";
import { dataPathMetrics } from "./data-path-metrics.ts";
import { CONTENT_TYPE, formatMetrics } from "./exposition.ts";
import { uplinkMetrics } from "./uplink-metrics.ts";

/** Counts for Prometheus, by HTTP at `/metrics`. There is nothing that a request could change. */
export class MetricsServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws (rejects) Error where the address cannot be had */
  static async start({ host, port }: MetricsAddress, report: () => Promise<DataPathReport>): Promise<MetricsServer> {
    const server = createServer(
      { requestTimeout: 10_000 },
      (request, response) => void answer(request, response, report),
    );
    server.listen(port, host);
    await once(server, "listening");
    return new MetricsServer(server);
  }

  /** Where it is: a port was chosen where 0 was asked for. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/metrics`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  report: () => Promise<DataPathReport>,
): Promise<void> {
  const path = request.url?.replace(/\?.*$/s, "");
  if (path !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
    response.writeHead(path === "/metrics" ? 405 : 404, { "content-type": "text/plain" }).end("see /metrics\n");
    return;
  }
  const { cards, uplinks, processes } = await report();
  response.writeHead(200, { "content-type": CONTENT_TYPE });
  response.end(
    formatMetrics([
      ...cardMetrics(cards),
      ...uplinkMetrics(uplinks),
      ...dataPathMetrics(processes),
      ...processMetrics(),
    ]),
  );
}
