import {
  encodeAddress,
  openSocket,
  PosixError,
  Ready,
  type Socket,
  SocketDomain,
  SocketType,
  threadPoller,
  write,
} from "@vmmkit/posix";
import type { PingResult } from "../ping.ts";

const IPPROTO_ICMP = 1;
const ECHO_REQUEST = 8;
const HEADER_BYTES = 8;
const PAYLOAD_BYTES = 56;
/** How long the last answer may take. */
const PATIENCE_MS = 5000;

/**
 * Pings an address from this thread: no program of that name is needed. Round trips end when this thread hears of the
 * answer.
 * @throws PosixError where the host does not let this user
 */
export async function icmpPing(address: string, count: number, intervalMs: number): Promise<PingResult> {
  const socket = openPingSocket();
  const sentAt: number[] = [];
  const times = new Map<number, number>();
  let allThere: () => void = () => {};
  const watch = threadPoller().watch(socket.fd, Ready.Read, () => {
    for (const sequence of answers(socket)) {
      const sent = sentAt[sequence];
      if (sent !== undefined && !times.has(sequence)) times.set(sequence, performance.now() - sent);
    }
    if (times.size === count) allThere();
  });
  try {
    socket.connect(encodeAddress({ family: "ipv4", address, port: 0 }));
    for (let sequence = 0; sequence < count; sequence++) {
      if (sequence > 0) await delay(intervalMs);
      sentAt[sequence] = performance.now();
      write(socket.fd.number, echoRequest(sequence));
    }
    if (times.size < count) {
      await Promise.race([delay(PATIENCE_MS), new Promise<void>((resolve) => (allThere = resolve))]);
    }
  } finally {
    watch.close();
    socket.close();
  }
  const all = [...times.values()];
  const sum = all.reduce((total, time) => total + time, 0);
  const none = Number.NaN;
  return {
    sent: count,
    received: all.length,
    minMs: all.length > 0 ? Math.min(...all) : none,
    avgMs: all.length > 0 ? sum / all.length : none,
    maxMs: all.length > 0 ? Math.max(...all) : none,
  };
}

/** The kernel's own ping sockets need no privileges, but a group that may; raw ones need CAP_NET_RAW. */
function openPingSocket(): Socket {
  try {
    return openSocket(SocketDomain.Ipv4, SocketType.Datagram, IPPROTO_ICMP);
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
    return openSocket(SocketDomain.Ipv4, SocketType.Raw, IPPROTO_ICMP);
  }
}

function echoRequest(sequence: number): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + PAYLOAD_BYTES);
  const view = new DataView(message.buffer);
  message[0] = ECHO_REQUEST;
  view.setUint16(4, process.pid & 0xffff);
  view.setUint16(6, sequence);
  view.setUint16(2, checksum(view));
  return message;
}

/** RFC 1071. */
function checksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at < view.byteLength; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Sequence numbers of the answers that have come. */
function answers(socket: Socket): number[] {
  const sequences: number[] = [];
  const message = new Uint8Array(2048);
  for (let bytes = socket.fd.read(message); bytes >= 0; bytes = socket.fd.read(message)) {
    // A raw socket has the IP header before the message, a ping socket has not.
    const start = (message[0] ?? 0) >> 4 === 4 ? ((message[0] ?? 0) & 0xf) * 4 : 0;
    const isReply = message[start] === 0 && bytes >= start + HEADER_BYTES;
    if (isReply) sequences.push(((message[start + 6] ?? 0) << 8) | (message[start + 7] ?? 0));
  }
  return sequences;
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
