import { copyFrame, Frame, Offload } from "@vmmkit/ethif";
import { VIRTIO_NET_HDR_GSO_NONE } from "@vmmkit/virtio";
import type { CardCore } from "../card-core.ts";
import { longestReceived } from "../receive-limit.ts";
import { sumBytes } from "./checksum.ts";
import { Segmenter } from "./segmenter.ts";
import { STAGED_FRAME_BYTES, StagedFrame } from "./staged-frame.ts";

/** Frames in host memory at a time: one MiB. */
const MAX_STAGED = 16;

/**
 * Received frames that wait in host memory to be given to the guest in pieces, as its buffers come: long segments that
 * the guest did not agree to take, and frames behind them, so that none overtakes. Bounded: when all of its memory is
 * in use, the backend is told that there is no room.
 */
export class ReceiveBacklog {
  readonly #core: CardCore;
  readonly #free: StagedFrame[] = [];
  #made = 0;
  /** Oldest first. Never more than `MAX_STAGED`. */
  readonly #waiting: StagedFrame[] = [];
  #segmenter: Segmenter | null = null;
  /** The oldest frame has been begun. */
  #begun = false;
  readonly #piece = new Frame();

  constructor(core: CardCore) {
    this.#core = core;
  }

  /** Whether no frame waits. */
  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Length of the next piece in bytes. @see advance */
  pieceBytes = 0;

  /** Memory for a frame, null where all of it is in use. Goes back with `add` or `release`. */
  take(): StagedFrame | null {
    const staged = this.#free.pop();
    if (staged !== undefined) return staged;
    if (this.#made === MAX_STAGED) return null;
    this.#made++;
    return new StagedFrame();
  }

  /** The memory is not needed. */
  release(staged: StagedFrame): void {
    staged.empty();
    this.#free.push(staged);
  }

  /** Appends a frame that lies in `staged`. `whole`: the guest takes it as it is. */
  add(staged: StagedFrame, lengthBytes: number, fields: Frame, whole: boolean): void {
    staged.settle(lengthBytes, fields, whole);
    this.#waiting.push(staged);
  }

  /** Appends a copy of a frame. False where there is no memory left for it. */
  addCopy(frame: Frame, lengthBytes: number, whole: boolean): boolean {
    const staged = lengthBytes > STAGED_FRAME_BYTES ? null : this.take();
    if (staged === null) return false;
    copyFrame(frame, staged.frame);
    this.add(staged, lengthBytes, frame, whole);
    return true;
  }

  /**
   * Makes sure that there is a next piece, if a frame waits.
   * @returns how many frames had to be thrown away as nothing could be made of them
   */
  advance(): number {
    let bad = 0;
    for (let staged = this.#waiting[0]; staged !== undefined && this.pieceBytes === 0; staged = this.#waiting[0]) {
      if (!this.#begun && !this.#begin(staged)) {
        bad++;
        this.#shift();
      } else if (staged.whole) {
        this.pieceBytes = staged.lengthBytes;
      } else {
        const segmenter = this.#segments();
        if (segmenter.step()) this.pieceBytes = segmenter.headerBytes + segmenter.payloadBytes;
        else this.#shift();
      }
    }
    return bad;
  }

  /** Copies the piece, and the offload fields that go with it, into room for it. */
  copyPiece(room: Frame): void {
    const staged = this.#waiting[0];
    if (staged === undefined) return;
    if (staged.whole) {
      copyFrame(staged.frame, room);
      return;
    }
    const segmenter = this.#segments();
    const piece = this.#piece;
    const { payloadFrom, payloadBytes, headerBytes } = segmenter;
    const leave = (this.#core.guestOffloads & Offload.Csum) !== 0;
    const at = staged.at(payloadFrom);
    const sum = segmenter.wantsSum(leave) ? sumBytes(staged.bytes, staged.words, at, payloadBytes) : 0;
    piece.clear();
    segmenter.finish(sum, leave, piece);
    piece.push(segmenter.header, 0, headerBytes);
    if (payloadBytes > 0) piece.push(staged.bytes, at, payloadBytes);
    copyFrame(piece, room);
  }

  /** Whether the next piece is a whole frame that can go in segments as well. */
  get canSegment(): boolean {
    const staged = this.#waiting[0];
    return staged?.whole === true && staged.frame.gsoType !== VIRTIO_NET_HDR_GSO_NONE;
  }

  /** The guest takes the frame at hand, but has too little room for it in one piece: it goes in segments. */
  segment(): void {
    const staged = this.#waiting[0];
    if (staged !== undefined) staged.whole = false;
    this.#begun = false;
    this.pieceBytes = 0;
  }

  /** The piece is done with. */
  dropPiece(): void {
    this.pieceBytes = 0;
    if (this.#waiting[0]?.whole === true) this.#shift();
  }

  /** Throws everything away that waits. Answers how many frames that were. */
  clear(): number {
    const count = this.#waiting.length;
    this.pieceBytes = 0;
    while (this.#waiting.length > 0) this.#shift();
    return count;
  }

  #begin(staged: StagedFrame): boolean {
    this.#begun = true;
    if (staged.whole) return true;
    const longest = longestReceived(staged.frame, this.#core.maxReceiveBytes);
    return this.#segments().begin(staged.frame, staged.lengthBytes, longest);
  }

  #shift(): void {
    const staged = this.#waiting.shift();
    this.#begun = false;
    if (staged !== undefined) this.release(staged);
  }

  #segments(): Segmenter {
    this.#segmenter ??= new Segmenter(this.#core.views);
    return this.#segmenter;
  }
}
