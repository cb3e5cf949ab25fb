import type { EthDriver, RawIfaceFuncs } from "@vmmkit/ethif";
import type { GuestMemory } from "@vmmkit/vm";
import type { Ingress } from "./ingress.ts";
import type { WordViews } from "./offload/word-views.ts";

/** What the queues of a card share. One object, made once; the fields that vary are set by the card. */
export interface CardCore {
  readonly memory: GuestMemory;
  /** The card as its backend knows it. */
  driver: EthDriver;
  funcs: RawIfaceFuncs;
  /** What received frames go through before the guest sees them. */
  readonly ingress: Ingress;
  /** How many queue pairs the backend tells apart. */
  backendPairs: number;
  /** Bytes of the header before each frame: 10, 12 with MRG_RXBUF or VERSION_1, 20 with HASH_REPORT. */
  headerBytes: number;
  /** MRG_RXBUF was negotiated. */
  mergeable: boolean;
  /** IN_ORDER was negotiated. */
  inOrder: boolean;
  /** HASH_REPORT was negotiated. */
  hashReport: boolean;
  /** The driver is ready, and nothing has been reset since. */
  running: boolean;
  /** The carrier is there. */
  linkUp: boolean;
  /** The longest frame that the link carries, Ethernet header and VLAN tag included. */
  readonly maxFrameBytes: number;
  /** The longest frame that the guest is given: the same once it knows the MTU, otherwise whatever its buffers hold. */
  maxReceiveBytes: number;
  /** What the guest may leave to the card: bits of `Offload`. */
  hostOffloads: number;
  /** What the card may leave to the guest: likewise. */
  guestOffloads: number;
  /** What the card may leave to the backend. */
  backendOffloads: number;
  /** What the backend may leave to the guest. */
  backendLeaves: number;
  /** Whether the card does itself what the receiver of a frame does not take. */
  readonly softwareOffloads: boolean;
  /** Guest memory as words. */
  readonly views: WordViews;
  /** Interrupts the guest for a queue. */
  interrupt(queue: number): void;
  /** Runs a task soon, when the guest's current access is over. */
  later(task: () => void): void;
}

/** An Ethernet header: no frame is shorter. */
export const ETHERNET_HEADER_BYTES = 14;
/** The longest frame that is to be segmented: IP counts in 16 bits, and the header has a VLAN tag. */
export const MAX_SEGMENTED_BYTES: number = 65535 + 18;
/** No limit to frames: more than any can have. */
export const NO_FRAME_LIMIT = 0x3fff_ffff;
/** What a frame has beyond the MTU: an Ethernet header and a VLAN tag. */
export const ETHERNET_OVERHEAD_BYTES = 18;
