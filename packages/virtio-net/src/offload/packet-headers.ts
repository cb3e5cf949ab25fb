/** Bytes at the start of a frame that may be headers. Longer ones are no headers that anybody sends. */
export const MAX_HEADER_BYTES = 256;

const ETHERTYPE_AT = 12;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q, 802.1ad, and the number that switches used before that was settled. */
export const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8, 0x9100];
const MAX_VLAN_TAGS = 3;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
/**
 * Extension headers that stay in each segment: hop-by-hop and destination options. Behind a routing header the address
 * that the checksum covers is another one than the header has: nobody asks for segments of such a packet.
 */
const IPV6_EXTENSIONS: readonly number[] = [0, 60];
/** IP protocol numbers. */
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
const TCP_BYTES = 20;
export const UDP_BYTES = 8;

/** Where the headers of a frame are: Ethernet with VLAN tags, IPv4 or IPv6 with extension headers, TCP or UDP. */
export class PacketHeaders {
  /** 4 or 6. */
  version = 0;
  /** `PROTOCOL_TCP` or `PROTOCOL_UDP`. */
  protocol = 0;
  /** Offset of the IP header. */
  ipAt = 0;
  /** Offset of the TCP or UDP header. */
  transportAt = 0;
  /** Offset of the byte behind all headers. */
  payloadAt = 0;
  /** Offset of the byte that names the transport: IPv4's `protocol`, or the last `next header` of IPv6. */
  nextHeaderAt = 0;

  /**
   * Reads the headers.
   * @param bytes the frame's start, as memory that nobody else changes
   * @param count how many of `bytes` count
   * @returns false for another kind of frame, a fragment, or headers that do not end within `count`
   */
  parse(bytes: Uint8Array, count: number): boolean {
    let typeAt = ETHERTYPE_AT;
    for (let tags = 0; tags < MAX_VLAN_TAGS && VLAN_TYPES.includes(be16(bytes, typeAt)); tags++) typeAt += 4;
    if (typeAt + 2 > count) return false;
    this.ipAt = typeAt + 2;
    const type = be16(bytes, typeAt);
    if (type === ETHERTYPE_IPV4) return this.#parseIpv4(bytes, count) && this.#parseTransport(bytes, count);
    if (type === ETHERTYPE_IPV6) return this.#parseIpv6(bytes, count) && this.#parseTransport(bytes, count);
    return false;
  }

  #parseIpv4(bytes: Uint8Array, count: number): boolean {
    const at = this.ipAt;
    if (at + IPV4_BYTES > count) return false;
    const first = bytes[at] as number;
    const headerBytes = (first & 15) * 4;
    // MORE FRAGMENTS and the offset: all but DON'T FRAGMENT and the reserved bit.
    if (first >>> 4 !== 4 || headerBytes < IPV4_BYTES || (be16(bytes, at + 6) & 0x3fff) !== 0) return false;
    this.version = 4;
    this.nextHeaderAt = at + 9;
    this.transportAt = at + headerBytes;
    return true;
  }

  #parseIpv6(bytes: Uint8Array, count: number): boolean {
    const at = this.ipAt;
    if (at + IPV6_BYTES > count || (bytes[at] as number) >>> 4 !== 6) return false;
    this.version = 6;
    this.nextHeaderAt = at + 6;
    this.transportAt = at + IPV6_BYTES;
    while (IPV6_EXTENSIONS.includes(bytes[this.nextHeaderAt] as number)) {
      if (this.transportAt + 8 > count) return false;
      this.nextHeaderAt = this.transportAt;
      this.transportAt += ((bytes[this.transportAt + 1] as number) + 1) * 8;
    }
    return true;
  }

  #parseTransport(bytes: Uint8Array, count: number): boolean {
    const at = this.transportAt;
    this.protocol = bytes[this.nextHeaderAt] as number;
    if (this.protocol === PROTOCOL_UDP) this.payloadAt = at + UDP_BYTES;
    else if (this.protocol === PROTOCOL_TCP && at + TCP_BYTES <= count) {
      const headerBytes = ((bytes[at + 12] as number) >>> 4) * 4;
      if (headerBytes < TCP_BYTES) return false;
      this.payloadAt = at + headerBytes;
    } else return false;
    return this.payloadAt <= count;
  }
}

/** A big-endian 16-bit number. What lies behind the view is 0. */
export function be16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
