import { check, interfaceIndex, openSocket, type Socket, SocketDomain, SocketType, write } from "@vmmkit/posix";

const ETHERTYPE = 0xb588;
const ETH_P_ALL = 0x0300;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SOL_PACKET = 263;
const PACKET_VNET_HDR = 15;
const PACKET_IGNORE_OUTGOING = 23;
const SEND_BUFFER_BYTES = 64 << 20;

/** Puts frames into an interface's queue, from the host's end. */
export class Feed {
  readonly #socket: Socket;
  readonly #bytes: Uint8Array;

  /** @param header ten bytes of virtio-net header before each frame, for segments */
  constructor(name: string, frame: Uint8Array, header?: Uint8Array) {
    // Segments are cut by what they are: the socket must not say that all frames are of one kind.
    const protocol = header === undefined ? ETHERTYPE : ETH_P_ALL;
    this.#socket = openSocket(SocketDomain.Packet, SocketType.Raw, protocol);
    this.#socket.setOption(SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES);
    this.#socket.setOption(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    if (header !== undefined) this.#socket.setOption(SOL_PACKET, PACKET_VNET_HDR, 1);
    const address = new Uint8Array(20);
    const view = new DataView(address.buffer);
    view.setUint16(0, SocketDomain.Packet, true);
    view.setUint16(2, protocol, true);
    view.setInt32(4, interfaceIndex(name), true);
    this.#socket.bind(address);
    this.#bytes = Uint8Array.from([...(header ?? []), ...frame]);
  }

  send(count: number): void {
    for (let i = 0; i < count; i++) check(write(this.#socket.fd.number, this.#bytes), "write");
  }
}
