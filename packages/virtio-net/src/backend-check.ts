import { type LinkInfo, MAC_BYTES, type RawIfaceFuncs } from "@vmmkit/ethif";

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

function expectInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" of the backend expected ${min} to ${max}, got ${value}`);
  }
}
