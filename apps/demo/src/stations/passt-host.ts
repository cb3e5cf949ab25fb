import type { PingResult } from "../ping.ts";
import { HostStation } from "./host-station.ts";
import { type Fetched, type Station, StationError } from "./station.ts";

/**
 * The host as a guest behind passt sees it. passt speaks for the guest with ordinary sockets: the guest reaches the
 * host's loopback address through the gateway, and the host reaches the guest through a port that passt listens at.
 */
export class PasstHost implements Station {
  readonly name = "host";
  /** Pings behind passt take a right that users may not have. */
  readonly cannot = ["ping", "be pinged", "iperf"] as const;
  readonly address: string;
  readonly web: string;
  readonly #inner: HostStation;
  readonly #forwarded: string;

  /**
   * @param gateway what passt maps to the loopback address
   * @param port of its server there
   * @param forwardedPort what passt forwards to the guest's port 80
   */
  constructor(gateway: string, port: number, forwardedPort: number) {
    this.address = gateway;
    this.web = `${gateway}:${port}`;
    this.#inner = new HostStation("127.0.0.1", port);
    this.#forwarded = `127.0.0.1:${forwardedPort}`;
  }

  async ping(): Promise<PingResult> {
    throw new StationError("a guest behind passt cannot be pinged");
  }

  serve(mebibytes: number): Promise<string> {
    return this.#inner.serve(mebibytes);
  }

  fetch(from: Station): Promise<Fetched> {
    return this.#inner.fetch({ name: from.name, address: this.#forwarded });
  }

  async iperfServer(): Promise<null> {
    return null;
  }

  async iperfTo(): Promise<number> {
    throw new StationError("iperf3's port is not forwarded to a guest behind passt");
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
