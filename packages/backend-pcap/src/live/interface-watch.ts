import {
  ioctl,
  openSocket,
  type Poller,
  Ready,
  read,
  type Socket,
  SocketDomain,
  SocketType,
  type Watch,
} from "@vmmkit/posix";

/** `struct ifreq`: a name of 16 bytes, and a union. */
const IFREQ_BYTES = 40;
const IFREQ_DATA = 16;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCGIFINDEX = 0x8933;
const IFF_UP = 1;
const IFF_RUNNING = 0x40;

/** `struct sockaddr_nl`: AF_NETLINK, and the group of link messages, RTMGRP_LINK. */
const LINK_MESSAGES = Uint8Array.of(16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);
/** Messages that are read before others have their turn. */
const MESSAGES_PER_TURN = 64;

/** An interface as it is now. */
export interface InterfaceState {
  /** The kernel's number for it: another one of the same name has another. */
  readonly index: number;
  /** It is turned on. */
  readonly up: boolean;
  /** It is on, and has a carrier. */
  readonly running: boolean;
  readonly mtu: number;
}

/** Knows what an interface is like, and tells when to look: the kernel's messages are not read for what they say. */
export class InterfaceWatch {
  readonly #name: string;
  readonly #asks: Socket;
  readonly #hears: Socket;
  readonly #watch: Watch;
  readonly #message: Uint8Array = new Uint8Array(new ArrayBuffer(8192));

  /** @param onChange called when an interface may have changed @throws PosixError */
  constructor(name: string, poller: Poller, onChange: () => void) {
    this.#name = name;
    this.#asks = openSocket(SocketDomain.Ipv4, SocketType.Datagram);
    this.#hears = openSocket(SocketDomain.Netlink, SocketType.Raw);
    this.#hears.bind(LINK_MESSAGES);
    this.#watch = poller.watch(this.#hears.fd, Ready.Read, () => {
      this.#drain();
      onChange();
    });
    this.#watch.unref();
  }

  /** What it is like; null where there is none of that name. */
  state(): InterfaceState | null {
    const index = this.#ask(SIOCGIFINDEX);
    const flags = this.#ask(SIOCGIFFLAGS);
    const mtu = this.#ask(SIOCGIFMTU);
    if (index === null || flags === null || mtu === null) return null;
    const up = (flags & IFF_UP) !== 0;
    return { index, up, running: up && (flags & IFF_RUNNING) !== 0, mtu };
  }

  close(): void {
    this.#watch.close();
    this.#hears.close();
    this.#asks.close();
  }

  #ask(request: number): number | null {
    const bytes = new Uint8Array(new ArrayBuffer(IFREQ_BYTES));
    bytes.set(new TextEncoder().encode(this.#name).subarray(0, IFREQ_DATA - 1));
    if (ioctl(this.#asks.fd.number, request, bytes) < 0) return null;
    return new DataView(bytes.buffer).getInt32(IFREQ_DATA, true);
  }

  #drain(): void {
    for (let i = 0; i < MESSAGES_PER_TURN && read(this.#hears.fd.number, this.#message) > 0; i++);
  }
}
