import {
  addressOf,
  ipv4Bytes,
  openSocket,
  type Socket,
  type SocketAddress,
  SocketDomain,
  SocketType,
} from "@vmmkit/posix";
import type { DatagramPort } from "./datagram-port.ts";
import { growReceiveBuffer } from "./receive-buffer.ts";

/** A multicast group as a wire: all who are in it hear each other. */
export interface MulticastOptions {
  /** The group: 224.0.0.0 to 239.255.255.255. */
  readonly group: string;
  /** The port, the same for all. */
  readonly port: number;
  /** Address of the interface to use. Default: as the routing table has it. */
  readonly interface?: string;
}

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ATTACH_FILTER = 26;
const IPPROTO_IP = 0;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;

/** Classic BPF: load a half or a whole word of the packet, jump where it equals, return. */
const BPF_LDH_ABS = 0x28;
const BPF_LDW_ABS = 0x20;
const BPF_JEQ = 0x15;
const BPF_RET = 0x06;
/** Offsets from here on count from the IP header (`SKF_NET_OFF`). */
const NETWORK_HEADER = 0xfff0_0000;
const IP_SOURCE = 12;

/**
 * A multicast group. One socket listens in it and another sends to it, from a port of its own: all members share the
 * group's port, and by the sender's port we know our own frames when they come back. The kernel drops them.
 */
export class MulticastPort implements DatagramPort {
  readonly receiving: Socket;
  readonly sending: Socket;
  readonly localAddress: SocketAddress | null;
  readonly description: string;
  readonly up = true;

  /** @throws RangeError for an impossible address; PosixError: EADDRINUSE, ENODEV, ENETUNREACH */
  constructor(options: MulticastOptions) {
    const { group, port } = options;
    const at = checkGroup(group);
    const through = ipv4Bytes(options.interface ?? "0.0.0.0");
    const address = { family: "ipv4", address: group, port } as const;
    const sockets = [0, 1].map(() => openSocket(SocketDomain.Ipv4, SocketType.Datagram));
    const [sending, receiving] = sockets as [Socket, Socket];
    try {
      sending.setOption(IPPROTO_IP, IP_MULTICAST_IF, through);
      sending.setOption(IPPROTO_IP, IP_MULTICAST_TTL, 1);
      sending.setOption(IPPROTO_IP, IP_MULTICAST_LOOP, 1);
      sending.connect(address);
      receiving.setOption(SOL_SOCKET, SO_REUSEADDR, 1);
      receiving.bind(address);
      growReceiveBuffer(receiving);
      leaveOut(receiving, sending.localAddress());
      receiving.setOption(IPPROTO_IP, IP_ADD_MEMBERSHIP, Uint8Array.of(...at, ...through));
    } catch (error) {
      for (const socket of sockets) socket.close();
      throw error;
    }
    this.sending = sending;
    this.receiving = receiving;
    this.localAddress = address;
    this.description = `multicast ${group}:${port}`;
  }

  start(): void {
    // Nothing ever changes.
  }

  refused(): boolean {
    return true;
  }

  close(): void {
    this.sending.close();
    this.receiving.close();
  }
}

function checkGroup(group: string): Uint8Array {
  const bytes = ipv4Bytes(group);
  if ((bytes[0] ?? 0) >> 4 !== 0xe) {
    throw new RangeError(`"multicast.group" expected 224.0.0.0 to 239.255.255.255, got ${group}`);
  }
  return bytes;
}

/** The socket is not to receive what comes from this address and port. */
function leaveOut(socket: Socket, source: SocketAddress | null): void {
  if (source === null || source.family !== "ipv4") return;
  const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(source.address);
  const ip = a * 0x100_0000 + ((b << 16) | (c << 8) | d);
  // A UDP socket's filter sees the UDP header first, which starts with the source port.
  const program = [
    [BPF_LDH_ABS, 0, 0, 0],
    [BPF_JEQ, 0, 3, source.port],
    [BPF_LDW_ABS, 0, 0, NETWORK_HEADER + IP_SOURCE],
    [BPF_JEQ, 0, 1, ip],
    [BPF_RET, 0, 0, 0],
    [BPF_RET, 0, 0, 0xffff_ffff],
  ] as const;
  const instructions = new DataView(new ArrayBuffer(8 * program.length));
  for (const [i, [code, ifTrue, ifFalse, value]] of program.entries()) {
    instructions.setUint16(8 * i, code, true);
    instructions.setUint8(8 * i + 2, ifTrue);
    instructions.setUint8(8 * i + 3, ifFalse);
    instructions.setUint32(8 * i + 4, value, true);
  }
  // struct sock_fprog: how many, and where they are. The kernel takes a copy.
  const filter = new DataView(new ArrayBuffer(16));
  filter.setUint16(0, program.length, true);
  filter.setBigUint64(8, BigInt(addressOf(instructions)), true);
  socket.setOption(SOL_SOCKET, SO_ATTACH_FILTER, filter);
}
