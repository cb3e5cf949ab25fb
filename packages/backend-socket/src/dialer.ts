import {
  errnoName,
  openSocket,
  type Poller,
  PosixError,
  Ready,
  type Socket,
  type SocketAddress,
  SocketType,
} from "@vmmkit/posix";
import { domainOf, formatAddress } from "./address.ts";
import type { Backoff } from "./backoff.ts";
import type { Counters } from "./counters.ts";
import type { OnConnection, StreamSource } from "./stream-source.ts";

/** Connects, and tries again with growing waits where that fails or the connection is lost. */
export class Dialer implements StreamSource {
  readonly localAddress = null;
  readonly #address: SocketAddress;
  readonly #backoff: Backoff | null;
  readonly #counters: Counters;
  readonly #poller: Poller;
  #onConnection: OnConnection = () => {};
  /** A socket whose connection takes time. */
  #pending: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastError = "";
  #closed = false;

  /** @param backoff null to try once */
  constructor(address: SocketAddress, backoff: Backoff | null, counters: Counters, poller: Poller) {
    this.#address = address;
    this.#backoff = backoff;
    this.#counters = counters;
    this.#poller = poller;
  }

  get description(): string {
    return `to ${formatAddress(this.#address)}${this.#lastError}`;
  }

  start(onConnection: OnConnection): void {
    this.#onConnection = onConnection;
    this.#dial();
  }

  again(worked: boolean): void {
    if (worked) this.#backoff?.reset();
    this.#later();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#pending?.close();
    this.#pending = null;
  }

  #dial(): void {
    this.#timer = null;
    let socket: Socket | null = null;
    try {
      socket = openSocket(domainOf(this.#address), SocketType.Stream);
      if (socket.connect(this.#address)) this.#connected(socket);
      else this.#wait(socket);
    } catch (error) {
      socket?.close();
      this.#failed(error);
    }
  }

  #wait(socket: Socket): void {
    this.#pending = socket;
    const watch = this.#poller.watch(socket.fd, Ready.Write, () => {
      watch.close();
      this.#pending = null;
      const reason = socket.takeError();
      if (reason === 0) this.#connected(socket);
      else {
        socket.close();
        this.#failed(errnoName(reason));
      }
    });
  }

  #connected(socket: Socket): void {
    this.#lastError = "";
    this.#onConnection(socket);
  }

  #failed(error: unknown): void {
    this.#counters.failures++;
    this.#lastError = `, last error ${error instanceof PosixError ? error.code : String(error)}`;
    this.#later();
  }

  #later(): void {
    if (this.#closed || this.#backoff === null || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#dial(), this.#backoff.next());
  }
}
