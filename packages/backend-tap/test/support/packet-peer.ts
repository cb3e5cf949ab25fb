import { isTestFrame, type Peer } from "@vmmkit/ethif-compliance";
import {
  Errno,
  IoVector,
  interfaceIndex,
  Message,
  openSocket,
  posixError,
  Ready,
  type Socket,
  SocketDomain,
  SocketType,
  threadPoller,
  type Watch,
  write,
} from "@vmmkit/posix";
import { ip } from "./namespace.ts";

/** All protocols, in the byte order of the network. */
const ETH_P_ALL = 0x0300;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const PACKET_AUXDATA = 8;
const PACKET_VNET_HDR = 15;
const PACKET_IGNORE_OUTGOING = 23;
const TP_STATUS_VLAN_VALID = 0x10;

const MAX_FRAME = 70_000;

/** The host's end of a TAP interface: a packet socket, that sees what the guest sends and sends what it is to see. */
export class PacketPeer implements Peer {
  /** Every frame that came, for tests that look at more than the suite's own. */
  onFrame: ((frame: Uint8Array) => void) | null = null;
  readonly setLink = (up: boolean): void => void ip(`link set ${this.#name} ${up ? "up" : "down"}`);
  readonly #name: string;
  readonly #socket: Socket;
  readonly #watch: Watch;
  readonly #buffer: Uint8Array = new Uint8Array(new ArrayBuffer(MAX_FRAME));
  readonly #message: Message = new Message(new IoVector(1));
  readonly #arrived: Uint8Array[] = [];
  readonly #waiting: ((frame: Uint8Array) => void)[] = [];
  #lost = 0;

  /**
   * @param name the interface
   * @param vnetHeader whether each frame has ten bytes of virtio-net header before it, both ways
   */
  constructor(name: string, vnetHeader = false) {
    this.#name = name;
    this.#socket = openSocket(SocketDomain.Packet, SocketType.Raw, ETH_P_ALL);
    const address = new Uint8Array(20);
    const view = new DataView(address.buffer);
    view.setUint16(0, SocketDomain.Packet, true);
    view.setUint16(2, ETH_P_ALL, true);
    view.setInt32(4, interfaceIndex(name), true);
    this.#socket.setOption(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    this.#socket.setOption(SOL_PACKET, PACKET_AUXDATA, 1);
    if (vnetHeader) this.#socket.setOption(SOL_PACKET, PACKET_VNET_HDR, 1);
    this.#socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
    this.#socket.bind(address);
    this.#message.vector.push(this.#buffer, 0, MAX_FRAME);
    this.#watch = threadPoller().watch(this.#socket.fd, Ready.Read, () => this.#read());
  }

  /** Frames that did not get into this socket's queue, or not onto the wire. */
  get dropped(): number {
    // The kernel's count starts anew with each look.
    const statistics = this.#socket.getOption(SOL_PACKET, PACKET_STATISTICS, 8);
    this.#lost += new DataView(statistics.buffer).getUint32(4, true);
    return this.#lost;
  }

  send(frame: Uint8Array): void {
    const result = write(this.#socket.fd.number, frame);
    if (result === -Errno.ENOBUFS || result === -Errno.EAGAIN || result === -Errno.ENETDOWN) this.#lost++;
    else if (result < 0 && result !== -Errno.ENXIO) throw posixError(result, "write", this.#name);
  }

  receive(): Promise<Uint8Array> {
    const frame = this.#arrived.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#watch.close();
    this.#socket.close();
  }

  #read(): void {
    for (;;) {
      const count = this.#message.receive(this.#socket.fd.number, false);
      // An interface that goes down says so once.
      if (count === -Errno.ENETDOWN) continue;
      if (count < 0) return;
      const frame = this.#withTag(this.#buffer.slice(0, count));
      this.onFrame?.(frame);
      if (!isTestFrame(frame)) continue;
      const next = this.#waiting.shift();
      if (next === undefined) this.#arrived.push(frame);
      else next(frame);
    }
  }

  /** The kernel takes a VLAN tag out of the frame and tells it beside. */
  #withTag(frame: Uint8Array): Uint8Array {
    const aux = this.#message.control(SOL_PACKET, PACKET_AUXDATA);
    if (aux === null) return frame;
    const view = new DataView(aux.buffer);
    if ((view.getUint32(0, true) & TP_STATUS_VLAN_VALID) === 0) return frame;
    const tagged = new Uint8Array(frame.length + 4);
    tagged.set(frame.subarray(0, 12));
    new DataView(tagged.buffer).setUint16(12, view.getUint16(18, true));
    new DataView(tagged.buffer).setUint16(14, view.getUint16(16, true));
    tagged.set(frame.subarray(12), 16);
    return tagged;
  }
}
