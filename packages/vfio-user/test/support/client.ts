import {
  createMemfd,
  type Fd,
  mapMemory,
  openSocket,
  type Poller,
  type Socket,
  SocketDomain,
  SocketType,
  sendWithDescriptors,
} from "@vmmkit/posix";

const HEADER_BYTES = 16;

/** A server's answer. */
export interface Answer {
  readonly id: number;
  readonly command: number;
  readonly isReply: boolean;
  /** 0 for none. */
  readonly errno: number;
  readonly body: DataView;
}

/** Numbers of a message, each with its width in bytes. */
export type Fields = readonly (readonly [width: 1 | 2 | 4 | 8, value: number])[];

/** The fields one after the other, little-endian. */
export function pack(fields: Fields): Uint8Array {
  return Uint8Array.from(fields.flatMap(([width, value]) => littleEndian(width, value)));
}

function littleEndian(width: number, value: number): number[] {
  return Array.from({ length: width }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
}

/** A client of its own making: speaks vfio-user as a VMM does, on the thread that the server is on. */
export class Client {
  readonly socket: Socket;
  readonly #poller: Poller;
  #nextId = 1;
  #pending: Uint8Array = new Uint8Array(0);

  /** @param poller the server's */
  constructor(path: string, poller: Poller) {
    this.#poller = poller;
    this.socket = openSocket(SocketDomain.Unix, SocketType.Stream);
    this.socket.connect({ family: "unix", path });
  }

  /** Agrees on the version, as QEMU does. Answers the capabilities that the server has. */
  negotiate(capabilities: object = { max_msg_fds: 8, max_data_xfer_size: 1 << 20, write_multiple: true }): object {
    const text = new TextEncoder().encode(`${JSON.stringify({ capabilities })}\0`);
    const { body } = this.succeed(1, [
      ...pack([
        [2, 0],
        [2, 1],
      ]),
      ...text,
    ]);
    const answer = new TextDecoder().decode(new Uint8Array(body.buffer, body.byteOffset + 4, body.byteLength - 5));
    return (JSON.parse(answer) as { capabilities: object }).capabilities;
  }

  /** Sends a command and waits for its answer. */
  request(command: number, body: Iterable<number> = [], fds: readonly Fd[] = []): Answer {
    const id = this.send(command, body, fds);
    const answer = this.answer();
    if (answer.id !== id) throw new Error(`answer ${answer.id} for command ${id}`);
    return answer;
  }

  /** The same, for a command that must not fail. */
  succeed(command: number, body: Iterable<number> = [], fds: readonly Fd[] = []): Answer {
    const answer = this.request(command, body, fds);
    if (answer.errno !== 0) throw new Error(`command ${command} failed with ${answer.errno}`);
    return answer;
  }

  /** Sends a command. Answers its id. */
  send(command: number, body: Iterable<number> = [], fds: readonly Fd[] = [], flags = 0): number {
    const payload = Uint8Array.from(body);
    const id = this.#nextId++;
    const header = pack([
      [2, id],
      [2, command],
      [4, HEADER_BYTES + payload.length],
      [4, flags],
      [4, 0],
    ]);
    this.sendRaw(Uint8Array.from([...header, ...payload]), fds);
    return id;
  }

  sendRaw(bytes: Uint8Array, fds: readonly Fd[] = []): void {
    const sent = sendWithDescriptors(this.socket.fd, bytes, fds);
    if (sent !== bytes.length) throw new Error(`sent ${sent} of ${bytes.length} bytes`);
  }

  /** Waits for the next answer. */
  answer(): Answer {
    const header = this.#take(HEADER_BYTES);
    const flags = header.getUint32(8, true);
    return {
      id: header.getUint16(0, true),
      command: header.getUint16(2, true),
      isReply: (flags & 0xf) === 1,
      errno: (flags & 0x20) === 0 ? 0 : header.getUint32(12, true),
      body: this.#take(header.getUint32(4, true) - HEADER_BYTES),
    };
  }

  /** Whether the server has closed the connection. What it sent before is thrown away. */
  get ended(): boolean {
    for (let i = 0; i < 20; i++) {
      this.#poller.wait(0);
      try {
        if (this.socket.fd.read(new Uint8Array(4096)) === 0) return true;
      } catch {
        return true;
      }
    }
    return false;
  }

  /** Lets the server work on what it was sent. */
  turn(): void {
    for (let i = 0; i < 3; i++) this.#poller.wait(0);
  }

  close(): void {
    this.socket.close();
    this.turn();
  }

  #take(count: number): DataView {
    for (let tries = 0; this.#pending.length < count; tries++) {
      this.#poller.wait(0);
      const chunk = new Uint8Array(0x1_0000);
      const got = this.socket.fd.read(chunk);
      if (got === 0) throw new Error("the server closed the connection");
      if (got > 0) this.#pending = Uint8Array.from([...this.#pending, ...chunk.subarray(0, got)]);
      if (tries > 1000) throw new Error("no answer");
    }
    const bytes = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    return new DataView(bytes.buffer);
  }
}

/** Memory of a client's guest, mapped here and there. */
export function guestMemory(sizeBytes: number): { readonly fd: Fd; readonly buffer: ArrayBuffer } {
  const fd = createMemfd("guest", sizeBytes);
  return { fd, buffer: mapMemory(fd, sizeBytes).buffer };
}

/** The body of a DMA_MAP. `flags` 3 is readable and writable. */
export function dmaMap(address: number, size: number, offset = 0, flags = 3): Uint8Array {
  return pack([
    [4, 32],
    [4, flags],
    [8, offset],
    [8, address],
    [8, size],
  ]);
}

/** The body of a DMA_UNMAP. */
export function dmaUnmap(address: number, size: number, flags = 0): Uint8Array {
  return pack([
    [4, 24],
    [4, flags],
    [8, address],
    [8, size],
  ]);
}

/** The body of a DEVICE_SET_IRQS. */
export function setIrqs(
  flags: number,
  index: number,
  start: number,
  count: number,
  data: readonly number[] = [],
): Uint8Array {
  const head = pack([
    [4, 20 + data.length],
    [4, flags],
    [4, index],
    [4, start],
    [4, count],
  ]);
  return Uint8Array.from([...head, ...data]);
}
