import {
  type Addresses,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  get16,
  IP_AT,
  L4_AT,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  put16,
  putHeaders,
  putIcmpChecksum,
  putL4Checksum,
} from "./packet.ts";
import { TcpConnection } from "./tcp.ts";

const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
/** TCP port that swallows. */
export const SINK_PORT = 5001;
/** TCP port that sends `bytesToSend` zeros to whoever connects. */
export const SOURCE_PORT = 5002;

/**
 * Puts a frame on the wire to the guest. Its bytes are the sender's and change after the call.
 * @param segmentBytes 0 for a frame that is complete. Otherwise it is TCP over IPv4, its checksum open, to be cut into
 * segments of so many bytes of payload
 */
export type PutFrame = (frame: Uint8Array, segmentBytes: number) => void;

/** What a peer can do. */
export interface NetPeerOptions {
  /** Whether the guest takes segments of up to 64 KB. Default false. */
  readonly segments?: boolean;
}

/**
 * The other end of a guest's wire, in this process: answers ARP and pings, pings itself, swallows and sends TCP and
 * UDP. The same for every card that is measured, so that only the cards differ.
 */
export class NetPeer {
  /** Frames and bytes that came from the guest. */
  framesIn = 0;
  bytesIn = 0;
  udpIn = 0;
  /** Zeros that the next connection to SOURCE_PORT gets. */
  bytesToSend = 0;
  readonly connections: Map<number, TcpConnection> = new Map<number, TcpConnection>();
  readonly #put: PutFrame;
  readonly #segments: boolean;
  readonly #mac: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 1);
  readonly #ip: Uint8Array;
  readonly #echoes = new Map<number, { at: number; done: (ms: number) => void }>();
  #guest: Addresses | null = null;
  #sequence = 0;

  /** @param ip the peer's address */
  constructor(put: PutFrame, ip: readonly number[], options: NetPeerOptions = {}) {
    this.#put = put;
    this.#segments = options.segments ?? false;
    this.#ip = Uint8Array.from(ip);
  }

  /** A frame from the guest. The bytes are the caller's and are not kept. */
  receive(frame: Uint8Array): void {
    this.framesIn++;
    this.bytesIn += frame.length;
    const type = get16(frame, 12);
    if (type === ETHERTYPE_ARP) this.#arp(frame);
    else if (type === ETHERTYPE_IPV4 && frame.length >= L4_AT) this.#ipv4(frame);
  }

  /** Pings the guest. @returns the round trip in milliseconds, null where no answer came in a second */
  async ping(): Promise<number | null> {
    const to = this.#guest;
    if (to === null) return null;
    const sequence = ++this.#sequence & 0xffff;
    const frame = new Uint8Array(98);
    putHeaders(frame, to, PROTOCOL_ICMP);
    frame[L4_AT] = ECHO_REQUEST;
    put16(frame, L4_AT + 6, sequence);
    putIcmpChecksum(frame);
    const answer = await new Promise<number | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), 1000);
      const done = (ms: number): void => {
        clearTimeout(timer);
        resolve(ms);
      };
      this.#echoes.set(sequence, { at: performance.now(), done });
      this.#send(frame);
    });
    this.#echoes.delete(sequence);
    return answer;
  }

  /** A UDP datagram to the guest, so made that the frame is `frameBytes` long; nobody there has to listen. */
  udpFrame(frameBytes: number): Uint8Array {
    if (this.#guest === null) throw new Error("the guest has not been heard of yet");
    const frame = new Uint8Array(frameBytes);
    putHeaders(frame, this.#guest, PROTOCOL_UDP);
    put16(frame, L4_AT, 9);
    put16(frame, L4_AT + 2, 9);
    put16(frame, L4_AT + 4, frameBytes - L4_AT);
    putL4Checksum(frame, PROTOCOL_UDP, L4_AT + 6);
    return frame;
  }

  /** Puts a frame on the wire as it is. */
  offer(frame: Uint8Array): void {
    this.#send(frame);
  }

  #send(frame: Uint8Array): void {
    this.#put(frame, 0);
  }

  #arp(frame: Uint8Array): void {
    const isForUs = this.#ip.every((byte, i) => frame[38 + i] === byte);
    if (get16(frame, 20) !== ARP_REQUEST || !isForUs) return;
    this.#learn(frame.slice(22, 28), frame.slice(28, 32));
    const reply = frame.slice(0, 42);
    reply.set(frame.subarray(6, 12), 0);
    reply.set(this.#mac, 6);
    put16(reply, 20, ARP_REPLY);
    reply.set(this.#mac, 22);
    reply.set(this.#ip, 28);
    reply.set(frame.subarray(22, 32), 32);
    this.#send(reply);
  }

  #learn(peerMac: Uint8Array, peerIp: Uint8Array): Addresses {
    this.#guest = { mac: this.#mac, ip: this.#ip, peerMac, peerIp };
    return this.#guest;
  }

  #ipv4(frame: Uint8Array): void {
    const protocol = frame[IP_AT + 9];
    if (protocol === PROTOCOL_UDP) this.udpIn++;
    else if (protocol === PROTOCOL_ICMP) this.#icmp(frame);
    else if (protocol === PROTOCOL_TCP) this.#tcp(frame);
  }

  #icmp(frame: Uint8Array): void {
    const to = this.#learn(frame.slice(6, 12), frame.slice(26, 30));
    if (frame[L4_AT] === ECHO_REPLY) {
      const echo = this.#echoes.get(get16(frame, L4_AT + 6));
      echo?.done(performance.now() - echo.at);
    } else if (frame[L4_AT] === ECHO_REQUEST) {
      const reply = frame.slice();
      putHeaders(reply, to, PROTOCOL_ICMP);
      reply[L4_AT] = ECHO_REPLY;
      putIcmpChecksum(reply);
      this.#send(reply);
    }
  }

  #tcp(frame: Uint8Array): void {
    const guestPort = get16(frame, L4_AT);
    const port = get16(frame, L4_AT + 2);
    const isSyn = ((frame[L4_AT + 13] ?? 0) & 0x12) === 2;
    const known = this.connections.get(guestPort);
    if (!isSyn) {
      known?.receive(frame);
      return;
    }
    const to = this.#learn(frame.slice(6, 12), frame.slice(26, 30));
    const bytes = port === SOURCE_PORT ? this.bytesToSend : 0;
    if (known === undefined || known.closed) {
      this.connections.set(guestPort, new TcpConnection(this.#put, to, frame, bytes, this.#segments));
    }
  }
}
