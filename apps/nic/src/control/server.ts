import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { type Fd, listenUnix, type UnixListener } from "@vmmkit/posix";
import type { Cards } from "../cards.ts";
import { answer } from "./requests.ts";

/** The control socket: a request a line, an answer a line, in order; docs/nic-control.md has them. Its user's alone. */
export class Control {
  readonly #listener: UnixListener;
  readonly #clients = new Set<Socket>();

  /** @param at a path, or a socket that listens already @throws PosixError where the path cannot be had */
  constructor(at: string | Fd, cards: Cards) {
    this.#listener = listenUnix({ at }, (socket) => {
      void this.#serve(new Socket({ fd: socket.fd.release() }), cards);
      this.#listener.next();
    });
  }

  close(): void {
    this.#listener.close();
    for (const client of this.#clients) client.destroy();
  }

  async #serve(client: Socket, cards: Cards): Promise<void> {
    this.#clients.add(client);
    client.on("close", () => this.#clients.delete(client));
    // A client that goes away in the middle is no event here.
    client.on("error", () => client.destroy());
    for await (const line of createInterface({ input: client })) {
      client.write(`${JSON.stringify(await answer(line, cards))}\n`);
    }
  }
}
