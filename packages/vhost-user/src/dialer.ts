import { openSocket, PosixError, type Socket, SocketDomain, SocketType } from "@vmmkit/posix";

/** Tries again after this long, and twice as long each time up to the second. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;

/** Connects to a front-end that listens, and again whenever that is wanted. */
export class Dialer {
  readonly #path: string;
  readonly #onConnection: (socket: Socket) => void;
  #delayMs = FIRST_RETRY_MS;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  /** It tries at once, in a later turn of the event loop. */
  constructor(path: string, onConnection: (socket: Socket) => void) {
    this.#path = path;
    this.#onConnection = onConnection;
    this.#later(0);
  }

  /** The connection is over: another one is wanted. */
  next(): void {
    this.#later(this.#delayMs);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #later(delayMs: number): void {
    if (!this.#closed) this.#timer = setTimeout(() => this.#try(), delayMs);
  }

  #try(): void {
    const socket = openSocket(SocketDomain.Unix, SocketType.Stream);
    try {
      socket.connect({ family: "unix", path: this.#path });
    } catch (error) {
      socket.close();
      if (!(error instanceof PosixError)) throw error;
      this.#delayMs = Math.min(2 * this.#delayMs, LAST_RETRY_MS);
      this.next();
      return;
    }
    this.#delayMs = FIRST_RETRY_MS;
    this.#onConnection(socket);
  }
}
