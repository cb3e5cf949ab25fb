import { type LinkInfo, MAC_BYTES, type RawIfaceFuncs } from "@vmmkit/ethif";
import { type CardCore, ETHERNET_OVERHEAD_BYTES } from "./card-core.ts";

/** The functions that a backend has to have. */
const REQUIRED: readonly (keyof RawIfaceFuncs)[] = [
  "lowLevelInit",
  "rawTx",
  "rawPoll",
  "rawHandleIRQ",
  "getMac",
  "printState",
];

/** @throws TypeError naming the first function that is missing */
export function checkBackend(backend: RawIfaceFuncs): void {
  for (const name of REQUIRED) {
    const value: unknown = backend?.[name];
    if (typeof value !== "function") throw new TypeError(`"backend.${name}" expected a function, got ${String(value)}`);
  }
}

/** Smallest and largest MTU that VIRTIO knows (5.1.4.2). */
const MIN_MTU = 68;
const MAX_MTU = 65535;
/** Most queue pairs of a backend: their queues and the control queue have numbers of 16 bits. */
const MAX_PAIRS = 32767;

/** @throws RangeError for an answer of the backend's that makes no sense */
export function checkLink(link: LinkInfo): LinkInfo {
  if (link.mac.length !== MAC_BYTES) {
    throw new RangeError(`"mac" of the backend expected ${MAC_BYTES} bytes, got ${link.mac.length}`);
  }
  expectInteger("mtu", link.mtu, MIN_MTU, MAX_MTU);
  expectInteger("queuePairs", link.queuePairs ?? 1, 1, MAX_PAIRS);
  return link;
}

/**
 * Whether a backend may take another's place.
 * @param pairs queue pairs of the card
 * @throws RangeError where the guest was promised what this backend cannot do
 */
export function checkSwap(link: LinkInfo, core: CardCore, pairs: number): void {
  const { maxFrameBytes, hostOffloads, softwareOffloads } = core;
  const mtu = maxFrameBytes - ETHERNET_OVERHEAD_BYTES;
  if (link.mtu < mtu) throw new RangeError(`"mtu" of the backend expected ${mtu} at least, got ${link.mtu}`);
  const offloads = link.txOffloads ?? 0;
  if ((hostOffloads & ~offloads) !== 0 && !softwareOffloads) {
    throw new RangeError(`"txOffloads" of the backend expected ${hostOffloads} at least, got ${offloads}`);
  }
  const others = link.queuePairs ?? 1;
  if (others > 1 && others < pairs) {
    throw new RangeError(`"queuePairs" of the backend expected 1, or ${pairs} at least, got ${others}`);
  }
}

function expectInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" of the backend expected ${min} to ${max}, got ${value}`);
  }
}
