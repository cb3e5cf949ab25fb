/** Where the parts of an IPv4 packet without options are in a frame. */
export const IP_AT = 14;
export const PAYLOAD_AT = 34;
/** Where a UDP datagram's data is. */
export const UDP_DATA_AT = 42;
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_UDP = 17;

/** Six bytes of hardware address, four of IPv4. */
export interface Address {
  readonly mac: Uint8Array;
  readonly ip: Uint8Array;
}

/** A frame with Ethernet and IPv4 headers and room for a payload behind them. */
export function ipFrame(from: Address, to: Address, protocol: number, payloadBytes: number): Uint8Array {
  const frame = new Uint8Array(PAYLOAD_AT + payloadBytes);
  const view = new DataView(frame.buffer);
  frame.set(to.mac, 0);
  frame.set(from.mac, 6);
  view.setUint16(12, ETHERTYPE_IPV4);
  frame[IP_AT] = 0x45;
  view.setUint16(IP_AT + 2, frame.length - IP_AT);
  frame[IP_AT + 8] = 64;
  frame[IP_AT + 9] = protocol;
  frame.set(from.ip, IP_AT + 12);
  frame.set(to.ip, IP_AT + 16);
  view.setUint16(IP_AT + 10, internetChecksum(frame.subarray(IP_AT, PAYLOAD_AT)));
  return frame;
}

/** A frame with a UDP datagram. Its checksum is left out, as RFC 768 allows. */
export function udpFrame(from: Address, fromPort: number, to: Address, toPort: number, data: Uint8Array): Uint8Array {
  const frame = ipFrame(from, to, PROTOCOL_UDP, 8 + data.length);
  const view = new DataView(frame.buffer);
  view.setUint16(PAYLOAD_AT, fromPort);
  view.setUint16(PAYLOAD_AT + 2, toPort);
  view.setUint16(PAYLOAD_AT + 4, 8 + data.length);
  frame.set(data, UDP_DATA_AT);
  return frame;
}

/** RFC 1071. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const [i, byte] of bytes.entries()) sum += i % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Reads a big-endian 16-bit number. */
export function get16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Reads "10.0.0.1". */
export function parseIp(text: string): Uint8Array {
  return Uint8Array.from(text.split(".").map(Number));
}

/** Whether two addresses are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
