import { type Frame, readFrame } from "@vmmkit/ethif";
import {
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_HDR_GSO_ECN,
  VIRTIO_NET_HDR_GSO_NONE,
  VIRTIO_NET_HDR_GSO_TCPV4,
  VIRTIO_NET_HDR_GSO_TCPV6,
  VIRTIO_NET_HDR_GSO_UDP,
  VIRTIO_NET_HDR_GSO_UDP_L4,
} from "@vmmkit/virtio";
import { checksumOf, fold, sumBytes, sumFrame, swap16 } from "./checksum.ts";
import { be16, MAX_HEADER_BYTES, PacketHeaders, PROTOCOL_TCP, PROTOCOL_UDP, UDP_BYTES } from "./packet-headers.ts";
import type { WordViews } from "./word-views.ts";

/** More segments than any driver asks for: its smallest are 48 bytes, its longest frame has 64 KiB. */
const MAX_SEGMENTS = 2048;

/** The longest header of a segment: the frame's own, and one that makes it a fragment. */
export const SEGMENT_HEADER_BYTES: number = MAX_HEADER_BYTES + 8;

/** Offsets of checksum fields in their headers. */
const TCP_CHECKSUM_AT = 16;
const UDP_CHECKSUM_AT = 6;
const TCP_FIN_PSH = 0x09;
const TCP_CWR = 0x80;
const IPV4_MORE_FRAGMENTS = 0x2000;
const IPV6_FRAGMENT = 44;
const FRAGMENT_HEADER_BYTES = 8;

/** What a frame becomes. */
const ONE = 0;
const TCP = 1;
const UDP = 2;
const FRAGMENTS = 3;

/**
 * Cuts a frame into those that its header stands for (VIRTIO 1.2, 5.1.6.2): TCP and UDP segments, IP fragments, or the
 * one frame with its checksum filled in. Each is a header, made here, and a part of the frame's payload, which stays
 * where it is: `step` says which part, and `finish` makes the header once its sum is known.
 */
export class Segmenter {
  /** The header of the segment, from `finish` on. */
  readonly header: Uint8Array = new Uint8Array(SEGMENT_HEADER_BYTES);
  /** Its length in bytes. */
  headerBytes = 0;
  /** Where in the frame the segment's payload starts (after `begin`: the first one's), and its length in bytes. */
  payloadFrom = 0;
  payloadBytes = 0;
  /** Headers of the frame, where it is segmented. */
  readonly headers: PacketHeaders = new PacketHeaders();
  readonly #header16 = new Uint16Array(this.header.buffer);
  readonly #header32 = new Uint32Array(this.header.buffer);
  readonly #start = new Uint8Array(MAX_HEADER_BYTES);
  readonly #views: WordViews;
  #kind = ONE;
  #csumStart = 0;
  #csumOffset = 0;
  /** Bytes of the frame. */
  #total = 0;
  /** Payload bytes of each segment but the last. */
  #unit = 0;
  #index = 0;
  /** Where the next segment's payload starts. */
  #next = 0;
  /** Of the pseudo header, length not included. */
  #pseudoSum = 0;
  #firstId = 0;
  #firstSequence = 0;
  #tcpFlags = 0;
  #fragmentId: number = Math.floor(Math.random() * 0x1_0000_0000);

  constructor(views: WordViews) {
    this.#views = views;
  }

  /**
   * Takes a frame, and looks whether it is what its offload fields say.
   * @param lengthBytes the frame's length; its ranges may hold more
   * @param longestBytes no segment may be longer
   * @returns false where there is nothing that could be done for it
   */
  begin(source: Frame, lengthBytes: number, longestBytes: number): boolean {
    const count = Math.min(readFrame(source, this.#start), lengthBytes);
    this.#total = lengthBytes;
    this.#index = 0;
    this.#csumStart = source.csumStart;
    this.#csumOffset = source.csumOffset;
    if (source.gsoType === VIRTIO_NET_HDR_GSO_NONE) return this.#beginOne(count, longestBytes);
    if ((source.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0 || !this.headers.parse(this.#start, count)) return false;
    this.#kind = kindOf(source.gsoType, this.headers);
    if (this.#kind === ONE || !this.#isChecksumField()) return false;
    const { payloadAt } = this.headers;
    this.#next = payloadAt;
    this.payloadFrom = payloadAt;
    this.#unit = source.gsoSize;
    if (this.#kind === FRAGMENTS) return this.#beginFragments(source, longestBytes);
    this.headerBytes = payloadAt;
    this.#copyStart(payloadAt);
    this.#remember();
    const segments = Math.ceil((lengthBytes - payloadAt) / this.#unit);
    return this.#unit > 0 && segments <= MAX_SEGMENTS && payloadAt + this.#unit <= longestBytes;
  }

  /** Takes the next segment. False where there is none. */
  step(): boolean {
    const left = this.#total - this.#next;
    if (this.#index > 0 && left <= 0) return false;
    const first = this.#index++ === 0;
    let room = this.#unit;
    if (this.#kind === FRAGMENTS) {
      if (first) room -= UDP_BYTES;
      else if (this.#index === 2) this.headerBytes -= UDP_BYTES;
    }
    this.payloadFrom = this.#next;
    this.payloadBytes = Math.min(left, room);
    this.#next += this.payloadBytes;
    return true;
  }

  /** Whether `finish` wants to know the sum of the payload. */
  wantsSum(leaveChecksum: boolean): boolean {
    return !leaveChecksum && this.#kind !== FRAGMENTS;
  }

  /**
   * Makes the header of the segment that `step` took.
   * @param payloadSum sum of its payload, unless the checksum is left open
   * @param leaveChecksum the receiver fills in the checksum. Not of fragments: theirs is the whole datagram's
   * @param target gets the offload fields that go with the segment
   */
  finish(payloadSum: number, leaveChecksum: boolean, target: Frame): void {
    const leave = leaveChecksum && this.#kind !== FRAGMENTS;
    target.flags = leave ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;
    target.gsoType = VIRTIO_NET_HDR_GSO_NONE;
    target.hdrLen = 0;
    target.gsoSize = 0;
    target.csumStart = leave ? this.#csumStart : 0;
    target.csumOffset = leave ? this.#csumOffset : 0;
    if (this.#kind === ONE) this.#finishOne(payloadSum, leave);
    else {
      this.#finishIp();
      if (this.#kind === TCP) this.#finishTcp(payloadSum, leave);
      else if (this.#kind === UDP) this.#finishUdp(payloadSum, leave);
    }
  }

  /** One frame: whatever it is, up to the checksum's field it counts as header. */
  #beginOne(count: number, longestBytes: number): boolean {
    const end = this.#csumStart + this.#csumOffset + 2;
    if (end > count || this.#total > longestBytes) return false;
    this.#kind = ONE;
    this.headerBytes = end;
    this.#next = end;
    this.payloadFrom = end;
    this.#unit = this.#total;
    this.#copyStart(end);
    return true;
  }

  #beginFragments(source: Frame, longestBytes: number): boolean {
    const { version, transportAt, payloadAt, nextHeaderAt } = this.headers;
    const { header } = this;
    const extra = version === 6 ? FRAGMENT_HEADER_BYTES : 0;
    // Of each fragment but the last the length is a multiple of 8 (RFC 791, RFC 8200), the UDP header counted.
    const most = longestBytes - transportAt - extra;
    this.#unit = Math.min(this.#unit, most) & ~7;
    if (this.#unit < 2 * UDP_BYTES) return false;
    if (Math.ceil((this.#total - transportAt) / this.#unit) > MAX_SEGMENTS) return false;
    this.#copyStart(transportAt);
    this.#remember();
    header.set(this.#start.subarray(transportAt, payloadAt), transportAt + extra);
    if (extra > 0) {
      this.#fragmentId = (this.#fragmentId + 1) >>> 0;
      header[nextHeaderAt] = IPV6_FRAGMENT;
      header[transportAt] = PROTOCOL_UDP;
      header[transportAt + 1] = 0;
      putBe32(header, transportAt + 4, this.#fragmentId);
    }
    const udpAt = transportAt + extra;
    const length = this.#total - transportAt;
    putBe16(header, udpAt + 4, length);
    putLe16(header, udpAt + UDP_CHECKSUM_AT, 0);
    const data = sumFrame(source, this.#views, payloadAt, this.#total);
    const sum = this.#pseudoSum + swap16(length) + this.#sumHeader(udpAt, udpAt + UDP_BYTES) + data;
    putLe16(header, udpAt + UDP_CHECKSUM_AT, checksumOf(sum));
    this.headerBytes = udpAt + UDP_BYTES;
    return true;
  }

  /** What changes from segment to segment, as the frame has it. */
  #remember(): void {
    const { version, ipAt, transportAt, protocol } = this.headers;
    const start = this.#start;
    this.#firstId = be16(start, ipAt + 4);
    const addressesAt = version === 4 ? ipAt + 12 : ipAt + 8;
    this.#pseudoSum = this.#sumHeader(addressesAt, addressesAt + (version === 4 ? 8 : 32)) + (protocol << 8);
    if (this.#kind !== TCP) return;
    this.#firstSequence = be16(start, transportAt + 4) * 0x1_0000 + be16(start, transportAt + 6);
    this.#tcpFlags = start[transportAt + 13] as number;
  }

  #finishOne(payloadSum: number, leave: boolean): void {
    if (leave) return;
    const at = this.#csumStart;
    const sum = this.#sumHeader(at, this.headerBytes);
    const rest = ((this.headerBytes - at) & 1) === 0 ? payloadSum : swap16(payloadSum);
    putLe16(this.header, at + this.#csumOffset, checksumOf(sum + rest));
  }

  #finishIp(): void {
    const { version, ipAt, transportAt } = this.headers;
    const { header } = this;
    const fragments = this.#kind === FRAGMENTS;
    const ipBytes = this.headerBytes - ipAt + this.payloadBytes;
    if (fragments) this.#finishFragment();
    if (version === 6) {
      putBe16(header, ipAt + 4, ipBytes - 40);
      return;
    }
    putBe16(header, ipAt + 2, ipBytes);
    // Segments are packets of their own; fragments are known by having the same number.
    putBe16(header, ipAt + 4, fragments ? this.#firstId : this.#firstId + this.#index - 1);
    putLe16(header, ipAt + 10, 0);
    putLe16(header, ipAt + 10, ~this.#sumHeader(ipAt, transportAt) & 0xffff);
  }

  #finishFragment(): void {
    const { version, ipAt, transportAt } = this.headers;
    const more = this.#next < this.#total;
    const offset = (this.#index - 1) * this.#unit;
    if (version === 4) putBe16(this.header, ipAt + 6, (offset >>> 3) | (more ? IPV4_MORE_FRAGMENTS : 0));
    else putBe16(this.header, transportAt + 2, offset | (more ? 1 : 0));
  }

  #finishTcp(payloadSum: number, leave: boolean): void {
    const { header } = this;
    const { transportAt, payloadAt } = this.headers;
    let flags = this.#tcpFlags;
    if (this.#next < this.#total) flags &= ~TCP_FIN_PSH;
    if (this.#index > 1) flags &= ~TCP_CWR;
    header[transportAt + 13] = flags;
    putBe32(header, transportAt + 4, this.#firstSequence + this.payloadFrom - payloadAt);
    this.#finishChecksum(TCP_CHECKSUM_AT, payloadSum, leave);
  }

  #finishUdp(payloadSum: number, leave: boolean): void {
    putBe16(this.header, this.headers.transportAt + 4, UDP_BYTES + this.payloadBytes);
    this.#finishChecksum(UDP_CHECKSUM_AT, payloadSum, leave);
  }

  #finishChecksum(fieldAt: number, payloadSum: number, leave: boolean): void {
    const { header, headerBytes } = this;
    const { transportAt } = this.headers;
    const pseudo = this.#pseudoSum + swap16(headerBytes - transportAt + this.payloadBytes);
    if (leave) {
      putLe16(header, transportAt + fieldAt, fold(pseudo));
      return;
    }
    putLe16(header, transportAt + fieldAt, 0);
    const sum = pseudo + this.#sumHeader(transportAt, headerBytes) + payloadSum;
    putLe16(header, transportAt + fieldAt, checksumOf(sum));
  }

  /** Whether the checksum to be filled in is the transport's. */
  #isChecksumField(): boolean {
    const at = this.headers.protocol === PROTOCOL_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
    return this.#csumStart === this.headers.transportAt && this.#csumOffset === at;
  }

  #copyStart(count: number): void {
    const { header } = this;
    const start = this.#start;
    for (let i = 0; i < count; i++) header[i] = start[i] as number;
  }

  /** The sum of a part of the header. IP and what follows it start at even offsets, as each tag has four bytes. */
  #sumHeader(from: number, to: number): number {
    if (((from | to) & 1) !== 0) return sumBytes(this.header, this.#header32, from, to - from);
    const words = this.#header16;
    let sum = 0;
    for (let i = from >>> 1; i < to >>> 1; i++) sum += words[i] as number;
    return fold(sum);
  }
}

function kindOf(gsoType: number, { version, protocol }: PacketHeaders): number {
  const type = gsoType & ~VIRTIO_NET_HDR_GSO_ECN;
  if (type === VIRTIO_NET_HDR_GSO_TCPV4) return version === 4 && protocol === PROTOCOL_TCP ? TCP : ONE;
  if (type === VIRTIO_NET_HDR_GSO_TCPV6) return version === 6 && protocol === PROTOCOL_TCP ? TCP : ONE;
  if (gsoType === VIRTIO_NET_HDR_GSO_UDP) return protocol === PROTOCOL_UDP ? FRAGMENTS : ONE;
  if (gsoType === VIRTIO_NET_HDR_GSO_UDP_L4) return protocol === PROTOCOL_UDP ? UDP : ONE;
  return ONE;
}

function putBe16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function putBe32(bytes: Uint8Array, at: number, value: number): void {
  putBe16(bytes, at, value >>> 16);
  putBe16(bytes, at + 2, value);
}

function putLe16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}
