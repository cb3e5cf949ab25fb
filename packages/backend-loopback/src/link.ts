import { type Frame, isMulticast, type LinkInfo, MAC_BYTES, type MacAddress, Offload, randomMac } from "@vmmkit/ethif";

/** Ethernet header in bytes: two addresses and a type. The shortest frame there is. */
export const HEADER_BYTES = 14;

/** Ethernet header with one VLAN tag: what a frame may be longer than the MTU. */
const TAGGED_HEADER_BYTES = 18;

/** Whatever there is in `Offload`. */
const ALL_OFFLOADS = Offload.Csum | Offload.Tso4 | Offload.Tso6 | Offload.Ecn | Offload.Ufo | Offload.Uso;

/** What a card is told of its link. */
export interface LinkOptions {
  /** The card's address. Copied. Default: a random locally administered one. */
  readonly mac?: MacAddress;
  /** Largest payload of a frame in bytes, 68 to 65535. Default 1500. */
  readonly mtu?: number;
  /**
   * Bits of `Offload` that pass through: frames with checksums left open or longer than the MTU go to the receiver
   * as they are. A card of `@vmmkit/virtio-net` does for its guest what that does not take. Default all.
   */
  readonly offloads?: number;
}

/**
 * Checks options and fills in what they leave out.
 * @throws TypeError, RangeError for an impossible option
 */
export function makeLink(options: LinkOptions): Required<LinkInfo> {
  const mtu = checkInteger("mtu", options.mtu ?? 1500, 68, 65535);
  const offloads = checkInteger("offloads", options.offloads ?? ALL_OFFLOADS, 0, ALL_OFFLOADS);
  const mac = options.mac === undefined ? randomMac() : checkMac(options.mac);
  return { mac, mtu, txOffloads: offloads, rxOffloads: offloads, queuePairs: 1, linkUp: true };
}

/** How long frames may be. */
export class LengthLimits {
  /** Of a frame as it goes over a wire, in bytes. */
  readonly plain: number;
  /** Of one that is still to be segmented: the MTU does not bind it. */
  readonly segmented: number;

  constructor(link: LinkInfo) {
    const segments = ((link.txOffloads ?? 0) & ~Offload.Csum) !== 0;
    this.plain = link.mtu + TAGGED_HEADER_BYTES;
    this.segmented = segments ? 65535 + TAGGED_HEADER_BYTES : this.plain;
  }

  /** Whether the link does not carry a frame. */
  exceeded(frame: Frame): boolean {
    return frame.totalBytes > (frame.gsoType === 0 ? this.plain : this.segmented);
  }
}

/** @throws RangeError where `value` is not an integer from `min` to `max` */
export function checkInteger(name: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}

/** @throws RangeError where `value` is not a power of two from `min` to `max` */
export function checkPowerOf2(name: string, value: number, min: number, max: number): number {
  checkInteger(name, value, min, max);
  if ((value & (value - 1)) !== 0) throw new RangeError(`"${name}" expected a power of two, got ${value}`);
  return value;
}

/** A copy of a station's address. @throws TypeError where it is not six bytes, RangeError where it names a group */
export function checkMac(mac: MacAddress): MacAddress {
  if (!(mac instanceof Uint8Array) || mac.length !== MAC_BYTES) {
    throw new TypeError(`"mac" expected ${MAC_BYTES} bytes, got ${String(mac)}`);
  }
  if (isMulticast(mac)) throw new RangeError(`"mac" expected the address of one station, got ${String(mac)}`);
  return mac.slice();
}
