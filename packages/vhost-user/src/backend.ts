import { type Fd, listenUnix, type Poller, type Socket, threadPoller } from "@vmmkit/posix";
import type { GuestMemory, Vm } from "@vmmkit/vm";
import { Dialer } from "./dialer.ts";
import { Requests } from "./requests.ts";
import { ServedDevice, type VhostUserDevice, type VhostUserHooks } from "./served-device.ts";
import { Session } from "./session.ts";

/** Options of `serveVhostUser`: one of `listen` and `connect`. */
export interface VhostUserOptions<Device extends VhostUserDevice> {
  /** The path of the UNIX socket to listen at, or a socket that listens already: it is the back-end's from now on. */
  readonly listen?: string | Fd;
  /** The path of a socket that the front-end listens at. It is tried again for as long as it takes, and whenever it is lost. */
  readonly connect?: string;
  /**
   * Makes the device that is served: `new NetDevice(vm, backend, hooks)`. Called once, before this returns. The memory
   * of its machine is the front-end's, and changes as front-ends come and go.
   */
  readonly makeDevice: (vm: Vm, hooks: VhostUserHooks) => Device;
  /**
   * Broadcasts for a guest that moved here and does not do so itself, with the guest's address (SEND_RARP). Default:
   * front-ends are told that nobody does.
   */
  readonly announce?: (mac: Uint8Array) => void;
  /** With `listen`: permissions of the socket's file. Default 0o600: nobody but this user may connect. */
  readonly mode?: number;
  /** What waits for the socket and the rings. Default: this thread's. */
  readonly poller?: Poller;
  /** Told in words what front-ends do that people may want to know of. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** What a back-end counted so far. The numbers only grow. */
export interface VhostUserCounters {
  /** Connections made. */
  frontEnds: number;
  /** Requests, failed ones included. */
  requests: number;
  failures: number;
}

/** A device at a socket. */
export interface VhostUserBackend<Device extends VhostUserDevice> {
  /** What is served. */
  readonly device: Device;
  /** The front-end's memory as the device sees it: no region without a front-end. */
  readonly memory: GuestMemory;
  /** Whether a front-end is connected. */
  readonly connected: boolean;
  readonly counters: Readonly<VhostUserCounters>;
  /** Ends the connection, and removes the socket's file. The device and what carries its frames stay the caller's. */
  close(): void;
}

/**
 * Serves a device's rings to other processes' VMMs over vhost-user: to one front-end at a time, one after another.
 * @throws TypeError for options that do not go together; PosixError where the socket cannot be had; what `makeDevice`
 * throws
 */
export function serveVhostUser<Device extends VhostUserDevice>(
  options: VhostUserOptions<Device>,
): VhostUserBackend<Device> {
  return new Backend(options);
}

/** Where front-ends come from. */
interface Source {
  /** Another one may come. */
  next(): void;
  close(): void;
}

class Backend<Device extends VhostUserDevice> implements VhostUserBackend<Device> {
  readonly counters: VhostUserCounters = { frontEnds: 0, requests: 0, failures: 0 };
  readonly #options: VhostUserOptions<Device>;
  readonly #served: ServedDevice<Device>;
  readonly #poller: Poller;
  readonly #source: Source;
  #session: Session | null = null;

  constructor(options: VhostUserOptions<Device>) {
    this.#options = options;
    this.#poller = options.poller ?? threadPoller();
    checkSource(options);
    this.#served = new ServedDevice(options.makeDevice, this.#poller);
    this.#source = this.#makeSource();
  }

  get device(): Device {
    return this.#served.device;
  }

  get memory(): GuestMemory {
    return this.#served.memory;
  }

  get connected(): boolean {
    return this.#session !== null;
  }

  close(): void {
    this.#source.close();
    this.#session?.close();
    this.#session = null;
  }

  #makeSource(): Source {
    const { listen, connect, mode = 0o600 } = this.#options;
    if (connect !== undefined) return new Dialer(connect, (socket) => this.#start(socket));
    if (listen === undefined) throw new TypeError('"listen" expected a path or a socket, got undefined');
    return listenUnix({ at: listen, mode, poller: this.#poller }, (socket) => this.#start(socket));
  }

  #start(socket: Socket): void {
    this.counters.frontEnds++;
    const log = this.#options.log ?? (() => {});
    const requests = new Requests(this.#served, this.#options.announce ?? null);
    this.#session = new Session(socket, this.#poller, requests, {
      onRequest: (failed) => {
        this.counters.requests++;
        if (failed) this.counters.failures++;
      },
      log,
      onEnd: (reason) => {
        this.#session = null;
        log(`front-end gone: ${reason}`);
        this.#source.next();
      },
    });
  }
}

function checkSource({ listen, connect }: { readonly listen?: unknown; readonly connect?: unknown }): void {
  if ((listen === undefined) === (connect === undefined)) {
    throw new TypeError('"options" expected exactly one of listen and connect');
  }
}
