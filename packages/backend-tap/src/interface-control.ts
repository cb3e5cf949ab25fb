import {
  Errno,
  enterNetwork,
  type Fd,
  ioctl,
  OpenFlag,
  openFile,
  openSocket,
  posixError,
  type Socket,
  SocketDomain,
  SocketType,
} from "@vmmkit/posix";
import { InterfaceRequest, REQUEST_DATA } from "./ifreq.ts";
import {
  ARPHRD_ETHER,
  IFF_UP,
  SIOCBRADDIF,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFINDEX,
  SIOCGIFMTU,
  SIOCSIFFLAGS,
  SIOCSIFHWADDR,
  SIOCSIFMTU,
} from "./tun-spec.ts";

/** What an interface is like now. */
export interface InterfaceState {
  readonly up: boolean;
  readonly mtu: number;
}

/**
 * Asks and tells the kernel about the interfaces of one network namespace: the one that the thread was in when this
 * was made.
 */
export class InterfaceControl {
  readonly #socket: Socket = openSocket(SocketDomain.Ipv4, SocketType.Datagram);

  /** The interface's number, 0 where there is none of that name. */
  index(name: string): number {
    const request = new InterfaceRequest(name);
    return ioctl(this.#socket.fd.number, SIOCGIFINDEX, request.bytes) < 0
      ? 0
      : request.view.getInt32(REQUEST_DATA, true);
  }

  /** What the interface is like; null where there is none of that name. */
  state(name: string): InterfaceState | null {
    const request = new InterfaceRequest(name);
    const fd = this.#socket.fd.number;
    if (ioctl(fd, SIOCGIFFLAGS, request.bytes) < 0) return null;
    const up = (request.view.getInt16(REQUEST_DATA, true) & IFF_UP) !== 0;
    if (ioctl(fd, SIOCGIFMTU, request.bytes) < 0) return null;
    return { up, mtu: request.view.getInt32(REQUEST_DATA, true) };
  }

  /** Brings the interface up, where it is not. @throws PosixError */
  bringUp(name: string): void {
    const request = this.#call(name, SIOCGIFFLAGS, "SIOCGIFFLAGS");
    const flags = request.view.getInt16(REQUEST_DATA, true);
    if ((flags & IFF_UP) !== 0) return;
    this.#tell(name, SIOCSIFFLAGS, "SIOCSIFFLAGS", `ip link set ${name} up`, ({ view }) =>
      view.setInt16(REQUEST_DATA, flags | IFF_UP, true),
    );
  }

  /** Sets the MTU. @throws PosixError: EINVAL for one that the interface cannot have */
  setMtu(name: string, mtu: number): void {
    if (this.state(name)?.mtu === mtu) return;
    this.#tell(name, SIOCSIFMTU, "SIOCSIFMTU", `ip link set ${name} mtu ${mtu}`, ({ view }) =>
      view.setInt32(REQUEST_DATA, mtu, true),
    );
  }

  /** The address of the host's end. @throws PosixError */
  mac(name: string): Uint8Array {
    return this.#call(name, SIOCGIFHWADDR, "SIOCGIFHWADDR").bytes.slice(REQUEST_DATA + 2, REQUEST_DATA + 8);
  }

  /** Sets the address of the host's end. @throws PosixError */
  setMac(name: string, mac: Uint8Array): void {
    this.#tell(name, SIOCSIFHWADDR, "SIOCSIFHWADDR", `ip link set ${name} address …`, ({ view, bytes }) => {
      view.setUint16(REQUEST_DATA, ARPHRD_ETHER, true);
      bytes.set(mac, REQUEST_DATA + 2);
    });
  }

  /** Makes the interface a port of a bridge that there is. @throws PosixError: ENODEV where there is no such bridge */
  joinBridge(name: string, bridge: string): void {
    const index = this.index(name);
    const request = new InterfaceRequest(bridge);
    request.view.setInt32(REQUEST_DATA, index, true);
    const result = ioctl(this.#socket.fd.number, SIOCBRADDIF, request.bytes);
    if (result >= 0) return;
    const hint =
      result === -Errno.EBUSY ? "the interface is in a bridge already" : `ip link set ${name} master ${bridge}`;
    throw posixError(result, "SIOCBRADDIF", bridge, hint);
  }

  /** Closes the socket behind it. */
  close(): void {
    this.#socket.close();
  }

  #call(name: string, request: number, syscall: string): InterfaceRequest {
    const asked = new InterfaceRequest(name);
    const result = ioctl(this.#socket.fd.number, request, asked.bytes);
    if (result < 0) throw posixError(result, syscall, name);
    return asked;
  }

  #tell(name: string, request: number, syscall: string, command: string, fill: (told: InterfaceRequest) => void): void {
    const told = new InterfaceRequest(name);
    fill(told);
    const result = ioctl(this.#socket.fd.number, request, told.bytes);
    if (result >= 0) return;
    throw posixError(result, syscall, name, result === -Errno.EPERM ? `let root do it: ${command}` : undefined);
  }
}

/**
 * Does something in another network namespace, and comes back.
 * @param namespace a descriptor of it; closed here
 * @throws PosixError where this thread may not go there; whatever `action` throws
 */
export function inNetwork<T>(namespace: Fd, action: () => T): T {
  const home = openFile("/proc/thread-self/ns/net", OpenFlag.ReadOnly);
  try {
    enterNetwork(namespace);
    try {
      return action();
    } finally {
      enterNetwork(home);
    }
  } finally {
    namespace.close();
    home.close();
  }
}
