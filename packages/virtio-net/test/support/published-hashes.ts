/* The values that Microsoft published for receive-side scaling. */

/** The key that they are for. */
export const KEY: Uint8Array = Uint8Array.from(
  "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa".match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);

/** Source and destination with their ports, and the hashes of the addresses and of all. */
export type PublishedHash = [
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  addresses: number,
  all: number,
];

/** Over IPv4. */
export const V4: PublishedHash[] = [
  ["66.9.149.187", 2794, "161.142.100.80", 1766, 0x323e8fc2, 0x51ccc178],
  ["199.92.111.2", 14230, "65.69.140.83", 4739, 0xd718262a, 0xc626b0ea],
  ["24.19.198.95", 12898, "12.22.207.184", 38024, 0xd2d0a5de, 0x5c2b394a],
  ["38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xafc7327f],
  ["153.39.163.191", 44251, "202.188.127.2", 1303, 0x5d1809c5, 0x10e828a2],
];

/** Over IPv6. */
export const V6: PublishedHash[] = [
  ["3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2cc18cd5, 0x40207d3d],
  ["3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0f0c461c, 0xdde51bbf],
  ["3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024, 0x4b61e985, 0x02d1feef],
];

/** Two port numbers as they are in a packet. */
export function ports(source: number, destination: number): number[] {
  return [source >> 8, source & 255, destination >> 8, destination & 255];
}

/** The bytes of an IPv4 address. */
export function v4(text: string): number[] {
  return text.split(".").map(Number);
}

/** The bytes of an IPv6 address, "::" allowed once. */
export function v6(text: string): number[] {
  const [left = "", right] = text.split("::");
  const groups = (part: string) => part.split(":").filter(Boolean);
  const [a, b] = [groups(left), right === undefined ? [] : groups(right)];
  const zeros = new Array(8 - a.length - b.length).fill("0");
  return [...a, ...zeros, ...b].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}
