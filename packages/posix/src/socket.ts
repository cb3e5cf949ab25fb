import { addressOf, type Bytes } from "./addresses.ts";
import { Errno, posixError } from "./errno.ts";
import { CLOEXEC, Fd, NONBLOCK } from "./fd.ts";
import { errno, libc } from "./libc.ts";
import { decodeAddress, encodeAddress, SOCKADDR_BYTES, type SocketAddress } from "./sockaddr.ts";

/** Domains of `openSocket` (C: `AF_*`). */
export const SocketDomain = { Unix: 1, Ipv4: 2, Ipv6: 10, Packet: 17, Netlink: 16 } as const;
/** Types of `openSocket` (C: `SOCK_*`). */
export const SocketType = { Stream: 1, Datagram: 2, Raw: 3, SeqPacket: 5 } as const;
/** Which directions `shutdown` ends (C: `SHUT_*`). */
export const Shutdown = { Read: 0, Write: 1, Both: 2 } as const;

const SOL_SOCKET = 1;
const SO_ERROR = 4;

/** A socket. It never blocks: where Linux would wait, the answer is EAGAIN. */
export class Socket {
  /** The descriptor, to read, write and wait on. */
  readonly fd: Fd;

  /** @param fd a non-blocking socket. It is this object's from now on. */
  constructor(fd: Fd) {
    this.fd = fd;
  }

  /** Gives it an address. @throws PosixError: EADDRINUSE */
  bind(address: SocketAddress | Uint8Array): void {
    this.#call("bind", address);
  }

  /**
   * Connects. A stream socket may need time: it is writable when that is decided, and `error` says how.
   * @returns false where it takes time
   * @throws PosixError
   */
  connect(address: SocketAddress | Uint8Array): boolean {
    return this.#call("connect", address) === 0;
  }

  /** Waits for connections. @throws PosixError */
  listen(backlog = 16): void {
    if (libc().listen(this.fd.number, backlog) < 0) throw posixError(errno(), "listen");
  }

  /** A connection that came in, or null where there is none now. @throws PosixError */
  accept(): Socket | null {
    const number = libc().accept4(this.fd.number, 0, 0, CLOEXEC | NONBLOCK);
    if (number >= 0) return new Socket(new Fd(number));
    const reason = errno();
    // One that was given up meanwhile is none.
    if (reason === Errno.EAGAIN || reason === Errno.ECONNABORTED) return null;
    throw posixError(reason, "accept");
  }

  /** Ends one direction or both, and lets the other side know. */
  shutdown(how: number): void {
    if (libc().shutdown(this.fd.number, how) >= 0) return;
    const reason = errno();
    if (reason !== Errno.ENOTCONN) throw posixError(reason, "shutdown");
  }

  /** The number of the error that waits to be told, 0 for none. It is forgotten with that. @throws PosixError */
  takeError(): number {
    return new DataView(this.getOption(SOL_SOCKET, SO_ERROR, 4).buffer).getInt32(0, true);
  }

  /** Its own address; null where it has none that is known here. @throws PosixError */
  localAddress(): SocketAddress | null {
    const bytes = new Uint8Array(SOCKADDR_BYTES);
    const length = Uint32Array.of(SOCKADDR_BYTES);
    if (libc().getsockname(this.fd.number, addressOf(bytes), addressOf(length)) < 0) {
      throw posixError(errno(), "getsockname");
    }
    return decodeAddress(bytes.subarray(0, length[0]));
  }

  /** Sets an option (C: `setsockopt`). @param value an `int`, or bytes @throws PosixError */
  setOption(level: number, option: number, value: number | Bytes): void {
    const bytes = typeof value === "number" ? Int32Array.of(value) : value;
    if (libc().setsockopt(this.fd.number, level, option, addressOf(bytes), bytes.byteLength) < 0) {
      throw posixError(errno(), "setsockopt");
    }
  }

  /** Reads an option (C: `getsockopt`). @param maxBytes how long it can be @throws PosixError */
  getOption(level: number, option: number, maxBytes: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(maxBytes);
    const length = Uint32Array.of(maxBytes);
    if (libc().getsockopt(this.fd.number, level, option, addressOf(bytes), addressOf(length)) < 0) {
      throw posixError(errno(), "getsockopt");
    }
    return bytes.slice(0, length[0]);
  }

  /** Closes the descriptor. */
  close(): void {
    this.fd.close();
  }

  #call(syscall: "bind" | "connect", address: SocketAddress | Uint8Array): number {
    const bytes = address instanceof Uint8Array ? address : encodeAddress(address);
    if (libc()[syscall](this.fd.number, addressOf(bytes), bytes.length) >= 0) return 0;
    const reason = errno();
    // EAGAIN is a UNIX socket whose backlog is full; nothing says when it is not any more.
    if (syscall === "connect" && reason === Errno.EINPROGRESS) return reason;
    throw posixError(reason, syscall, address instanceof Uint8Array ? undefined : describe(address));
  }
}

/**
 * Makes a socket (C: `socket`). Children do not inherit it.
 * @param domain of `SocketDomain`
 * @param type of `SocketType`
 * @throws PosixError
 */
export function openSocket(domain: number, type: number, protocol = 0): Socket {
  const number = libc().socket(domain, type | CLOEXEC | NONBLOCK, protocol);
  if (number < 0) throw posixError(errno(), "socket");
  return new Socket(new Fd(number));
}

/** Two UNIX sockets that are connected to each other (C: `socketpair`). @throws PosixError */
export function socketPair(type: number): [Socket, Socket] {
  const fds = new Int32Array(2);
  if (libc().socketpair(SocketDomain.Unix, type | CLOEXEC | NONBLOCK, 0, addressOf(fds)) < 0) {
    throw posixError(errno(), "socketpair");
  }
  return [new Socket(new Fd(fds[0] ?? -1)), new Socket(new Fd(fds[1] ?? -1))];
}

/** The number of a network interface, 0 where there is none of that name (C: `if_nametoindex`). */
export function interfaceIndex(name: string): number {
  return libc().if_nametoindex(name);
}

function describe(address: SocketAddress): string {
  if (address.family === "unix") return address.path;
  const { port } = address;
  return address.family === "ipv4" ? `${address.address}:${port}` : `[${address.address}]:${port}`;
}
