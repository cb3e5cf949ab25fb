import type { RawIfaceFuncs } from "@vmmkit/ethif";
import { HostCard } from "./host-card.ts";
import {
  type Address,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  get16,
  IP_AT,
  internetChecksum,
  ipFrame,
  PAYLOAD_AT,
  PROTOCOL_ICMP,
  PROTOCOL_UDP,
  parseIp,
  sameBytes,
  UDP_DATA_AT,
  udpFrame,
} from "./packet.ts";

/** A datagram that came. */
export interface Datagram {
  readonly from: Address;
  readonly fromPort: number;
  readonly data: Uint8Array;
  /** Sends a datagram back, from the port that this one came to or another. */
  reply(data: Uint8Array, options?: { readonly to?: Address; readonly fromPort?: number }): void;
}

const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
const BROADCAST_IP = Uint8Array.of(255, 255, 255, 255);

/** The far side of a wire: answers ARP and pings, and hands UDP datagrams to whoever serves their port. */
export class HostStation {
  readonly address: Address;
  /** Echo requests answered. */
  pings = 0;
  readonly #card: HostCard;
  readonly #servers = new Map<number, (datagram: Datagram) => void>();

  /** @param ip its address, as "10.0.0.1" */
  constructor(backend: RawIfaceFuncs, ip: string) {
    this.#card = new HostCard(backend, (frame) => this.#receive(frame));
    this.address = { mac: this.#card.mac, ip: parseIp(ip) };
  }

  /** Serves a UDP port. */
  serve(port: number, server: (datagram: Datagram) => void): void {
    this.#servers.set(port, server);
  }

  #receive(frame: Uint8Array): void {
    const type = get16(frame, 12);
    if (type === ETHERTYPE_ARP) this.#arp(frame);
    else if (type === ETHERTYPE_IPV4 && frame.length >= PAYLOAD_AT + 8) this.#ipv4(frame);
  }

  #arp(frame: Uint8Array): void {
    const { mac, ip } = this.address;
    if (get16(frame, 20) !== ARP_REQUEST || !sameBytes(frame.slice(38, 42), ip)) return;
    const reply = frame.slice(0, 42);
    reply.set(frame.subarray(6, 12), 0);
    reply.set(mac, 6);
    reply[21] = ARP_REPLY;
    reply.set(mac, 22);
    reply.set(ip, 28);
    reply.set(frame.subarray(22, 32), 32);
    this.#card.send(reply);
  }

  #ipv4(frame: Uint8Array): void {
    const to = frame.slice(IP_AT + 16, IP_AT + 20);
    if (!sameBytes(to, this.address.ip) && !sameBytes(to, BROADCAST_IP)) return;
    const packet = frame.subarray(0, IP_AT + get16(frame, IP_AT + 2));
    const from = { mac: frame.slice(6, 12), ip: frame.slice(IP_AT + 12, IP_AT + 16) };
    if (frame[IP_AT + 9] === PROTOCOL_ICMP) this.#icmp(packet, from);
    if (frame[IP_AT + 9] === PROTOCOL_UDP) this.#udp(packet, from);
  }

  #icmp(packet: Uint8Array, from: Address): void {
    if (packet[PAYLOAD_AT] !== ECHO_REQUEST) return;
    const reply = ipFrame(this.address, from, PROTOCOL_ICMP, packet.length - PAYLOAD_AT);
    const message = reply.subarray(PAYLOAD_AT);
    message.set(packet.subarray(PAYLOAD_AT));
    message.set([ECHO_REPLY, 0, 0, 0]);
    new DataView(reply.buffer).setUint16(PAYLOAD_AT + 2, internetChecksum(message));
    this.pings++;
    this.#card.send(reply);
  }

  #udp(packet: Uint8Array, from: Address): void {
    const fromPort = get16(packet, PAYLOAD_AT);
    const port = get16(packet, PAYLOAD_AT + 2);
    this.#servers.get(port)?.({
      from,
      fromPort,
      data: packet.slice(UDP_DATA_AT),
      reply: (data, options = {}) =>
        this.#card.send(udpFrame(this.address, options.fromPort ?? port, options.to ?? from, fromPort, data)),
    });
  }
}
