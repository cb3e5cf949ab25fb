import {
  bindSocket,
  openSocket,
  PosixError,
  removeSocketFile,
  type Socket,
  type SocketAddress,
  SocketDomain,
  SocketType,
} from "@vmmkit/posix";
import { formatAddress } from "./address.ts";
import type { Backoff } from "./backoff.ts";
import type { Counters } from "./counters.ts";
import type { DatagramPort } from "./datagram-port.ts";

/** How often it is made sure that the peer's path still leads to the same socket, in milliseconds. */
const LOOK_MS = 1000;

/**
 * UNIX datagrams between two paths. The socket is connected: only so does the kernel say when the peer, whose queue
 * is short, takes more. A connection is to a socket and not to a path, and a peer that starts anew at the same path
 * can send us nothing before we have connected again; so that is done again and again.
 */
export class UnixPort implements DatagramPort {
  readonly receiving: Socket;
  readonly sending: Socket;
  readonly localAddress: SocketAddress | null;
  readonly #remote: SocketAddress;
  readonly #backoff: Backoff;
  readonly #counters: Counters;
  #timer: NodeJS.Timeout | null = null;
  #up = false;
  #onChange: () => void = () => {};

  /** @throws PosixError where the local path cannot be had */
  constructor(local: SocketAddress, remote: SocketAddress, backoff: Backoff, counters: Counters) {
    const socket = openSocket(SocketDomain.Unix, SocketType.Datagram);
    try {
      bindSocket(socket, local, SocketType.Datagram);
      this.localAddress = socket.localAddress();
    } catch (error) {
      socket.close();
      throw error;
    }
    this.receiving = socket;
    this.sending = socket;
    this.#remote = remote;
    this.#backoff = backoff;
    this.#counters = counters;
    this.#look();
  }

  get description(): string {
    return `to ${formatAddress(this.#remote)}`;
  }

  get up(): boolean {
    return this.#up;
  }

  start(onChange: () => void): void {
    this.#onChange = onChange;
  }

  refused(): boolean {
    this.#look();
    return this.#up;
  }

  close(): void {
    if (this.receiving.fd.closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.localAddress !== null) removeSocketFile(this.localAddress);
    this.receiving.close();
  }

  #look(): void {
    if (this.receiving.fd.closed) return;
    const before = this.#up;
    this.#up = this.#connect();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), this.#up ? LOOK_MS : this.#backoff.next());
    this.#timer.unref();
    if (this.#up !== before) this.#onChange();
  }

  #connect(): boolean {
    try {
      this.sending.connect(this.#remote);
      this.#backoff.reset();
      return true;
    } catch (error) {
      if (!(error instanceof PosixError)) throw error;
      this.#counters.failures++;
      return false;
    }
  }
}
