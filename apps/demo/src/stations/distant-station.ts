import type { PingResult } from "../ping.ts";
import { type Fetched, type Station, StationError } from "./station.ts";

/** Somebody at the other end of a wire whom we can ping, and nothing else. */
export class DistantStation implements Station {
  readonly name: string;
  readonly address: string;
  readonly cannot = ["ping", "transfer"] as const;

  constructor(name: string, address: string) {
    this.name = name;
    this.address = address;
  }

  ping(): Promise<PingResult> {
    return this.#refuse();
  }

  serve(): Promise<string> {
    return this.#refuse();
  }

  fetch(): Promise<Fetched> {
    return this.#refuse();
  }

  async iperfServer(): Promise<null> {
    return null;
  }

  iperfTo(): Promise<number> {
    return this.#refuse();
  }

  async close(): Promise<void> {
    // It is not ours.
  }

  async #refuse(): Promise<never> {
    throw new StationError(`${this.name} is not ours to command`);
  }
}
