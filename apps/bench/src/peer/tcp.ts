import type { PutFrame } from "./net-peer.ts";
import {
  type Addresses,
  get16,
  get32,
  L4_AT,
  PROTOCOL_TCP,
  put16,
  put32,
  putHeaders,
  putL4Checksum,
  putOpenL4Checksum,
} from "./packet.ts";

const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const ACK = 16;
const MSS = 1460;
/** Payload of a segment that is left to be cut: as many whole ones as an IP packet holds. */
const LONG_BYTES: number = MSS * Math.floor((65535 - 60) / MSS);
const OUR_WINDOW_SHIFT = 7;
/** Most unacknowledged bytes: what a guest's receive window usually allows. */
const MOST_IN_FLIGHT = 512 * 1024;
/** Unacknowledged bytes at the start (RFC 6928). */
const INITIAL_WINDOW = 10 * MSS;
const RETRANSMIT_MS = 250;
/** Lengths of which a segment is kept: they are whole segments, up to 44 of them in one, and the last. */
const MOST_FRAMES = 64;

/**
 * The peer's end of one TCP connection: it swallows what comes, and, if it is to, sends zeros until it is told to
 * stop. In order only: a gap is answered with the acknowledgement that is due, a loss repaired by going back.
 */
export class TcpConnection {
  /** Bytes received in order. */
  received = 0;
  /** Bytes that the guest acknowledged. */
  acknowledged = 0;
  closed = false;
  readonly #put: PutFrame;
  /** Most payload of a frame. */
  readonly #most: number;
  readonly #to: Addresses;
  readonly #ports: readonly [number, number];
  readonly #bytesToSend: number;
  #next: number;
  #unacknowledged = 1000;
  #sendNext = 1000;
  /** The furthest that was ever sent: after going back, acknowledgements of the first sending still come in. */
  #sentMost = 1000;
  readonly #start = 1001;
  #window = 65535;
  /** Bytes that may be under way before something gets lost, as far as is known; and where it grows slowly. */
  #congestionWindow = INITIAL_WINDOW;
  #threshold = MOST_IN_FLIGHT;
  #windowShift = 0;
  #sinceAck = 0;
  #duplicates = 0;
  #lastProgress = 0;
  #finSent = false;
  /** By length, the segments sent last. Payload is zeros, so those of one length differ in their headers alone. */
  readonly #frames = new Map<number, Uint8Array>();

  /**
   * @param syn the guest's SYN
   * @param bytesToSend how many bytes of zeros it gets; 0 for a connection that only swallows
   * @param segments whether segments may be left to be cut
   */
  constructor(put: PutFrame, to: Addresses, syn: Uint8Array, bytesToSend: number, segments: boolean) {
    this.#put = put;
    this.#most = segments ? LONG_BYTES : MSS;
    this.#to = to;
    this.#ports = [get16(syn, L4_AT + 2), get16(syn, L4_AT)];
    this.#bytesToSend = bytesToSend;
    this.#next = (get32(syn, L4_AT + 4) + 1) >>> 0;
    this.#windowShift = windowShift(syn);
    this.#segment(SYN | ACK, this.#sendNext, 0, [2, 4, MSS >>> 8, MSS & 0xff, 1, 3, 3, OUR_WINDOW_SHIFT]);
    this.#sendNext++;
  }

  /** The guest sent a segment on this connection. */
  receive(frame: Uint8Array): void {
    const flags = frame[L4_AT + 13] ?? 0;
    if ((flags & RST) !== 0) {
      this.closed = true;
      return;
    }
    const headerBytes = ((frame[L4_AT + 12] ?? 0) >> 4) * 4;
    const length = get16(frame, 16) - 20 - headerBytes;
    const sequence = get32(frame, L4_AT + 4);
    if ((flags & ACK) !== 0) this.#acknowledge(get32(frame, L4_AT + 8), get16(frame, L4_AT + 14), length);
    if (length > 0 || (flags & FIN) !== 0) this.#take(sequence, length, flags);
    this.pump();
  }

  /** Some milliseconds went by: what is not acknowledged yet is, as a lone segment would else be sent again. */
  tick(): void {
    if (!this.closed && this.#sinceAck > 0) this.#acknowledgeNow();
    this.pump();
  }

  /** Sends what the window allows; called again and again while there is something to send. */
  pump(): void {
    if (this.closed || this.#bytesToSend === 0) return;
    if (this.#sendNext !== this.#unacknowledged && performance.now() - this.#lastProgress > RETRANSMIT_MS)
      this.#goBack();
    const limit = Math.min(this.#window, this.#congestionWindow);
    for (;;) {
      const sent = this.#sendNext - this.#start;
      const inFlight = this.#sendNext - this.#unacknowledged;
      const left = this.#bytesToSend - sent;
      const room = Math.min(this.#most, left, limit - inFlight);
      // Whole segments, but for the last.
      const count = room < left ? room - (room % MSS) : room;
      if (count <= 0) break;
      this.#segment(ACK | PSH, this.#sendNext, count);
      this.#sendNext += count;
      this.#sentMost = Math.max(this.#sentMost, this.#sendNext);
    }
    if (!this.#finSent && this.acknowledged >= this.#bytesToSend) {
      this.#finSent = true;
      this.#segment(FIN | ACK, this.#sendNext, 0);
      this.#sendNext++;
    }
  }

  #acknowledge(number: number, window: number, length: number): void {
    this.#window = window << this.#windowShift;
    // Positions of ours go on beyond 2^32, where the number on the wire starts from 0 again.
    const advance = (number - this.#unacknowledged) | 0;
    const position = this.#unacknowledged + advance;
    if (advance > 0 && position <= Math.max(this.#sentMost, this.#sendNext)) {
      this.#unacknowledged = position;
      this.#sendNext = Math.max(this.#sendNext, position);
      this.#duplicates = 0;
      this.#lastProgress = performance.now();
      this.#widen(advance);
      this.acknowledged = Math.min(position - this.#start, this.#bytesToSend);
    } else if (advance === 0 && length === 0 && this.#sendNext !== this.#unacknowledged && ++this.#duplicates === 3) {
      this.#goBack();
    }
  }

  /** Slow start, then congestion avoidance (RFC 5681). */
  #widen(acknowledged: number): void {
    const slow = this.#congestionWindow < this.#threshold;
    const step = slow ? acknowledged : (MSS * acknowledged) / this.#congestionWindow;
    this.#congestionWindow = Math.min(this.#congestionWindow + step, MOST_IN_FLIGHT);
  }

  #goBack(): void {
    this.#threshold = Math.max(2 * MSS, (this.#sendNext - this.#unacknowledged) / 2);
    this.#congestionWindow = this.#threshold;
    this.#sentMost = Math.max(this.#sentMost, this.#sendNext);
    this.#sendNext = this.#unacknowledged;
    this.#duplicates = 0;
    this.#lastProgress = performance.now();
  }

  #take(sequence: number, length: number, flags: number): void {
    if (sequence !== this.#next) {
      this.#segment(ACK, this.#sendNext, 0);
      return;
    }
    this.#next = (this.#next + length) >>> 0;
    this.received += length;
    if ((flags & FIN) !== 0) {
      this.#next = (this.#next + 1) >>> 0;
      this.#segment(ACK | FIN, this.#sendNext, 0);
      this.#sendNext++;
      this.closed = true;
      return;
    }
    // Every second segment, as RFC 9293 asks for at least.
    this.#sinceAck += Math.ceil(length / MSS);
    if (this.#sinceAck >= 2 || (flags & PSH) !== 0) this.#acknowledgeNow();
  }

  #acknowledgeNow(): void {
    this.#sinceAck = 0;
    this.#segment(ACK, this.#sendNext, 0);
  }

  #frameOf(frameBytes: number): Uint8Array {
    const kept = this.#frames.get(frameBytes);
    if (kept !== undefined) return kept;
    if (this.#frames.size >= MOST_FRAMES) this.#frames.clear();
    const made = new Uint8Array(frameBytes);
    this.#frames.set(frameBytes, made);
    return made;
  }

  #segment(flags: number, sequence: number, length: number, options: readonly number[] = []): void {
    const frameBytes = L4_AT + 20 + options.length + length;
    const frame = options.length > 0 ? new Uint8Array(frameBytes) : this.#frameOf(frameBytes);
    putHeaders(frame, this.#to, PROTOCOL_TCP);
    put16(frame, L4_AT, this.#ports[0]);
    put16(frame, L4_AT + 2, this.#ports[1]);
    put32(frame, L4_AT + 4, sequence);
    put32(frame, L4_AT + 8, this.#next);
    frame[L4_AT + 12] = (20 + options.length) << 2;
    frame[L4_AT + 13] = flags;
    put16(frame, L4_AT + 14, 0xffff);
    frame.set(options, L4_AT + 20);
    const long = length > MSS;
    if (long) putOpenL4Checksum(frame, PROTOCOL_TCP, L4_AT + 16);
    else putL4Checksum(frame, PROTOCOL_TCP, L4_AT + 16);
    this.#put(frame, long ? MSS : 0);
  }
}

/** The window scale option of a SYN (RFC 7323, 2.2). */
function windowShift(syn: Uint8Array): number {
  const end = L4_AT + ((syn[L4_AT + 12] ?? 0) >> 4) * 4;
  for (let at = L4_AT + 20; at < end; ) {
    const kind = syn[at];
    if (kind === 0) break;
    if (kind === 3) return syn[at + 2] ?? 0;
    at += kind === 1 ? 1 : Math.max(2, syn[at + 1] ?? 2);
  }
  return 0;
}
