/** Frames that other programs know: ARP and UDP, from and to addresses that tell a number. */
export function udpFrame(number: number, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(42 + payloadBytes);
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
  bytes.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 86, 0, 1, 10, 86, 0, 2], 14);
  view.setUint16(16, 28 + payloadBytes);
  view.setUint16(18, number);
  view.setUint16(24, ipChecksum(bytes.subarray(14, 34)));
  view.setUint16(34, 4000);
  view.setUint16(36, 5000);
  view.setUint16(38, 8 + payloadBytes);
  for (let i = 42; i < bytes.length; i++) bytes[i] = (number + i) & 0xff;
  return bytes;
}

/** The IP identification of a frame of `udpFrame`'s. */
export function udpNumber(bytes: Uint8Array): number {
  return ((bytes[18] ?? 0) << 8) | (bytes[19] ?? 0);
}

function ipChecksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += ((header[i] ?? 0) << 8) | (header[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
