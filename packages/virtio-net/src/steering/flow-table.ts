import type { PacketFields } from "./packet-fields.ts";

/** Flows that are told apart: those that fall on the same entry share it. */
const FLOWS = 1024;

/** Which pair each flow last transmitted on (VIRTIO 1.2, 5.1.6.5.6): a fixed table, by a hash of both directions alike. */
export class FlowTable {
  /** Number of the pair and 1; 0 where nothing was sent. */
  readonly #pairs = new Uint16Array(FLOWS);

  clear(): void {
    this.#pairs.fill(0);
  }

  /** The guest sent a packet of a flow on pair `pair`. */
  learn(flow: number, pair: number): void {
    this.#pairs[flow & (FLOWS - 1)] = pair + 1;
  }

  /** The pair that the flow was last sent on, or -1. */
  find(flow: number): number {
    return (this.#pairs[flow & (FLOWS - 1)] as number) - 1;
  }
}

/** A hash of a packet's addresses and ports, the same for both directions of a flow; -1 where it is no IP packet. */
export function flowHash({ version, bytes, addressesAt, portsAt, protocol }: PacketFields): number {
  if (version === 0) return -1;
  const addressBytes = version === 4 ? 4 : 16;
  let hash = protocol;
  for (let i = 0; i < addressBytes; i += 4) {
    // XOR and sum look alike from both ends.
    const source = be32(bytes, addressesAt + i);
    const destination = be32(bytes, addressesAt + addressBytes + i);
    hash = Math.imul(hash ^ source ^ destination, 0x9e37_79b1);
  }
  if (portsAt >= 0) {
    const ports = be32(bytes, portsAt);
    const source = ports >>> 16;
    const destination = ports & 0xffff;
    hash = Math.imul(hash ^ source ^ destination, 0x9e37_79b1);
    hash = Math.imul((hash ^ (hash >>> 16)) + source + destination, 0x85eb_ca6b);
  }
  return (hash ^ (hash >>> 15)) & 0x7fff_ffff;
}

function be32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return (high << 16) | low;
}
