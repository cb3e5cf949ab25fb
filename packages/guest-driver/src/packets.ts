/*
 * Packets made and read without the card's code: byte by byte, big-endian, as the RFCs write them down. Slow, and
 * simple enough to be believed; `tshark` looks at the same packets in another test.
 */

export interface PacketSpec {
  readonly version: 4 | 6;
  readonly protocol: "tcp" | "udp";
  readonly payload: Uint8Array;
  /** EtherTypes of VLAN tags. */
  readonly tags?: readonly number[];
  /** IPv4: bytes of options, a multiple of 4. IPv6: extension headers of 8 bytes each. */
  readonly options?: number;
  /** TCP: bytes of options, a multiple of 4. */
  readonly tcpOptions?: number;
  readonly tcpFlags?: number;
  readonly sequence?: number;
  readonly id?: number;
}

/** A packet, its checksum left open as a driver leaves it, and where things are. */
export interface OpenPacket {
  readonly bytes: Uint8Array;
  readonly csumStart: number;
  readonly csumOffset: number;
  readonly headerBytes: number;
}

const SOURCE4: readonly number[] = [10, 0, 0, 1];
const TARGET4: readonly number[] = [10, 0, 0, 2];
const SOURCE6: readonly number[] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const TARGET6: readonly number[] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

const u16 = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];

/** The ones' complement sum of big-endian 16-bit words (RFC 1071), as it reads. */
export function slowSum(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return sum;
}

/** Makes a packet. Its checksum field has the sum of the pseudo header, as drivers leave it. */
export function makePacket(spec: PacketSpec): OpenPacket {
  const { version, payload } = spec;
  const number = spec.protocol === "tcp" ? 6 : 17;
  const ethernet = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
  for (const tag of spec.tags ?? []) ethernet.push(...u16(tag), 0, 5);
  ethernet.push(...u16(version === 4 ? 0x0800 : 0x86dd));
  const options = spec.options ?? 0;
  const transportBytes = spec.protocol === "tcp" ? 20 + (spec.tcpOptions ?? 0) : 8;
  const length = transportBytes + payload.length;
  const addresses = version === 4 ? [...SOURCE4, ...TARGET4] : [...SOURCE6, ...TARGET6];
  let ip: number[];
  if (version === 4) {
    const headerBytes = 20 + options;
    ip = [
      0x40 | (headerBytes / 4),
      0,
      ...u16(headerBytes + length),
      ...u16(spec.id ?? 0x1234),
      0x40,
      0,
      64,
      number,
      0,
      0,
    ];
    ip.push(...addresses, ...new Array<number>(options).fill(1));
    const sum = ~slowSum(ip) & 0xffff;
    ip[10] = sum >>> 8;
    ip[11] = sum & 0xff;
  } else {
    const extensions = options / 8;
    ip = [0x60, 0, 0, 0, ...u16(options + length), extensions > 0 ? 0 : number, 64, ...addresses];
    // Hop-by-hop options first, destination options behind; each padded with PadN.
    for (let i = 0; i < extensions; i++) ip.push(i < extensions - 1 ? 60 : number, 0, 1, 4, 0, 0, 0, 0);
  }
  const pseudo =
    version === 4 ? [...addresses, 0, number, ...u16(length)] : [...addresses, ...u32(length), 0, 0, 0, number];
  const open = u16(slowSum(pseudo));
  const transport =
    number === 6
      ? [...u16(50_001), ...u16(50_002), ...u32(spec.sequence ?? 1000), ...u32(77), (transportBytes / 4) << 4]
      : [...u16(50_001), ...u16(50_002), ...u16(length), ...open];
  if (number === 6) {
    transport.push(spec.tcpFlags ?? 0x10, 1, 0, ...open, 0, 0, ...new Array<number>(spec.tcpOptions ?? 0).fill(1));
  }
  const csumStart = ethernet.length + ip.length;
  return {
    bytes: Uint8Array.from([...ethernet, ...ip, ...transport, ...payload]),
    csumStart,
    csumOffset: number === 6 ? 16 : 6,
    headerBytes: csumStart + transportBytes,
  };
}

/** A packet with its checksum filled in, as `csumStart` and `csumOffset` say: all from there on is summed up, and the sum's complement stored. */
export function closePacket({ bytes, csumStart, csumOffset }: Omit<OpenPacket, "headerBytes">): Uint8Array {
  const closed = bytes.slice();
  const checksum = u16(~slowSum(closed.subarray(csumStart)));
  closed.set(checksum, csumStart + csumOffset);
  return closed;
}

/** What a packet says, and whether it is right. */
export interface ReadPacket {
  readonly version: number;
  readonly id: number;
  readonly ipLength: number;
  readonly fragmentOffset: number;
  readonly more: boolean;
  readonly ipChecksumGood: boolean;
  /** Where the transport's header is; in a fragment what follows the IP header is only a part. */
  readonly transportAt: number;
  readonly sequence: number;
  readonly tcpFlags: number;
  readonly udpLength: number;
  readonly transportChecksumGood: boolean;
  readonly payload: Uint8Array;
  /** All that follows the IP header. */
  readonly body: Uint8Array;
}

/** Reads a packet, right or wrong. */
export function readPacket(bytes: Uint8Array): ReadPacket {
  const at16 = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  let at = 12;
  while ([0x8100, 0x88a8].includes(at16(at))) at += 4;
  const ip = at + 2;
  const version = (bytes[ip] ?? 0) >> 4;
  let transportAt: number;
  let protocol: number;
  let addresses: Uint8Array;
  let ipLength: number;
  let ipChecksumGood = true;
  let fragmentOffset = 0;
  let more = false;
  let id = 0;
  if (version === 4) {
    transportAt = ip + ((bytes[ip] ?? 0) & 15) * 4;
    protocol = bytes[ip + 9] ?? 0;
    addresses = bytes.slice(ip + 12, ip + 20);
    ipLength = at16(ip + 2);
    ipChecksumGood = slowSum(bytes.slice(ip, transportAt)) === 0xffff;
    fragmentOffset = (at16(ip + 6) & 0x1fff) * 8;
    more = (at16(ip + 6) & 0x2000) !== 0;
    id = at16(ip + 4);
  } else {
    protocol = bytes[ip + 6] ?? 0;
    transportAt = ip + 40;
    addresses = bytes.slice(ip + 8, ip + 40);
    ipLength = 40 + at16(ip + 4);
    while ([0, 60, 44].includes(protocol)) {
      if (protocol === 44) {
        fragmentOffset = at16(transportAt + 2) & 0xfff8;
        more = (at16(transportAt + 2) & 1) !== 0;
        id = at16(transportAt + 4) * 65536 + at16(transportAt + 6);
      }
      protocol = bytes[transportAt] ?? 0;
      transportAt += 8 * (1 + (bytes[transportAt + 1] ?? 0));
    }
  }
  const body = bytes.slice(transportAt);
  const payloadAt = protocol === 6 ? ((bytes[transportAt + 12] ?? 0) >> 4) * 4 : 8;
  return {
    version,
    id,
    ipLength: ipLength + ip,
    fragmentOffset,
    more,
    ipChecksumGood,
    transportAt,
    sequence: at16(transportAt + 4) * 65536 + at16(transportAt + 6),
    tcpFlags: bytes[transportAt + 13] ?? 0,
    udpLength: at16(transportAt + 4),
    transportChecksumGood: isTransportGood(addresses, protocol, body),
    payload: body.slice(payloadAt),
    body,
  };
}

/** Whether a TCP segment or UDP datagram has the right checksum. */
export function isTransportGood(addresses: Uint8Array, protocol: number, body: Uint8Array): boolean {
  const pseudo = [...addresses, 0, protocol, ...u16(body.length)];
  return slowSum([...pseudo, ...body]) === 0xffff;
}
