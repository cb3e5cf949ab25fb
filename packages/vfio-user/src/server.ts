import type { PciFunction } from "@vmmkit/pci";
import { type Fd, listenUnix, type Poller, type Socket, threadPoller, type UnixListener } from "@vmmkit/posix";
import type { GuestMemory, Vm } from "@vmmkit/vm";
import { ServedFunction } from "./served-function.ts";
import { Session } from "./session.ts";

/** Options of `serveVfioUser`. */
export interface VfioUserOptions {
  /** The path of the UNIX socket to listen at, or a socket that listens already: it is the server's from now on. */
  readonly listen: string | Fd;
  /**
   * Makes the function that is served. Called once, before this returns. Its machine's memory is the client's, and
   * changes as clients come and go; its interrupt line may have any number.
   */
  readonly makeFunction: (vm: Vm) => PciFunction;
  /** Permissions of the socket's file. Default 0o600: nobody but this user may connect. */
  readonly mode?: number;
  /** What waits for the socket. Default: this thread's. */
  readonly poller?: Poller;
  /** Told in words what clients do that people may want to know of. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** What a server counted so far. The numbers only grow. */
export interface VfioUserCounters {
  /** Connections taken. */
  clients: number;
  /** Commands answered, failed ones included. */
  commands: number;
  /** Commands answered with an error. */
  failures: number;
}

/** A PCI function at a socket. */
export interface VfioUserServer {
  /** What is served. */
  readonly device: PciFunction;
  /** The client's memory as the device sees it: no region without a client. */
  readonly memory: GuestMemory;
  /** Whether a client is connected. */
  readonly connected: boolean;
  readonly counters: Readonly<VfioUserCounters>;
  /** Ends the connection, stops listening and removes the socket's file. The function and its backend stay the caller's. */
  close(): void;
}

/**
 * Serves a PCI function to other processes' VMMs over vfio-user: to one client at a time, one after another. Each finds
 * the function as after power-on.
 * @throws PosixError where the socket cannot be had; what `makeFunction` throws
 */
export function serveVfioUser(options: VfioUserOptions): VfioUserServer {
  return new Server(options);
}

class Server implements VfioUserServer {
  readonly counters: VfioUserCounters = { clients: 0, commands: 0, failures: 0 };
  readonly #served: ServedFunction;
  readonly #poller: Poller;
  readonly #log: (line: string) => void;
  readonly #listener: UnixListener;
  #session: Session | null = null;

  constructor(options: VfioUserOptions) {
    this.#poller = options.poller ?? threadPoller();
    this.#log = options.log ?? (() => {});
    this.#served = new ServedFunction(options.makeFunction, this.#poller);
    const { listen, mode = 0o600 } = options;
    this.#listener = listenUnix({ at: listen, mode, poller: this.#poller }, (socket) => this.#start(socket));
  }

  get device(): PciFunction {
    return this.#served.device;
  }

  get memory(): GuestMemory {
    return this.#served.memory;
  }

  get connected(): boolean {
    return this.#session !== null;
  }

  close(): void {
    this.#listener.close();
    this.#session?.close();
    this.#session = null;
  }

  #start(socket: Socket): void {
    this.counters.clients++;
    this.#session = new Session(socket, this.#poller, this.#served, {
      onCommand: (failed) => {
        this.counters.commands++;
        if (failed) this.counters.failures++;
      },
      log: this.#log,
      onEnd: (reason) => {
        this.#session = null;
        this.#log(`client gone: ${reason}`);
        this.#listener.next();
      },
    });
  }
}
