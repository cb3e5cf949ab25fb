import type { FrameHead } from "../frame-head.ts";

const ETHERTYPE_AT = 12;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_SERVICE_VLAN = 0x88a8;
const TAG_BYTES = 4;
const MOST_TAGS = 2;

const IPV4_BYTES = 20;
const IPV4_MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const IPV6_BYTES = 40;
const PORT_BYTES = 4;

/** IP protocol numbers, and IPv6 extension headers among them. */
export const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION = 60;
/** Extension headers that are looked behind: more than any sound packet has. */
const MOST_EXTENSIONS = 8;

const ROUTING_TYPE_2 = 2;
const ROUTING_TYPE_2_BYTES = 24;
const HOME_ADDRESS_OPTION = 0xc9;
const PAD_1 = 0;
const ADDRESS_BYTES = 16;

/**
 * Where addresses and ports lie in a frame: what hashes are calculated over (VIRTIO 1.2, 5.1.6.4.3). One object,
 * filled for each frame. Nothing beyond the end of the head is looked at.
 */
export class PacketFields {
  /** 4, 6, or 0 for what is neither. */
  version = 0;
  /** What is in the packet: `PROTOCOL_TCP`, `PROTOCOL_UDP`, or something else. Meaningless with `portsAt` -1. */
  protocol = 0;
  bytes: Uint8Array = new Uint8Array(0);
  /** Index in `bytes` of the source address; the destination address follows it. */
  addressesAt = 0;
  /** Index of the source port; the destination port follows it. -1 without TCP or UDP, and in a fragment. */
  portsAt = -1;
  /** Whether an IPv6 packet has an extension header. */
  extended = false;
  /** Index of the home address in a destination options header, -1 without. */
  homeAddressAt = -1;
  /** Index of the address in a routing header of type 2, -1 without. */
  routingAddressAt = -1;

  /** Finds the fields of a frame. */
  parse(head: FrameHead): void {
    this.version = 0;
    this.portsAt = -1;
    this.extended = false;
    this.homeAddressAt = -1;
    this.routingAddressAt = -1;
    this.bytes = head.bytes;
    let at = head.at + ETHERTYPE_AT;
    let type = this.#u16(at);
    for (let tags = 0; tags < MOST_TAGS && (type === ETHERTYPE_VLAN || type === ETHERTYPE_SERVICE_VLAN); tags++) {
      at += TAG_BYTES;
      if (at + 2 > head.end) return;
      type = this.#u16(at);
    }
    if (type === ETHERTYPE_IPV4) this.#ipv4(at + 2, head.end);
    else if (type === ETHERTYPE_IPV6) this.#ipv6(at + 2, head.end);
  }

  #ipv4(at: number, end: number): void {
    if (at + IPV4_BYTES > end) return;
    const first = this.#u8(at);
    const headerBytes = (first & 15) * 4;
    if (first >>> 4 !== 4 || headerBytes < IPV4_BYTES) return;
    this.version = 4;
    this.addressesAt = at + 12;
    // The later fragments have no ports, so none of a packet's fragments is hashed by them.
    if ((this.#u16(at + 6) & IPV4_MORE_FRAGMENTS_OR_OFFSET) !== 0) return;
    this.#ports(this.#u8(at + 9), at + headerBytes, end);
  }

  #ipv6(at: number, end: number): void {
    if (at + IPV6_BYTES > end || this.#u8(at) >>> 4 !== 6) return;
    this.version = 6;
    this.addressesAt = at + 8;
    let next = this.#u8(at + 6);
    let header = at + IPV6_BYTES;
    for (let i = 0; i < MOST_EXTENSIONS && isExtension(next); i++) {
      this.extended = true;
      if (next === FRAGMENT || header + 8 > end) return;
      const bytes = 8 + 8 * this.#u8(header + 1);
      if (header + bytes > end) return;
      if (next === ROUTING) this.#routing(header, bytes);
      else if (next === DESTINATION) this.#options(header + 2, header + bytes);
      next = this.#u8(header);
      header += bytes;
    }
    this.#ports(next, header, end);
  }

  #routing(at: number, bytes: number): void {
    if (bytes === ROUTING_TYPE_2_BYTES && this.#u8(at + 2) === ROUTING_TYPE_2) this.routingAddressAt = at + 8;
  }

  /** Looks for the home address among the options of a destination options header. */
  #options(from: number, end: number): void {
    for (let at = from; at < end; ) {
      const type = this.#u8(at);
      if (type === PAD_1) {
        at++;
        continue;
      }
      if (at + 2 > end) return;
      const length = this.#u8(at + 1);
      if (type === HOME_ADDRESS_OPTION && length === ADDRESS_BYTES && at + 2 + length <= end) {
        this.homeAddressAt = at + 2;
        return;
      }
      at += 2 + length;
    }
  }

  #ports(protocol: number, at: number, end: number): void {
    this.protocol = protocol;
    if ((protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) && at + PORT_BYTES <= end) this.portsAt = at;
  }

  #u8(at: number): number {
    return this.bytes[at] as number;
  }

  #u16(at: number): number {
    return (this.#u8(at) << 8) | this.#u8(at + 1);
  }
}

function isExtension(header: number): boolean {
  return header === HOP_BY_HOP || header === ROUTING || header === FRAGMENT || header === DESTINATION;
}
