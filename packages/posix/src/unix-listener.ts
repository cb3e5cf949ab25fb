import { fchmodSync } from "node:fs";
import type { Fd } from "./fd.ts";
import { type Poller, threadPoller } from "./poller.ts";
import { openSocket, Socket, SocketDomain, SocketType } from "./socket.ts";
import { bindSocket, removeSocketFile } from "./unix-path.ts";
import { Ready, type Watch } from "./watch.ts";

/** Options of `listenUnix`. */
export interface UnixListenOptions {
  /** The path of the socket, or a socket that listens already (as from systemd): it is the listener's from now on. */
  readonly at: string | Fd;
  /** Who may connect, as permissions of the socket's file. Default 0o600: nobody but this user. */
  readonly mode?: number;
  /** Default: this thread's. */
  readonly poller?: Poller;
}

/** Takes connections to a UNIX stream socket, one at a time. */
export interface UnixListener {
  /** The next connection may come. Others wait in the kernel meanwhile. */
  next(): void;
  /** Stops, and removes the socket's file if it made it. A second call does nothing. */
  close(): void;
}

/**
 * Listens at a UNIX stream socket. A file that a process left behind at the path is removed first.
 * @param onConnection takes a connection, which is its own from then on; the next one comes after `next`
 * @throws PosixError where the path cannot be had
 */
export function listenUnix(options: UnixListenOptions, onConnection: (socket: Socket) => void): UnixListener {
  return new Listening(options, onConnection);
}

class Listening implements UnixListener {
  readonly #socket: Socket;
  readonly #path: string | null;
  readonly #watch: Watch;
  readonly #onConnection: (socket: Socket) => void;

  constructor(options: UnixListenOptions, onConnection: (socket: Socket) => void) {
    const { at, mode = 0o600, poller = threadPoller() } = options;
    this.#onConnection = onConnection;
    this.#path = typeof at === "string" ? at : null;
    this.#socket = typeof at === "string" ? openUnixListener(at, mode) : new Socket(at);
    if (typeof at !== "string") at.setNonBlocking(true);
    this.#watch = poller.watch(this.#socket.fd, Ready.Read, () => this.#accept());
  }

  next(): void {
    if (!this.#watch.closed) this.#watch.setEvents(Ready.Read);
  }

  close(): void {
    if (this.#socket.fd.closed) return;
    if (this.#path !== null) removeSocketFile({ family: "unix", path: this.#path });
    this.#socket.close();
  }

  #accept(): void {
    let connection: Socket | null = null;
    try {
      connection = this.#socket.accept();
    } catch {
      // Out of descriptors, most likely. The connection waits in the kernel, and the next turn tries again.
      return;
    }
    if (connection === null) return;
    this.#watch.setEvents(0);
    this.#onConnection(connection);
  }
}

/**
 * A UNIX stream socket that listens, for `listenUnix` here or in another process. A file that a process left behind at the
 * path is removed first; the one that this makes is the caller's to remove.
 * @param mode who may connect, as permissions of the socket's file
 * @throws PosixError where the path cannot be had
 */
export function openUnixListener(path: string, mode: number): Socket {
  const socket = openSocket(SocketDomain.Unix, SocketType.Stream);
  try {
    // Linux gives the file the permissions of the socket: there is no moment in which others could connect.
    fchmodSync(socket.fd.number, mode);
    bindSocket(socket, { family: "unix", path }, SocketType.Stream);
    socket.listen();
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
