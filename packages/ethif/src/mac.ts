/** A MAC address: six bytes in the order they go over the wire. */
export type MacAddress = Uint8Array;

/** Bytes of a MAC address. */
export const MAC_BYTES = 6;

const PATTERN = /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i;

/**
 * Reads "52:54:00:12:34:56" (or with "-").
 * @throws TypeError where `text` is something else
 */
export function parseMac(text: string): MacAddress {
  if (!PATTERN.test(text)) throw new TypeError(`"mac" expected six bytes as "52:54:00:12:34:56", got "${text}"`);
  return Uint8Array.from(text.split(/[:-]/), (part) => Number.parseInt(part, 16));
}

/** Writes a MAC address as "52:54:00:12:34:56". */
export function formatMac(mac: Uint8Array): string {
  return Array.from(mac.subarray(0, MAC_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/**
 * A random address that no manufacturer owns: locally administered, not multicast.
 * @param random a number from 0 up to 1, by default `Math.random`
 */
export function randomMac(random: () => number = Math.random): MacAddress {
  const mac = new Uint8Array(MAC_BYTES);
  for (let i = 0; i < MAC_BYTES; i++) mac[i] = Math.floor(random() * 256);
  mac[0] = ((mac[0] ?? 0) & 0xfc) | 0x02;
  return mac;
}

/** Whether an address names a group (broadcast included) and not one station. */
export function isMulticast(mac: Uint8Array): boolean {
  return ((mac[0] ?? 0) & 1) !== 0;
}
