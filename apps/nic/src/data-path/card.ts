import { type FaultBackend, type FaultChange, faultBackend } from "@vmmkit/backend-fault";
import type { Hub } from "@vmmkit/backend-loopback";
import { type PcapTee, pcapTee } from "@vmmkit/backend-pcap";
import { formatMac } from "@vmmkit/ethif";
import type { Fd, Poller } from "@vmmkit/posix";
import type { CardConfig } from "../config.ts";
import { type CardReport, directions } from "./card-report.ts";
import { openBackend } from "./open-backend.ts";
import { type Served, serveCard } from "./serve-card.ts";
import { SwitchedWriter } from "./switched-writer.ts";

/** Where a card lives. */
export interface CardPlace {
  /** Where VMMs find it: a socket that listens already. */
  readonly listen: Fd;
  /** What joins it to others, if it wants that. */
  readonly hub: Hub;
  /** Waits for its socket, its rings and what carries its frames. */
  readonly poller: Poller;
  readonly log: (line: string) => void;
}

/** A card at a socket: captured, then made faulty where asked for, then carried by its backend. */
export class Card {
  readonly name: string;
  readonly #config: CardConfig;
  readonly #writer = new SwitchedWriter();
  readonly #fault: FaultBackend;
  readonly #tee: PcapTee;
  readonly #served: Served;
  #capture: string | null = null;

  /**
   * @throws what the backend and the server throw; nothing is left open then
   */
  constructor(config: CardConfig, { listen, hub, poller, log }: CardPlace) {
    this.name = config.name;
    this.#config = config;
    const inner = openBackend(config, hub, poller);
    try {
      this.#fault = faultBackend(inner, config.fault);
    } catch (error) {
      if ("close" in inner) void inner.close();
      throw error;
    }
    this.#tee = pcapTee(this.#fault, { writer: this.#writer, interface: { name: config.name }, capturing: false });
    try {
      this.#served = serveCard(config, listen, this.#tee, poller, (line) => log(`${config.name}: ${line}`));
    } catch (error) {
      void this.#tee.close();
      throw error;
    }
  }

  /** Pulls the cable or plugs it in. */
  setLink(up: boolean): void {
    this.#fault.setLink(up);
  }

  /** Changes what is done to its frames. @throws TypeError, RangeError as `faultBackend` does */
  setFaults(change: FaultChange): void {
    this.#fault.set(change);
  }

  /** Captures into a file from now on. @throws (rejects) Error where a capture is running, or the file cannot be opened */
  async startCapture(path: string): Promise<void> {
    await this.#writer.open(path);
    this.#capture = path;
    this.#tee.startCapture();
  }

  /** Resolves when the file is whole. @throws (rejects) Error where no capture is running, or it could not be written */
  async stopCapture(): Promise<void> {
    if (this.#capture === null) throw new Error("no capture is running");
    this.#tee.stopCapture();
    this.#capture = null;
    await this.#writer.close();
  }

  report(): CardReport {
    const { server, device } = this.#served;
    const faults = this.#fault.stats();
    return {
      name: this.name,
      socket: this.#config.path,
      protocol: this.#config.protocol,
      mac: formatMac(this.#fault.getMac(device.driver)),
      connected: server.connected,
      linkUp: faults.linkUp,
      pid: process.pid,
      restarts: 0,
      capture: this.#capture,
      ...directions(device, server.memory, faults),
    };
  }

  /** The VMM is told, and a capture is written to its end. */
  async close(): Promise<void> {
    this.#served.server.close();
    this.#served.device.close();
    await this.#tee.close();
    await this.#writer.close();
  }
}
