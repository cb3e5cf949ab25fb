import type { Socket } from "@vmmkit/posix";
import type { DatagramPort } from "./datagram-port.ts";

/** A connected socket that somebody else made. When its peer is gone there is no other. */
export class GivenPort implements DatagramPort {
  readonly receiving: Socket;
  readonly sending: Socket;
  readonly localAddress = null;
  readonly description: string;
  #up = true;
  #onChange: () => void = () => {};

  constructor(socket: Socket) {
    this.receiving = socket;
    this.sending = socket;
    this.description = `descriptor ${socket.fd.number}`;
  }

  get up(): boolean {
    return this.#up;
  }

  start(onChange: () => void): void {
    this.#onChange = onChange;
  }

  refused(): boolean {
    if (this.#up) {
      this.#up = false;
      this.#onChange();
    }
    return false;
  }

  close(): void {
    this.receiving.close();
  }
}
