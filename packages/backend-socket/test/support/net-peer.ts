import { createServer, type Server, Socket, type SocketConnectOpts } from "node:net";
import type { Peer } from "@vmmkit/ethif-compliance";

/**
 * The far end of a stream, with Node's own sockets and a framing of its own: it shares nothing with what is tested.
 */
export class NetPeer implements Peer {
  readonly #arrived: Uint8Array[] = [];
  readonly #waiting: ((frame: Uint8Array) => void)[] = [];
  #socket: Socket | null = null;
  #buffered: Buffer = Buffer.alloc(0);
  #paused = false;
  #onSocket: (() => void)[] = [];
  /** Makes another connection. */
  reconnect: (() => void) | null = null;
  server: Server | null = null;

  /** Waits for the backend to connect. */
  static async listen(at: { path: string } | { port: number; host: string }): Promise<NetPeer> {
    const peer = new NetPeer();
    const server = createServer((socket) => peer.take(socket));
    peer.server = server;
    await new Promise<void>((resolve) => server.listen(at, resolve));
    return peer;
  }

  /** Connects to the backend. */
  static connect(to: SocketConnectOpts): NetPeer {
    const peer = new NetPeer();
    peer.reconnect = () => peer.take(new Socket().connect(to));
    peer.reconnect();
    return peer;
  }

  /** The port it listens at. */
  get port(): number {
    const address = this.server?.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Whether there is a connection. */
  get connected(): boolean {
    return this.#socket !== null && !this.#socket.destroyed && !this.#socket.connecting;
  }

  take(socket: Socket): void {
    this.#socket = socket;
    this.#buffered = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (data) => this.#decode(data));
    if (this.#paused) socket.pause();
    for (const resolve of this.#onSocket.splice(0)) resolve();
  }

  send(frame: Uint8Array): Promise<void> {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    return this.write(Buffer.concat([length, frame]));
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): Promise<void> {
    // It may wait for ever where the backend does not read; that is not to stop the test.
    this.#socket?.write(bytes);
    return Promise.resolve();
  }

  receive(): Promise<Uint8Array> {
    const frame = this.#arrived.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  pause(): void {
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket?.resume();
  }

  async setLink(up: boolean): Promise<void> {
    if (!up) {
      this.#socket?.destroy();
      this.#socket = null;
      return;
    }
    const taken = new Promise<void>((resolve) => this.#onSocket.push(resolve));
    this.reconnect?.();
    await taken;
  }

  async close(): Promise<void> {
    const { server } = this;
    this.#socket?.destroy();
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }

  #decode(data: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? data : Buffer.concat([this.#buffered, data]);
    let at = 0;
    while (this.#buffered.length - at >= 4) {
      const length = this.#buffered.readUInt32BE(at);
      if (this.#buffered.length - at - 4 < length) break;
      this.#arrive(new Uint8Array(this.#buffered.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    this.#buffered = this.#buffered.subarray(at);
  }

  #arrive(frame: Uint8Array): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#arrived.push(frame);
    else next(frame);
  }
}
