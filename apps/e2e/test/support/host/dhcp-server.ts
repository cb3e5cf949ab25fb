import type { Datagram, HostStation } from "./host-station.ts";

const SERVER_PORT = 67;
/** Offsets in a BOOTP message (RFC 951, RFC 2131). */
const YIADDR = 16;
const SIADDR = 20;
const CHADDR = 28;
const COOKIE = 236;
const OPTIONS = 240;
const BOOT_REQUEST = 1;
const BOOT_REPLY = 2;
const MESSAGE_TYPE = 53;
/** iPXE's own option 175 with its setting 176: do not wait for further servers that only know where to boot from. */
const NO_PXE_DHCP = [175, 3, 176, 1, 1];
const END = 255;
const DISCOVER = 1;
const OFFER = 2;
const REQUEST = 3;
const ACK = 5;
const LEASE_SECONDS = 3600;

/**
 * Gives every client the same address, and names the station itself as the server to boot from.
 * @param ip the address to give
 * @returns message types that clients sent so far, in order
 */
export function serveDhcp(station: HostStation, ip: Uint8Array): readonly number[] {
  const seen: number[] = [];
  station.serve(SERVER_PORT, (request) => {
    const type = messageType(request.data);
    if (request.data[0] !== BOOT_REQUEST || type === null) return;
    seen.push(type);
    if (type === DISCOVER) answer(station, request, ip, OFFER);
    if (type === REQUEST) answer(station, request, ip, ACK);
  });
  return seen;
}

function messageType(message: Uint8Array): number | null {
  for (let at = OPTIONS; at < message.length && message[at] !== END; ) {
    const code = message[at];
    if (code === MESSAGE_TYPE) return message[at + 2] ?? null;
    at += code === 0 ? 1 : 2 + (message[at + 1] ?? 0);
  }
  return null;
}

function answer(station: HostStation, request: Datagram, ip: Uint8Array, type: number): void {
  const server = station.address.ip;
  const message = new Uint8Array(300);
  // Hardware type, transaction and client's address as they came.
  message.set(request.data.subarray(0, OPTIONS));
  message[0] = BOOT_REPLY;
  message.set(ip, YIADDR);
  message.set(server, SIADDR);
  message.fill(0, CHADDR + 16, COOKIE);
  const lease = [0, 0, LEASE_SECONDS >> 8, LEASE_SECONDS & 0xff];
  const mask = [255, 255, 255, 0];
  const options = [MESSAGE_TYPE, 1, type, 54, 4, ...server, 51, 4, ...lease, 1, 4, ...mask, ...NO_PXE_DHCP, END];
  message.set(options, OPTIONS);
  // To the client's card, though it does not know its address yet.
  request.reply(message, {
    to: { mac: request.data.slice(CHADDR, CHADDR + 6), ip: Uint8Array.of(255, 255, 255, 255) },
  });
}
