import { type Backend, type Frame, readFrame } from "@vmmkit/ethif";

const ETHERTYPE_AT = 12;
const ETHERTYPE_ARP = 0x0806;
/** Ethernet header and ARP packet for IPv4. */
const ARP_BYTES = 42;
const SENDER_IP_AT = 28;
const TARGET_IP_AT = 38;

/** A backend, and the addresses that its guest announced through it: gratuitous ARP (RFC 5227), as "10.0.0.1". */
export interface WatchedBackend {
  readonly backend: Backend;
  readonly announced: readonly string[];
}

/** Watches what a card sends through a backend. */
export function watchAnnouncements(below: Backend): WatchedBackend {
  const announced: string[] = [];
  const { rawTx } = below;
  const backend: Backend = {
    ...below,
    rawTx: (driver, frame, cookie) => {
      const address = announcedBy(frame);
      if (address !== null) announced.push(address);
      return rawTx(driver, frame, cookie);
    },
  };
  return { backend, announced };
}

function announcedBy(frame: Frame): string | null {
  if (frame.totalBytes < ARP_BYTES) return null;
  const bytes = new Uint8Array(ARP_BYTES);
  readFrame(frame, bytes);
  const view = new DataView(bytes.buffer);
  if (view.getUint16(ETHERTYPE_AT) !== ETHERTYPE_ARP) return null;
  if (view.getUint32(SENDER_IP_AT) !== view.getUint32(TARGET_IP_AT)) return null;
  return bytes.subarray(SENDER_IP_AT, SENDER_IP_AT + 4).join(".");
}
