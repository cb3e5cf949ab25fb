import { type Frame, Offload } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_F_NEEDS_CSUM } from "@vmmkit/virtio";
import { type CardCore, ETHERNET_HEADER_BYTES, MAX_SEGMENTED_BYTES } from "../card-core.ts";
import type { TransmitDrop } from "../counters.ts";
import { readNetHeaderFields } from "../net-header.ts";
import { neededOffloads, UNKNOWN_GSO } from "./needed-offloads.ts";
import { RangeCursor } from "./range-cursor.ts";
import { Segmenter } from "./segmenter.ts";

/** Flags that mean something on transmit; others are ignored (5.1.6.2.2). With them, all of `gso_type`. */
const KNOWN_ASKS = VIRTIO_NET_HDR_F_NEEDS_CSUM | 0xff00;

/**
 * What a guest leaves to its card when it transmits: a checksum, segmentation. Its wishes are held against what was
 * negotiated and against the frame itself, so that neither a backend nor another guest ever sees one that makes no
 * sense; and what the backend does not take is done here.
 */
export class TransmitOffload {
  /** Whether the backend does what the frame that was taken last asks for. */
  forBackend = false;
  readonly #core: CardCore;
  /** Made for the first frame that needs them. */
  #segmenter: Segmenter | null = null;
  #cursor: RangeCursor | null = null;

  constructor(core: CardCore) {
    this.#core = core;
  }

  /** What a header's `flags` and `gso_type` ask for, 0 for nothing. */
  asksOf(flagsAndType: number): number {
    return flagsAndType & KNOWN_ASKS;
  }

  /**
   * Takes a frame that asks for something, and its header's fields with it.
   * @param asks as `asksOf` has them
   * @returns why it cannot be sent, or null
   */
  take(frame: Frame, header: Frame, asks: number): TransmitDrop | null {
    const { hostOffloads, backendOffloads, maxFrameBytes } = this.#core;
    const needed = neededOffloads(asks & 0xff, asks >>> 8);
    frame.flags = asks & 0xff;
    frame.gsoType = asks >>> 8;
    readNetHeaderFields(header, frame);
    if (needed === UNKNOWN_GSO) return "segmentation";
    if ((needed & ~hostOffloads) !== 0) return (hostOffloads & Offload.Csum) === 0 ? "checksum" : "segmentation";
    this.forBackend = (needed & ~backendOffloads) === 0;
    if (frame.gsoType === 0) return this.#takeChecksum(frame);
    if (frame.totalBytes > MAX_SEGMENTED_BYTES) return "tooLong";
    const segmenter = this.#segments();
    if (!segmenter.begin(frame, frame.totalBytes, maxFrameBytes)) return "segmentation";
    // What the driver says is a hint (5.1.6.2.2); the receiver gets what is true.
    frame.hdrLen = segmenter.headers.payloadAt;
    return this.#started(frame, segmenter);
  }

  /** Takes the next segment. False where there is none. */
  step(): boolean {
    return this.#segmenter?.step() ?? false;
  }

  /**
   * Makes the segment that `step` took.
   * @param target gets its ranges and fields
   * @param headerRoom where its header goes
   */
  fill(target: Frame, headerRoom: Uint8Array): void {
    const segmenter = this.#segments();
    const leave = (this.#core.backendOffloads & Offload.Csum) !== 0;
    target.push(headerRoom, 0, segmenter.headerBytes);
    const sum = this.#cursor?.take(segmenter.payloadBytes, target, segmenter.wantsSum(leave)) ?? 0;
    segmenter.finish(sum, leave, target);
    const { header } = segmenter;
    for (let i = 0; i < segmenter.headerBytes; i++) headerRoom[i] = header[i] as number;
  }

  #takeChecksum(frame: Frame): TransmitDrop | null {
    const { csumStart, csumOffset, totalBytes } = frame;
    if (totalBytes > this.#core.maxFrameBytes) return "tooLong";
    if (csumStart < ETHERNET_HEADER_BYTES || csumStart + csumOffset + 2 > totalBytes) return "checksum";
    frame.hdrLen = 0;
    frame.gsoSize = 0;
    if (this.forBackend) return null;
    const segmenter = this.#segments();
    return segmenter.begin(frame, totalBytes, totalBytes) ? this.#started(frame, segmenter) : "checksum";
  }

  #started(frame: Frame, segmenter: Segmenter): null {
    this.#cursor ??= new RangeCursor(this.#core.views);
    if (!this.forBackend) this.#cursor.start(frame, segmenter.payloadFrom);
    return null;
  }

  #segments(): Segmenter {
    this.#segmenter ??= new Segmenter(this.#core.views);
    return this.#segmenter;
  }
}
