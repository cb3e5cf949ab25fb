import { type FaultBackend, faultBackend } from "@vmmkit/backend-fault";
import type { Hub } from "@vmmkit/backend-loopback";
import { type PcapTee, pcapTee } from "@vmmkit/backend-pcap";
import { formatMac } from "@vmmkit/ethif";
import { serveVfioUser } from "@vmmkit/vfio-user";
import { serveVhostUser } from "@vmmkit/vhost-user";
import { makeVirtioNetFunction, NetDevice } from "@vmmkit/virtio-net";
import type { CardConfig } from "./config.ts";
import { openBackend } from "./open-backend.ts";
import { SwitchedWriter } from "./switched-writer.ts";

/** What a card says of itself. The numbers only grow. */
export interface CardReport {
  readonly name: string;
  readonly socket: string;
  readonly protocol: "vfio-user" | "vhost-user";
  readonly mac: string;
  /** Whether a VMM is connected. */
  readonly connected: boolean;
  readonly linkUp: boolean;
  /** The file that a capture goes to. */
  readonly capture: string | null;
  readonly transmit: Direction;
  readonly receive: Direction;
}

/** One direction, as the guest sees it. */
export interface Direction {
  readonly frames: number;
  readonly bytes: number;
  readonly notifications: number;
  readonly interrupts: number;
  /** Frames lost, by cause. */
  readonly dropped: Readonly<Record<string, number>>;
}

interface Served {
  readonly connected: boolean;
  close(): void;
}

/** A card at a socket: captured, then made faulty where asked for, then carried by its backend. */
export class Card {
  readonly name: string;
  readonly #config: CardConfig;
  readonly #writer = new SwitchedWriter();
  readonly #fault: FaultBackend;
  readonly #tee: PcapTee;
  readonly #server: Served;
  readonly #device: NetDevice;
  #capture: string | null = null;

  /** @throws what the backend and the server throw; nothing is left open then */
  constructor(config: CardConfig, hub: Hub, log: (line: string) => void) {
    this.name = config.name;
    this.#config = config;
    const inner = openBackend(config, hub);
    try {
      this.#fault = faultBackend(inner, config.fault);
    } catch (error) {
      if ("close" in inner) void inner.close();
      throw error;
    }
    this.#tee = pcapTee(this.#fault, { writer: this.#writer, interface: { name: config.name }, capturing: false });
    try {
      [this.#server, this.#device] = serve(config, this.#tee, (line) => log(`${config.name}: ${line}`));
    } catch (error) {
      void this.#tee.close();
      throw error;
    }
    if (config.pcap !== undefined) this.startCapture(config.pcap);
  }

  /** Pulls the cable or plugs it in. */
  setLink(up: boolean): void {
    this.#fault.setLink(up);
  }

  /** @throws Error where a capture is running */
  startCapture(path: string): void {
    this.#writer.open(path);
    this.#capture = path;
    this.#tee.startCapture();
  }

  /** Resolves when the file is whole. @throws Error where no capture is running */
  async stopCapture(): Promise<void> {
    if (this.#capture === null) throw new Error("no capture is running");
    this.#tee.stopCapture();
    this.#capture = null;
    await this.#writer.close();
  }

  report(): CardReport {
    const { transmit, receive, transmitQueue, receiveQueue } = this.#device.counters;
    return {
      name: this.name,
      socket: this.#config.path,
      protocol: this.#config.protocol,
      mac: formatMac(this.#fault.getMac(this.#device.driver)),
      connected: this.#server.connected,
      linkUp: this.#fault.stats().linkUp,
      capture: this.#capture,
      transmit: { ...direction(transmit), ...queue(transmitQueue) },
      receive: { ...direction(receive), ...queue(receiveQueue) },
    };
  }

  /** The VMM is told, the socket goes, and a capture is written to its end. */
  async close(): Promise<void> {
    this.#server.close();
    this.#device.close();
    await this.#tee.close();
    await this.#writer.close();
  }
}

function serve(config: CardConfig, backend: PcapTee, log: (line: string) => void): [Served, NetDevice] {
  const options = { name: config.name, queuePairs: config.queues, log };
  if (config.protocol === "vhost-user") {
    const server = serveVhostUser({
      listen: config.path,
      log,
      makeDevice: (vm, hooks) => new NetDevice(vm, backend, hooks, options),
    });
    return [server, server.device];
  }
  let device: NetDevice | null = null;
  const server = serveVfioUser({
    listen: config.path,
    log,
    makeFunction: (vm) => {
      const made = makeVirtioNetFunction(vm, backend, { ...options, transport: config.driver });
      device = made.device;
      return made.function;
    },
  });
  if (device === null) throw new Error("the server made no card");
  return [server, device];
}

function direction(counters: { frames: number; bytes: number; dropped: Readonly<Record<string, number>> }): {
  frames: number;
  bytes: number;
  dropped: Record<string, number>;
} {
  return { frames: counters.frames, bytes: counters.bytes, dropped: { ...counters.dropped } };
}

function queue(counters: { notifications: number; interrupts: number }): {
  notifications: number;
  interrupts: number;
} {
  return { notifications: counters.notifications, interrupts: counters.interrupts };
}
