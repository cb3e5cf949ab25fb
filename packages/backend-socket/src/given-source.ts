import type { Socket } from "@vmmkit/posix";
import type { OnConnection, StreamSource } from "./stream-source.ts";

/** A connection that somebody else made. When it is over there is no other. */
export class GivenSource implements StreamSource {
  readonly localAddress = null;
  readonly #socket: Socket;
  #handedOut = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get description(): string {
    return `descriptor ${this.#socket.fd.closed ? "closed" : this.#socket.fd.number}`;
  }

  start(onConnection: OnConnection): void {
    this.#handedOut = true;
    onConnection(this.#socket);
  }

  again(): void {
    // There is no other.
  }

  close(): void {
    if (!this.#handedOut) this.#socket.close();
  }
}
