import { isMulticast, type LinkInfo, MAC_BYTES, type MacAddress, randomMac } from "@vmmkit/ethif";

/** Ethernet header in bytes: two addresses and a type. The shortest frame there is. */
export const HEADER_BYTES = 14;

/** Ethernet header with one VLAN tag: what a frame may be longer than the MTU. */
const TAGGED_HEADER_BYTES = 18;

/** What all backends here are told of their card. */
export interface LinkOptions {
  /** The card's address. Copied. Default: a random locally administered one. */
  readonly mac?: MacAddress;
  /** Largest payload of a frame in bytes, 68 to 65535; for UDP to 65489. Default 1500. */
  readonly mtu?: number;
  /**
   * How many frames wait (`Enqueued`, still in the guest's own memory) while the socket takes none. Those beyond are
   * dropped (`Failed`) and counted. 1 to 65536, default 256.
   */
  readonly queueFrames?: number;
}

/** A link, as the options describe it. */
export interface Link {
  readonly mac: MacAddress;
  readonly mtu: number;
  readonly queueFrames: number;
  /** The longest frame in bytes. */
  readonly longest: number;
}

/**
 * Checks options and fills in what they leave out.
 * @param maxMtu the largest MTU that the socket can carry
 * @throws TypeError, RangeError for an impossible option
 */
export function makeLink(options: LinkOptions, maxMtu = 65535): Link {
  const mtu = checkInteger("mtu", options.mtu ?? 1500, 68, maxMtu);
  const queueFrames = checkInteger("queueFrames", options.queueFrames ?? 256, 1, 65536);
  const mac = options.mac === undefined ? randomMac() : checkMac(options.mac);
  return { mac, mtu, queueFrames, longest: mtu + TAGGED_HEADER_BYTES };
}

/** What the card is told. */
export function linkInfo({ mac, mtu }: Link, linkUp: boolean): LinkInfo {
  return { mac, mtu, linkUp };
}

/** @throws RangeError where `value` is not an integer from `min` to `max` */
export function checkInteger(name: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}

function checkMac(mac: MacAddress): MacAddress {
  if (!(mac instanceof Uint8Array) || mac.length !== MAC_BYTES) {
    throw new TypeError(`"mac" expected ${MAC_BYTES} bytes, got ${String(mac)}`);
  }
  if (isMulticast(mac)) throw new RangeError(`"mac" expected the address of one station, got ${String(mac)}`);
  return mac.slice();
}
