import {
  type Fd,
  Message,
  openSocket,
  type Poller,
  Ready,
  type Socket,
  SocketDomain,
  SocketType,
  sendWithDescriptors,
} from "@vmmkit/posix";

const HEADER_BYTES = 12;
const NEED_REPLY = 8;

/** Words of 32 bits, one after the other. */
export function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** Numbers of 64 bits, one after the other. */
export function longs(...values: readonly number[]): Uint8Array {
  return words(...values.flatMap((value) => [value % 2 ** 32, Math.floor(value / 2 ** 32)]));
}

/** A front-end of its own making: speaks vhost-user as a VMM does, on the thread that the back-end is on. */
export class FrontEnd {
  readonly socket: Socket;
  readonly #poller: Poller;
  readonly #waitMs: number;

  /**
   * @param poller the back-end's
   * @param thread where the back-end is; elsewhere, it is waited for
   */
  constructor(path: string, poller: Poller, thread: "here" | "elsewhere" = "here") {
    this.#poller = poller;
    this.#waitMs = thread === "here" ? 0 : 10_000;
    this.socket = openSocket(SocketDomain.Unix, SocketType.Stream);
    this.socket.connect({ family: "unix", path });
    if (thread === "elsewhere") poller.watch(this.socket.fd, Ready.Read, () => {}).unref();
  }

  /** Sends a request and looks for nothing. */
  tell(request: number, payload: Uint8Array = words(), fds: readonly Fd[] = [], flags = 1): void {
    const bytes = Uint8Array.from([...words(request, flags, payload.length), ...payload]);
    if (sendWithDescriptors(this.socket.fd, bytes, fds) !== bytes.length) throw new Error("not sent");
    this.turn();
  }

  /** Sends a request that is answered. */
  ask(request: number, payload: Uint8Array = words(), fds: readonly Fd[] = []): DataView {
    this.tell(request, payload, fds);
    return this.#answer(request);
  }

  /** Sends a request and has it acknowledged. Answers whether it was carried out. REPLY_ACK has to be agreed on. */
  order(request: number, payload: Uint8Array = words(), fds: readonly Fd[] = []): boolean {
    this.tell(request, payload, fds, 1 | NEED_REPLY);
    return this.#answer(request).getUint32(0, true) === 0;
  }

  /** Agrees on the protocol features that the back-end has, and answers their bits. */
  agree(): number {
    const bits = this.ask(15).getUint32(0, true);
    this.tell(16, words(bits, 0));
    return bits;
  }

  /** Sends a request that is answered with a descriptor. */
  askForFd(request: number, payload: Uint8Array): { readonly answer: DataView; readonly fds: readonly Fd[] } {
    this.tell(request, payload);
    if (this.#waitMs > 0) this.#poller.wait(this.#waitMs);
    const message = new Message();
    const bytes = new Uint8Array(new ArrayBuffer(256));
    message.vector.push(bytes, 0, bytes.length);
    const got = message.receive(this.socket.fd.number);
    const view = new DataView(bytes.buffer);
    if (got < HEADER_BYTES || view.getUint32(0, true) !== request) throw new Error(`no answer to request ${request}`);
    return {
      answer: new DataView(bytes.buffer, HEADER_BYTES, view.getUint32(8, true)),
      fds: message.takeDescriptors(),
    };
  }

  /** Lets the back-end work. */
  turn(): void {
    for (let i = 0; i < 4; i++) this.#poller.wait(0);
  }

  /** Whether the back-end has closed the connection. */
  get ended(): boolean {
    this.turn();
    try {
      return this.socket.fd.read(new Uint8Array(64)) === 0;
    } catch {
      return true;
    }
  }

  close(): void {
    this.socket.close();
    this.turn();
  }

  #answer(request: number): DataView {
    if (this.#waitMs > 0) this.#poller.wait(this.#waitMs);
    const chunk = new Uint8Array(4096);
    const got = this.socket.fd.read(chunk);
    const view = new DataView(chunk.buffer);
    if (got < HEADER_BYTES || view.getUint32(0, true) !== request || view.getUint32(4, true) !== 5) {
      throw new Error(`no answer to request ${request}: ${got} bytes`);
    }
    return new DataView(chunk.buffer, HEADER_BYTES, view.getUint32(8, true));
  }
}
