/** Protocol numbers and lengths that the peer needs. */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
/** Where the IP header starts, and what follows a header without options. */
export const IP_AT = 14;
export const L4_AT = 34;

/** Reads a big-endian 16-bit number. */
export function get16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Reads a big-endian 32-bit number. */
export function get32(bytes: Uint8Array, at: number): number {
  return ((get16(bytes, at) << 16) | get16(bytes, at + 2)) >>> 0;
}

/** Writes a big-endian 16-bit number. */
export function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes a big-endian 32-bit number. */
export function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16);
  put16(bytes, at + 2, value & 0xffff);
}

/** Sum of the 16-bit words from `from` to `to`, not folded yet (RFC 1071). */
function sum16(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  let at = from;
  for (; at + 1 < to; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return at < to ? sum + ((bytes[at] as number) << 8) : sum;
}

function fold16(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return folded;
}

function fold(sum: number): number {
  return ~fold16(sum) & 0xffff;
}

/** Who sends and who receives. */
export interface Addresses {
  readonly mac: Uint8Array;
  readonly ip: Uint8Array;
  readonly peerMac: Uint8Array;
  readonly peerIp: Uint8Array;
}

/** Fills in the Ethernet and IP headers of a frame, `frame.length` long. */
export function putHeaders(frame: Uint8Array, to: Addresses, protocol: number): void {
  frame.set(to.peerMac, 0);
  frame.set(to.mac, 6);
  put16(frame, 12, ETHERTYPE_IPV4);
  frame[IP_AT] = 0x45;
  put16(frame, IP_AT + 2, frame.length - IP_AT);
  put16(frame, IP_AT + 6, 0x4000); // do not fragment
  frame[IP_AT + 8] = 64;
  frame[IP_AT + 9] = protocol;
  frame.set(to.ip, IP_AT + 12);
  frame.set(to.peerIp, IP_AT + 16);
  put16(frame, IP_AT + 10, 0);
  put16(frame, IP_AT + 10, fold(sum16(frame, IP_AT, L4_AT)));
}

/** Leaves the checksum of TCP or UDP open: there is only the pseudo header's sum, to go on from (VIRTIO 1.2, 5.1.6.4). */
export function putOpenL4Checksum(frame: Uint8Array, protocol: number, at: number): void {
  put16(frame, at, fold16(sum16(frame, IP_AT + 12, L4_AT) + protocol + (frame.length - L4_AT)));
}

/** Fills in the checksum of TCP or UDP, with the pseudo header (RFC 9293, 3.1). */
export function putL4Checksum(frame: Uint8Array, protocol: number, at: number): void {
  put16(frame, at, 0);
  const pseudo = sum16(frame, IP_AT + 12, L4_AT) + protocol + (frame.length - L4_AT);
  put16(frame, at, fold(pseudo + sum16(frame, L4_AT, frame.length)) || 0xffff);
}

/** Fills in the checksum of ICMP. */
export function putIcmpChecksum(frame: Uint8Array): void {
  put16(frame, L4_AT + 2, 0);
  put16(frame, L4_AT + 2, fold(sum16(frame, L4_AT, frame.length)));
}
