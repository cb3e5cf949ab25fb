import { isMulticast, type LinkInfo, MAC_BYTES, type MacAddress, randomMac } from "@vmmkit/ethif";
import { checkInteger } from "./check.ts";

/** Ethernet header in bytes: the shortest frame there is. */
export const HEADER_BYTES = 14;

/** What a frame may be longer than the MTU: an Ethernet header with one VLAN tag. */
const TAGGED_HEADER_BYTES = 18;

/** What a card is told of its link. */
export interface LinkOptions {
  /** The card's address. Copied. Default: a random locally administered one. */
  readonly mac?: MacAddress;
  /** Largest payload of a frame in bytes, 68 to 65535. Default 1500. */
  readonly mtu?: number;
}

/** Checks options and fills in what they leave out. @throws TypeError, RangeError for an impossible one */
export function makeLink(options: LinkOptions): LinkInfo {
  const mtu = checkInteger("mtu", options.mtu ?? 1500, 68, 65535);
  const { mac } = options;
  if (mac === undefined) return { mac: randomMac(), mtu };
  if (!(mac instanceof Uint8Array) || mac.length !== MAC_BYTES) {
    throw new TypeError(`"mac" expected ${MAC_BYTES} bytes, got ${String(mac)}`);
  }
  if (isMulticast(mac)) throw new RangeError(`"mac" expected the address of one station, got ${String(mac)}`);
  return { mac: mac.slice(), mtu };
}

/** The longest frame in bytes that a link carries. */
export function longestFrame(link: LinkInfo): number {
  return link.mtu + TAGGED_HEADER_BYTES;
}
