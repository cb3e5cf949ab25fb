import {
  bindSocket,
  openSocket,
  type Poller,
  Ready,
  removeSocketFile,
  type Socket,
  type SocketAddress,
  SocketType,
  type Watch,
} from "@vmmkit/posix";
import { domainOf, formatAddress } from "./address.ts";
import type { Counters } from "./counters.ts";
import type { OnConnection, StreamSource } from "./stream-source.ts";

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;

/** Waits for connections and takes one at a time. Others wait in the kernel until that is over. */
export class Listener implements StreamSource {
  readonly localAddress: SocketAddress;
  readonly #socket: Socket;
  readonly #counters: Counters;
  readonly #watch: Watch;
  #onConnection: OnConnection = () => {};

  /** @throws PosixError where the address cannot be had */
  constructor(address: SocketAddress, counters: Counters, poller: Poller) {
    this.#counters = counters;
    this.#socket = openSocket(domainOf(address), SocketType.Stream);
    try {
      // Connections of a process that ended may still linger; they are not in the way.
      if (address.family !== "unix") this.#socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1);
      bindSocket(this.#socket, address, SocketType.Stream);
      this.#socket.listen();
      this.localAddress = this.#socket.localAddress() ?? address;
      this.#watch = poller.watch(this.#socket.fd, 0, () => this.#accept());
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  get description(): string {
    return `at ${formatAddress(this.localAddress)}`;
  }

  start(onConnection: OnConnection): void {
    this.#onConnection = onConnection;
    this.again();
  }

  again(): void {
    if (!this.#watch.closed) this.#watch.setEvents(Ready.Read);
  }

  close(): void {
    if (this.#socket.fd.closed) return;
    removeSocketFile(this.localAddress);
    this.#socket.close();
  }

  #accept(): void {
    let socket: Socket | null = null;
    try {
      socket = this.#socket.accept();
    } catch {
      // Out of descriptors, most likely. The connection waits in the kernel, and the next turn tries again.
      this.#counters.failures++;
      return;
    }
    if (socket === null) return;
    this.#watch.setEvents(0);
    this.#onConnection(socket);
  }
}
