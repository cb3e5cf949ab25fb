import type { EthDriver, RawIfaceFuncs } from "@vmmkit/ethif";
import {
  VIRTIO_F_IN_ORDER,
  VIRTIO_NET_F_HASH_REPORT,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_HDR_BYTES,
} from "@vmmkit/virtio";
import type { GuestMemory, Vm } from "@vmmkit/vm";
import type { BackendPort } from "./backend-port.ts";
import type { Ingress } from "./ingress.ts";
import { laterTurn } from "./later.ts";
import type { Negotiated } from "./negotiated.ts";
import { transmitOffloads } from "./offload/offload-features.ts";
import { WordViews } from "./offload/word-views.ts";

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
const NO_FRAME_LIMIT = 0x3fff_ffff;
/** What a frame has beyond the MTU: an Ethernet header and a VLAN tag. */
export const ETHERNET_OVERHEAD_BYTES = 18;

/**
 * What the queues of a card share when it has just been made: nothing is negotiated.
 * @param port the backend as it was plugged in
 */
export function makeCardCore(
  vm: Vm,
  port: BackendPort,
  parts: Pick<CardCore, "ingress" | "softwareOffloads" | "interrupt">,
): CardCore {
  const { link, driver, funcs } = port;
  return {
    memory: vm.memory,
    driver,
    funcs,
    ingress: parts.ingress,
    backendPairs: link.queuePairs ?? 1,
    headerBytes: VIRTIO_NET_HDR_BYTES,
    mergeable: false,
    inOrder: false,
    hashReport: false,
    running: false,
    linkUp: link.linkUp ?? true,
    maxFrameBytes: link.mtu + ETHERNET_OVERHEAD_BYTES,
    maxReceiveBytes: NO_FRAME_LIMIT,
    hostOffloads: 0,
    guestOffloads: 0,
    backendOffloads: link.txOffloads ?? 0,
    backendLeaves: link.rxOffloads ?? 0,
    softwareOffloads: parts.softwareOffloads,
    views: new WordViews(),
    interrupt: parts.interrupt,
    later: vm.defer ?? laterTurn,
  };
}

/** The queues work as was negotiated from now on. */
export function applyNegotiated(core: CardCore, negotiated: Negotiated): void {
  core.mergeable = negotiated.has(VIRTIO_NET_F_MRG_RXBUF);
  core.inOrder = negotiated.has(VIRTIO_F_IN_ORDER);
  core.hashReport = negotiated.has(VIRTIO_NET_F_HASH_REPORT);
  core.headerBytes = negotiated.headerBytes();
  core.hostOffloads = transmitOffloads(negotiated.bits);
  core.maxReceiveBytes = negotiated.has(VIRTIO_NET_F_MTU) ? core.maxFrameBytes : NO_FRAME_LIMIT;
}

/** Another backend takes the place of the one that there was. */
export function replacePort(core: CardCore, { link, driver, funcs }: BackendPort): void {
  core.driver = driver;
  core.backendPairs = link.queuePairs ?? 1;
  core.backendOffloads = link.txOffloads ?? 0;
  core.backendLeaves = link.rxOffloads ?? 0;
  core.funcs = funcs;
}
